// Two people on one library: what one does, the other sees.
import { openAs, picture, same, tellTime } from './browser.mjs'

const FOLDER = { path: '?folder=campaigns/summer' }

/** Milliseconds within which the other sees it, on a machine that does much besides. */
const SOON = { timeout: 5_000 }

const isLive = (page) => page.getByRole('status').getByText('Live', { exact: true }).waitFor()

export const live = {
  async 'what one person does, another sees without a jump'(browser) {
    const one = await openAs(browser, 'admin@example.com', FOLDER)
    const other = await openAs(browser, 'reader@example.com', FOLDER)
    await isLive(one.page)
    await isLive(other.page)
    await other.page.getByText('40 found').waitFor()

    // Cloudinary is called for one asset ten times in a short while, no more: each story has its own.
    await one.page.locator('.tile .open').nth(2).click()
    const drawer = one.page.locator('.drawer')
    const before = await drawer.getByLabel('Display name').inputValue()
    await drawer.getByLabel('Display name').fill('Seen by the other')
    await drawer.getByRole('button', { name: 'Save' }).click()
    const saved = Date.now()
    const renamed = other.page.locator('.tile', { hasText: 'Seen by the other' })
    await renamed.waitFor(SOON)
    tellTime('from one browser to the other', Date.now() - saved)
    await one.page.getByRole('button', { name: 'Undo' }).click()
    await renamed.waitFor({ state: 'detached', ...SOON })
    await drawer.getByRole('heading', { name: before }).first().waitFor()

    await drawer.getByRole('button', { name: 'Delete' }).click()
    const show = other.page.getByRole('button', { name: '1 changed, show' })
    await show.waitFor(SOON)
    await other.page.getByText('40 found').waitFor()
    await picture(other.page, 'live-news')
    await show.click()
    await other.page.getByText('39 found').waitFor()
    await show.waitFor({ state: 'detached' })

    await other.page.getByRole('button', { name: 'Pause live updates' }).click()
    await other.page.getByText('Paused').waitFor()
    await one.page.getByRole('button', { name: 'Undo' }).last().click()
    await one.page.getByText('40 found').waitFor()
    await other.page.getByText('39 found').waitFor()
    await other.page.getByRole('button', { name: 'Go on with live updates' }).click()
    await isLive(other.page)
    await other.page.getByText('40 found').waitFor()
    same(other.offences, [], 'offences of the other page')
    await other.close()
    return one
  },

  async 'without Realtime the page looks by itself, and says so'(browser) {
    const prepare = (page) => page.routeWebSocket(/realtime/, (socket) => socket.close())
    const opened = await openAs(browser, undefined, { prepare })
    const { page } = opened
    await page.getByText('Looks every 15 seconds').waitFor()
    await picture(page, 'state-without-realtime')
    return opened
  },
}
