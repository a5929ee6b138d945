// Notifications: what became of each, and their being applied again.
import { offendingElements, openAs, picture, same } from './browser.mjs'

export const events = {
  async 'an event tells its verdict and reason, and is applied again'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.getByRole('link', { name: 'Events', exact: true }).click()
    const list = page.getByRole('list', { name: 'Events' })
    await list.getByRole('listitem').first().waitFor()
    await page.getByText(/kinds? of refused notifications/).click()
    await page.getByRole('combobox', { name: 'Verdict' }).selectOption('parked')
    await list.getByText('Nobody could read it, so nothing was changed.').first().waitFor()
    await picture(page, 'events-parked')
    await page.goBack()
    await list.getByText('applied', { exact: true }).first().waitFor()

    const line = list.getByRole('listitem').filter({ hasText: 'judged after' }).first()
    await line.locator('summary').click()
    const id = await line.locator('code').textContent()
    const known = list.getByRole('listitem').filter({ hasText: id })
    await known.getByRole('checkbox').check()
    await page.getByRole('button', { name: 'Apply 1 event again' }).click()
    await page.getByText('1 notification will be applied again, the oldest first.').waitFor()
    await known.getByText('came again 1 time').waitFor()

    await page.getByRole('button', { name: 'Apply all since …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Received since').waitFor()
    await picture(page, 'events-since')
    same(await offendingElements(page), [], 'accessibility of the dialog')
    await dialog.getByLabel('Received since').fill('2100-01-01T00:00')
    await dialog.getByRole('button', { name: 'Apply them again' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('0 notifications will be applied again').waitFor()
    return opened
  },

  async 'messages that were given up are told, and sent again'(browser) {
    const opened = await openAs(browser, undefined, { path: '/events' })
    const { page } = opened
    const queue = page.getByRole('region', { name: '1 message given up: notifications' })
    await queue.getByText('Some of them').click()
    await queue.getByText(/^notification: .* received/).waitFor()
    await picture(page, 'events-given-up')
    await queue.getByRole('button', { name: 'Send them again' }).click()
    await page.getByText('1 message sent again.').waitFor()
    await queue.waitFor({ state: 'detached' })
    return opened
  },

  async 'events are for administrators'(browser) {
    const opened = await openAs(browser, 'reader@example.com', { path: '/events' })
    await opened.page.getByText('Only administrators see this page').waitFor()
    return opened
  },
}
