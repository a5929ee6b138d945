// What those do who look after the library: bring assets back, see what fails, let deletes pass.
import { control, offendingElements, openAs, picture, picturesLoaded, same } from './browser.mjs'

/** Deletes an asset of the list by its drawer. Answers its name. */
async function deleteOne(page) {
  const tile = page.locator('.tile').nth(3)
  const name = await tile.locator('.name').textContent()
  await tile.locator('.open').click()
  await page.locator('.drawer').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('1 asset deleted.').waitFor()
  return name
}

export const care = {
  async 'a deleted asset is found in the trash, and comes back'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=campaigns/summer' })
    const { page } = opened
    const name = await deleteOne(page)
    await page.getByRole('link', { name: 'Trash', exact: true }).click()
    const row = page.getByRole('list', { name: 'Deleted assets' }).locator('li', { hasText: name })
    await row.getByText('by you').waitFor()
    await picture(page, 'trash')
    await page.getByRole('searchbox').fill(name)
    await page.getByText('1 deleted').waitFor()
    same(new URL(page.url()).searchParams.get('search'), name, 'the address')
    await row.getByRole('checkbox').check()
    await page.getByRole('button', { name: 'Restore 1 asset' }).click()
    await page.getByText('1 asset restored.').waitFor()
    await page.getByText('Nothing matches').waitFor()
    await page.getByRole('link', { name: 'Library', exact: true }).click()
    await page.getByRole('textbox', { name: 'Folder' }).fill('campaigns/summer')
    await page.getByText('40 found').waitFor()
    return opened
  },

  async 'an asset of the trash opens beside it, and one that was erased says so'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '/trash?search=old' })
    const { page } = opened
    const gone = page.getByRole('list', { name: 'Deleted assets' }).locator('li')
    const link = gone.getByRole('link', { name: 'صورة قديمة' })
    await link.click()
    const drawer = page.locator('.drawer')
    await drawer.getByRole('heading', { name: 'صورة قديمة' }).waitFor()
    same(new URL(page.url()).pathname, '/console/trash', 'the page below the drawer')
    await gone.nth(1).waitFor()
    await picture(page, 'trash-asset')
    same(await offendingElements(page), [], 'accessibility of the trash with a drawer')
    await page.goBack()
    await drawer.waitFor({ state: 'detached' })
    await page.getByText('2 deleted').waitFor()
    await link.press('Enter')
    await drawer.getByRole('heading', { name: 'صورة قديمة' }).waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    same(await link.evaluate((element) => element === document.activeElement), true, 'the focus after the drawer')

    await page.getByRole('searchbox').fill('')
    const erased = gone.filter({ hasText: 'Erased asset' })
    await erased.getByText('Erased', { exact: true }).waitFor()
    same(await erased.getByText('No backup').count(), 0, 'words about a backup')
    const restore = erased.getByRole('button', { name: 'Restore Erased asset' })
    same(await restore.getAttribute('title'), 'It was erased for good.', 'the reason')
    return opened
  },

  async 'a failure is one issue with its cause, is marked, and tried again'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.getByRole('link', { name: 'Issues', exact: true }).click()
    const card = page.getByRole('region', { name: 'Edits are refused by Cloudinary' })
    await page.getByText('not <b>now</b>').first().waitFor()
    await card.locator('summary').click()
    await picture(page, 'issues')
    await card.getByRole('link', { name: 'Show all 2 in a list' }).click()
    await page.getByText('2 found').waitFor()
    await page.getByRole('button', { name: 'Cause: cloudinary_bad_request' }).waitFor()
    await page.locator('.tile').getByText('refused-1').waitFor()
    await page.goBack()
    await card.getByRole('button', { name: 'Acknowledge' }).click()
    await card.getByText('acknowledged').waitFor()
    await card.getByText('Marked by you').waitFor()
    await card.getByRole('button', { name: 'Take the mark back' }).click()
    await card.getByRole('button', { name: 'Ignore' }).click()
    await page.getByText('1 ignored issue').click()
    await control('DELETE', 'faults')
    await card.getByRole('button', { name: 'Try all again' }).click()
    await page.getByText('2 assets will be tried again within a minute.').waitFor()
    const retry = page.getByRole('region', { name: 'Tried again: Edits are refused by Cloudinary' })
    await retry.getByText('2 assets are being tried again.').waitFor()
    await page.getByRole('heading', { name: 'Nothing fails now' }).waitFor()
    await picture(page, 'issues-tried-again')
    same(await offendingElements(page), [], 'accessibility of the page with a retry')
    // As if they had reached Cloudinary.
    await page.route('**/api/cloudinary/sync', async (route) => {
      const answer = await route.fetch()
      await route.fulfill({ response: answer, json: { ...(await answer.json()), pending_operations: 0 } })
    })
    await retry.getByText('2 assets were tried again, and nothing fails any more.').waitFor()
    await page.getByText('Every change has reached Cloudinary.').waitFor()
    await retry.getByRole('button', { name: 'Put this away' }).click()
    await retry.waitFor({ state: 'detached' })
    return opened
  },

  async 'a run that would delete many stops, and its plan is approved with a typed number'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.getByRole('link', { name: 'Sync', exact: true }).click()
    await page.getByRole('button', { name: 'Compare and repair all' }).click()
    await page.getByText('The run stopped').waitFor()
    const plan = page.getByRole('region', { name: 'Deletes of a run' })
    await plan.getByRole('heading', { name: '28 deletes for you to approve' }).waitFor()
    await plan.getByText('archive/lost/').first().waitFor()
    await picturesLoaded(page)
    await picture(page, 'plan')
    await plan.getByRole('button', { name: 'Approve 28 deletes' }).click()
    const dialog = page.getByRole('dialog')
    const go = dialog.getByRole('button', { name: 'Delete 28 assets' })
    await dialog.getByRole('textbox').fill('27')
    same(await go.isDisabled(), true, 'a wrong number')
    await picture(page, 'plan-approval')
    same(await offendingElements(page), [], 'accessibility of the approval')
    await dialog.getByRole('textbox').fill('28')
    await go.click()
    await page.getByText('28 assets deleted.').waitFor()
    await plan.waitFor({ state: 'detached' })
    return opened
  },

  async 'held deletes go by their plan, and a change between is told'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=archive/held' })
    const { page } = opened
    await page.getByText('30 found').waitFor()
    await page.locator('.tile .choose').first().check()
    await page.getByRole('button', { name: /^Choose all/ }).click()
    await page.getByRole('region', { name: 'Chosen assets' }).getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 30 assets' }).click()
    await page.getByText('30 assets deleted.').waitFor()
    await page.getByRole('link', { name: 'Sync', exact: true }).click()
    const plan = page.getByRole('region', { name: 'Held deletes' })
    await plan.locator('img').first().waitFor()
    await plan.getByRole('button', { name: 'Approve 30 deletes' }).click()

    // Somebody else takes one back meanwhile.
    const other = await openAs(browser, 'admin@example.com')
    await other.page.getByRole('link', { name: 'Issues', exact: true }).click()
    const issue = other.page.getByRole('region', { name: 'Deletes are held back because they are many' })
    await issue.getByRole('link', { name: 'Show all 30 in a list' }).click()
    await other.page.getByRole('heading', { name: 'Trash' }).waitFor()
    await other.page.getByText('30 deleted').waitFor()
    await other.page.getByRole('button', { name: 'Cause: held' }).waitFor()
    // Cloudinary has their files still.
    await other.page.waitForFunction(() => document.querySelector('.trash img')?.naturalWidth > 0)
    await picture(other.page, 'trash-held')
    await other.page.locator('.trash').getByRole('button', { name: /^Restore/ }).first().click()
    await other.page.getByText('1 asset restored.').waitFor()
    await other.close()

    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill('30')
    await dialog.getByRole('button', { name: 'Delete 30 assets' }).click()
    await dialog.getByRole('alert').waitFor()
    await dialog.getByRole('button', { name: 'Keep them' }).click()
    await plan.getByText('30 deletes before, 29 now.').waitFor()
    await picture(page, 'plan-changed')
    await plan.getByRole('button', { name: 'Approve 29 deletes' }).click()
    await dialog.getByRole('textbox').fill('29')
    await dialog.getByRole('button', { name: 'Delete 29 assets' }).click()
    await page.getByText('29 held deletes released.').waitFor()
    await plan.waitFor({ state: 'detached' })
    return opened
  },

  async 'issues are for administrators'(browser) {
    const opened = await openAs(browser, 'reader@example.com', { path: '/issues' })
    await opened.page.getByText('Only administrators see this page').waitFor()
    return opened
  },
}
