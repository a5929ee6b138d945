// Each page wide and light, narrow and dark; and the states in which there is nothing to show.
import { NARROW, offendingElements, open, openAs, picture, picturesLoaded, same, tellTime, WIDE } from './browser.mjs'

const problem = (status, code, headers = {}) => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: `urn:media-sync:problem:${code}`, status, code, detail: `Told by the test: ${code}.`, request_id: 'r-1' }),
})

const PAGES = {
  library: { path: '?folder=products/mugs', shown: '.tile' },
  list: { path: '?view=list', shown: '.line' },
  asset: { path: '?folder=archive/held', shown: '.tile', isOpened: true },
  sync: { path: '/sync', shown: 'table' },
  health: { path: '/health', shown: '.plot' },
  collections: { path: '/collections', shown: '.collections li' },
  events: { path: '/events', shown: '.events li' },
  trash: { path: '/trash', shown: '.trash li' },
  issues: { path: '/issues', shown: '.issue' },
  activity: { path: '/activity', shown: '.trail li' },
}

async function look({ page }, name, rules) {
  await picturesLoaded(page)
  await picture(page, name)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  if (overflow > 0) throw new Error(`${name} is ${overflow} pixels too wide`)
  same(await offendingElements(page, rules), [], `accessibility of ${name}`)
}

/** Of what makes a page accessible, a colour scheme changes the contrast alone. */
const CONTRAST = { runOnly: ['color-contrast'] }

/** A name that is cut to a few letters tells nothing; beside its picture it has 160 pixels, and two lines where these are all. */
async function namesHaveRoom(page) {
  const room = await page.locator('.line .open').first().evaluate(({ clientWidth }) => clientWidth)
  if (room < 212) throw new Error(`a name and its picture have ${room} pixels`)
}

async function everyPage(browser, width, viewport, [colorScheme, other]) {
  const opened = await openAs(browser, 'admin@example.com', { viewport, colorScheme })
  const { page } = opened
  const base = page.url().replace(/\/console.*/, '/console')
  for (const [name, { path, shown, isOpened }] of Object.entries(PAGES)) {
    await page.emulateMedia({ colorScheme })
    await page.goto(base + path)
    await page.locator(shown).first().waitFor()
    await page.locator('.page-head').getByRole('button', { name: 'Copy as curl' }).first().waitFor()
    if (isOpened) {
      await page.locator('.tile .open').first().click()
      await page.locator('.drawer .timeline').waitFor()
    }
    if (name === 'list') await namesHaveRoom(page)
    await look(opened, `${name}-${width}-${colorScheme}`)
    await page.emulateMedia({ colorScheme: other })
    await look(opened, `${name}-${width}-${other}`, CONTRAST)
  }
  return opened
}

/** What is seen of an open asset, in both schemes. The field that offers something keeps the focus. */
async function lookAtPart(opened, part, name) {
  const { page } = opened
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await part.evaluate((element) => element.scrollIntoView({ block: 'center' }))
    await look(opened, `${name}-${colorScheme}`, CONTRAST)
    const cut = await page.locator('.drawer-body').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)
    if (cut > 0) throw new Error(`${name}: the drawer is ${cut} pixels too wide`)
  }
}

/** Both sides, the past, and what is offered while one types. */
async function partsOfAsset(browser, width, viewport) {
  const opened = await openAs(browser, undefined, { viewport, path: '?search=refused-1' })
  const { page } = opened
  await page.getByText('1 found').waitFor()
  await page.locator('.tile .open').first().click()
  const drawer = page.locator('.drawer')
  const sides = drawer.getByRole('region', { name: 'Here and in Cloudinary' })
  await sides.getByRole('button', { name: 'Try again' }).waitFor()
  await lookAtPart(opened, sides, `sides-${width}`)
  const past = drawer.locator('.timeline')
  await past.getByRole('button', { name: 'Put the earlier value back' }).first().waitFor()
  await lookAtPart(opened, past, `past-${width}`)
  for (const [label, text, offered] of [['Tags', 'script', 'tags-offered'], ['Folder', 'summ', 'folders-offered']]) {
    const field = drawer.getByLabel(label, { exact: true })
    await field.pressSequentially(text)
    await drawer.getByRole('option').first().waitFor()
    await lookAtPart(opened, field, `${offered}-${width}`)
  }
  return opened
}

