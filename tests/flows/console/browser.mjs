// A browser that keeps account of everything a page must not do.
import { AxeBuilder } from '@axe-core/playwright'
import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'

const { CONSOLE, CONTROL, PASSWORD, PICTURES } = process.env

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const WIDE = { width: 1440, height: 900 }
export const NARROW = { width: 360, height: 740 }

export const launch = async () =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((argument) => !argument.startsWith('--single-process')), ...ARGUMENTS],
    headless: true,
  })

/** What each page was answered, did not get, and wrote in its own journal; the newest last. */
const journals = new WeakMap()

const ANSWER = /^\/(api|auth|rest)\//

function keepJournal(page) {
  const journal = []
  journals.set(page, journal)
  const place = (request) => `${request.method()} ${request.url().replace(/^https?:\/\/[^/]+/, '')}`
  page.on('response', (response) => {
    const isKept = response.status() >= 400 || ANSWER.test(new URL(response.url()).pathname)
    if (isKept) journal.push(`${response.status()} ${place(response.request())}`)
  })
  page.on('requestfailed', (request) => journal.push(`${request.failure()?.errorText} ${place(request)}`))
  page.on('console', (message) => journal.push(`${message.type()}: ${message.text()}`))
}

/** What a page shows, as a screen reader would tell it, and its journal: there may be no picture to look at. */
export async function told(page) {
  const tree = await page.locator('body').ariaSnapshot({ timeout: 10_000 }).catch(({ message }) => message)
  return [page.url(), ...journals.get(page).slice(-20), tree.slice(0, 6_000)].join('\n')
}

/** Opens a page whose offences are counted: scripts that ran, violations of the policy, errors. */
export async function open(browser, options = {}) {
  const { viewport = WIDE, colorScheme = 'light', path = '', storageState, prepare = async () => {} } = options
  const context = await browser.newContext({ viewport, colorScheme, storageState, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const offences = []
  page.on('dialog', (dialog) => {
    // The browser's own question before a page goes.
    if (dialog.type() === 'beforeunload') return void dialog.accept()
    offences.push(`a script ran: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => offences.push(`error: ${error.message}`))
  page.on('console', (message) => {
    const { url, lineNumber } = message.location()
    if (/content security policy/i.test(message.text())) offences.push(`${message.text()} (${url}:${lineNumber})`)
  })
  keepJournal(page)
  await prepare(page)
  await page.goto(CONSOLE + path)
  return { page, offences, close: () => context.close() }
}

export async function signIn(page, email = 'admin@example.com') {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Library' }).waitFor()
  same(await page.getByText('The console is being opened').count(), 0, 'the line of the beginning')
}

/** What the browser keeps of each person's session. */
const sessions = new Map()

async function beginSession(browser, email) {
  const { page, close } = await open(browser)
  await signIn(page, email)
  const kept = await page.context().storageState()
  await close()
  return kept
}

/** Opens a page for a person, who has signed in once for all stories. A story that signs out signs in by itself. */
export async function openAs(browser, email = 'admin@example.com', options = {}) {
  if (!sessions.has(email)) sessions.set(email, beginSession(browser, email))
  const opened = await open(browser, { ...options, storageState: await sessions.get(email) })
  await opened.page.getByRole('navigation', { name: 'Pages' }).waitFor()
  return opened
}

/** Asks the Cloudinary stand-in's control plane. */
export async function control(method, path, body) {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${CONTROL}/_control/${path}`, { method, headers, body: body && JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}

/**
 * Findings of the two upper grades, with the places.
 * Only pages with frames need a second tab, and only violations need their elements: without both it takes half the time.
 * Styles are not read anew: the copy would be an inline style, which the page's policy forbids.
 */
export async function offendingElements(page, rules = {}) {
  const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'], preload: false, ...rules })
  const { violations } = await axe.analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

export const picture = (page, name) => page.screenshot({ path: `${PICTURES}/${name}.png` })

/** Waits until every picture in view has loaded, or has shown that it cannot. */
export const picturesLoaded = (page) =>
  page.waitForFunction(() => [...document.images].every((image) => image.complete))

/** Tells a time of this machine, which nothing depends on. */
export const tellTime = (what, milliseconds) => console.log(`  ${what}: ${Math.round(milliseconds)} ms`)

export function same(actual, expected, what) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (one !== other) throw new Error(`${what}: ${one}, expected ${other}`)
}
