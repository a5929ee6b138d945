// Each page wide and light, narrow and dark; and the states in which there is nothing to show.
import { NARROW, offendingElements, openAs, picture, picturesLoaded, same, WIDE } from './browser.mjs'

const problem = (status, code, headers = {}) => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: `urn:media-sync:problem:${code}`, status, code, detail: `Told by the test: ${code}.`, request_id: 'r-1' }),
})

const PAGES = {
  library: { path: '?folder=products/mugs', shown: '.tile' },
  list: { path: '?view=list', shown: '.line' },
  asset: { path: '?folder=campaigns/summer', shown: '.tile', open: true },
  sync: { path: '/sync', shown: 'table' },
  health: { path: '/health', shown: '.cards' },
  activity: { path: '/activity', shown: '.trail li' },
}

async function look({ page }, name) {
  await picturesLoaded(page)
  await picture(page, name)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  if (overflow > 0) throw new Error(`${name} is ${overflow} pixels too wide`)
  same(await offendingElements(page), [], `accessibility of ${name}`)
}

async function everyPage(browser, viewport, colorScheme, ending) {
  const opened = await openAs(browser, 'admin@example.com', { viewport, colorScheme })
  const { page } = opened
  const base = page.url().replace(/\/console.*/, '/console')
  for (const [name, { path, shown, open }] of Object.entries(PAGES)) {
    await page.goto(base + path)
    await page.locator(shown).first().waitFor()
    if (open) {
      await page.locator('.tile .open').first().click()
      await page.locator('.drawer .timeline').waitFor()
    }
    await look(opened, `${name}-${ending}`)
  }
  return opened
}

async function emptied(browser, name, answer, words) {
  const opened = await openAs(browser)
  const { page } = opened
  await page.route('**/api/cloudinary/media?**', (route) => (answer ? route.fulfill(answer) : route.abort()))
  await page.reload()
  await page.getByText(words).first().waitFor()
  await look(opened, name)
  return opened
}

const EMPTY = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    items: [],
    pagination: { has_more: false, limit: 100, next_cursor: null, page: 1, total: 0, total_is_exact: true, total_pages: 0 },
    stats: {
      total_assets: 0, total_images: 0, total_videos: 0, total_raw: 0,
      total_size: 0, synced_assets: 0, pending_assets: 0, error_assets: 0,
    },
    sync_status: { is_synced: true, last_error: null, last_sync: null, pending_operations: 0, sync_in_progress: false },
  }),
}

export const states = {
  'wide and light': (browser) => everyPage(browser, WIDE, 'light', 'wide-light'),
  'narrow and dark': (browser) => everyPage(browser, NARROW, 'dark', 'narrow-dark'),
  'an empty library': (browser) => emptied(browser, 'state-empty', EMPTY, 'The library is empty'),
  'no connection': (browser) => emptied(browser, 'state-offline', null, 'No connection'),
  'not allowed': (browser) => emptied(browser, 'state-forbidden', problem(403, 'forbidden'), 'Not allowed'),
  'too many requests': (browser) =>
    emptied(browser, 'state-too-many', problem(429, 'too_many_changes', { 'retry-after': '7' }), 'Try again in 7 seconds.'),

  async 'an administrator is told apart from a user'(browser) {
    const opened = await openAs(browser, 'user@example.com')
    const { page } = opened
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.getByText('Not allowed').waitFor()
    await look(opened, 'state-not-an-administrator')
    return opened
  },
}
