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

/** Opens a page whose offences are counted: scripts that ran, violations of the policy, errors. */
export async function open(browser, options = {}) {
  const { viewport = WIDE, colorScheme = 'light', path = '', storageState, prepare = async () => {} } = options
  const context = await browser.newContext({ viewport, colorScheme, storageState, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const offences = []
  page.on('dialog', (dialog) => {
    offences.push(`a script ran: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => offences.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) offences.push(message.text())
  })
  await prepare(page)
  await page.goto(CONSOLE + path)
  return { page, offences, close: () => context.close() }
}

export async function signIn(page, email = 'admin@example.com') {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Library' }).waitFor()
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

/** Findings of the two upper grades, with the places. */
export async function offendingElements(page) {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

export const picture = (page, name) => page.screenshot({ path: `${PICTURES}/${name}.png` })

/** Waits until every picture in view has loaded, or has shown that it cannot. */
export const picturesLoaded = (page) =>
  page.waitForFunction(() => [...document.images].every((image) => image.complete))

export function same(actual, expected, what) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (one !== other) throw new Error(`${what}: ${one}, expected ${other}`)
}