/** Opens a page whose question gets this answer, or none at all. */
async function answered(browser, name, answer, words, { question = 'api/cloudinary/media?**', path = '' } = {}) {
  const prepare = (page) =>
    page.route(`**/${question}`, (route) => (answer ? route.fulfill(answer) : route.abort()))
  const opened = await openAs(browser, undefined, { path, prepare })
  const { page } = opened
  await page.getByText(words).first().waitFor()
  await look(opened, name)
  return opened
}

const json = (body) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const EMPTY = json({
  items: [],
  pagination: { has_more: false, limit: 100, next_cursor: null, page: 1, total: 0, total_is_exact: true, total_pages: 0 },
  stats: {
    total_assets: 0, total_images: 0, total_videos: 0, total_raw: 0,
    total_size: 0, synced_assets: 0, pending_assets: 0, error_assets: 0,
  },
  sync_status: { is_synced: true, last_error: null, last_sync: null, pending_operations: 0, sync_in_progress: false },
})

const NO_ISSUES = json({ items: [], complete: true })

const TRASH = { path: '/trash' }
const ISSUES = { path: '/issues', question: 'api/cloudinary/issues' }
const EVENTS = { path: '/events', question: 'api/cloudinary/events?**' }
const COLLECTIONS = { path: '/collections', question: 'rest/v1/media_collections?**' }
const HOURS = { path: '/health', question: 'api/cloudinary/audit/series?**' }

/** A day in which the runs of some hours failed or stopped, and whose quota comes back. */
const A_DAY = json({
  hours: Array.from({ length: 24 }, (_, at) => {
    const delay = (least) => (at % 8 === 3 ? null : { samples: 9, p50_seconds: least + (at % 5) / 4, p95_seconds: least * 3 + (at % 7) })
    return {
      hour: new Date(Date.UTC(2026, 10, 24, at)).toISOString(),
      applied: (at * 37) % 90, failed: at % 6 === 5 ? 7 : 0, conflicts: at % 4, is_exact: true,
      runs: { running: 0, succeeded: at % 9 === 8 ? 0 : 2, failed: at === 8 ? 1 : 0, stopped: at === 17 ? 1 : 0 },
      quota_remaining: 500 - ((at * 90) % 450), full_run_age_seconds: at * 3600,
      delay: delay(0.6), outbound_delay: delay(1.1),
    }
  }),
})

const PART = { question: 'console/assets/facets-*.js' }
const MENUS = { question: 'api/cloudinary/media/facets**' }

const NO_EVENTS = json({ items: [], refusals: [], pagination: { limit: 50, has_more: false, next_cursor: null } })

export const states = {
  'each page is wide': (browser) => everyPage(browser, 'wide', WIDE, ['light', 'dark']),
  'each page is narrow': (browser) => everyPage(browser, 'narrow', NARROW, ['dark', 'light']),
  async 'the first picture comes'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.goto(page.url())
    const shown = await page.waitForFunction(() => {
      const isShown = [...document.querySelectorAll('.tile img')].some((image) => image.naturalWidth > 0)
      return isShown && performance.now()
    })
    tellTime('from the address to the first picture', await shown.jsonValue())
    return opened
  },

  'each part of an asset is wide': (browser) => partsOfAsset(browser, 'wide', WIDE),
  'each part of an asset is narrow': (browser) => partsOfAsset(browser, 'narrow', NARROW),

  'an empty library': (browser) => answered(browser, 'state-empty', EMPTY, 'The library is empty'),
  'no connection': (browser) => answered(browser, 'state-offline', null, 'No connection'),
  'not allowed': (browser) => answered(browser, 'state-forbidden', problem(403, 'forbidden'), 'Not allowed'),
  'too many requests': (browser) =>
    answered(browser, 'state-too-many', problem(429, 'too_many_changes', { 'retry-after': '7' }), 'Try again in 7 seconds.'),
  'an empty trash': (browser) => answered(browser, 'state-trash-empty', EMPTY, 'The trash is empty', TRASH),
  'a trash without connection': (browser) => answered(browser, 'state-trash-offline', null, 'No connection', TRASH),
  'no issue': (browser) => answered(browser, 'state-issues-empty', NO_ISSUES, 'Nothing fails', ISSUES),
  'issues without connection': (browser) => answered(browser, 'state-issues-offline', null, 'No connection', ISSUES),

  'no event': (browser) => answered(browser, 'state-events-empty', NO_EVENTS, 'No event matches', EVENTS),
  'events without connection': (browser) => answered(browser, 'state-events-offline', null, 'No connection', EVENTS),
  'no collection': (browser) => answered(browser, 'state-collections-empty', json([]), 'No collection yet', COLLECTIONS),
  'collections without connection': (browser) =>
    answered(browser, 'state-collections-offline', null, 'No connection', COLLECTIONS),
  'no hours': (browser) => answered(browser, 'state-hours-failed', problem(503, 'unavailable'), 'The service has a problem', HOURS),
  async 'a day of work is drawn'(browser) {
    const prepare = (page) => page.route(`**/${HOURS.question}`, (route) => route.fulfill(A_DAY))
    const opened = await openAs(browser, undefined, { path: HOURS.path, prepare })
    const plots = opened.page.locator('.plots')
    await plots.waitFor()
    const ticks = await opened.page.locator('.plot .mark.bad').first().getAttribute('d')
    same(ticks.match(/M/g).length, 1, 'ticks of hours in which a run failed')
    await plots.evaluate((element) => element.scrollIntoView())
    await look(opened, 'state-hours')
    return opened
  },
  'a part of the page is gone': (browser) =>
    answered(browser, 'state-part-missing', null, 'A part of this page did not load.', PART),
  async 'the program of the page does not come'(browser) {
    const prepare = (page) => page.route('**/console/assets/index-*.js', (route) => route.fulfill({ status: 503 }))
    const opened = await open(browser, { prepare })
    await opened.page.getByRole('link', { name: 'load the page again' }).waitFor()
    await look(opened, 'state-no-program')
    return opened
  },

  'no menus': (browser) => answered(browser, 'state-menus-offline', null, 'No connection', MENUS),

  async 'an asset tells what differs here and there, and why'(browser) {
    const opened = await openAs(browser, undefined, { path: '?search=refused-1' })
    const { page } = opened
    await page.locator('.tile .open').first().click()
    const sides = page.locator('.drawer').getByRole('region', { name: 'Here and in Cloudinary' })
    await sides.getByText('renamed/refused-1').waitFor()
    await sides.getByText('refused-1', { exact: true }).waitFor()
    await sides.getByText('decided here').waitFor()
    await sides.getByText('The other fields are equal').click()
    await sides.getByText(/^Folder: .*last told/).waitFor()
    await sides.scrollIntoViewIfNeeded()
    await look(opened, 'here-and-there')
    return opened
  },

  async 'an administrator is told apart from a user'(browser) {
    const opened = await openAs(browser, 'user@example.com', { path: '/activity' })
    const { page } = opened
    await page.getByText('Only administrators see this page').waitFor()
    same(await page.title(), 'Activity – media-sync', 'the title')
    same(await page.getByRole('link', { name: 'Activity' }).count(), 0, 'links to the page')
    await look(opened, 'state-not-an-administrator')
    return opened
  },
}
