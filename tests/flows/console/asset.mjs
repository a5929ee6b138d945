// One asset in its drawer: what differs and how it is settled, its texts, its past.
import { offendingElements, openAs, picture, same } from './browser.mjs'
import { smallPicture } from './work.mjs'

const drawerOf = (page) => page.locator('.drawer')

const sidesOf = (page) => drawerOf(page).getByRole('region', { name: 'Here and in Cloudinary' })

/** Opens the asset that the search finds. */
async function openAsset(page) {
  await page.getByText('1 found').waitFor()
  await page.locator('.tile .open').first().click()
  await drawerOf(page).locator('.timeline').waitFor()
}

export const asset = {
  async "a refused change is tried again, or given up for Cloudinary's value"(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    await page.locator('.tile .open').nth(20).click()
    const name = drawerOf(page).getByLabel('Public id')
    const before = await name.inputValue()
    // Cloudinary refuses every rename.
    await name.fill('products/mugs/never-to-be')
    await drawerOf(page).getByRole('button', { name: 'Save' }).click()
    const retry = sidesOf(page).getByRole('button', { name: 'Try again' })
    await retry.waitFor()
    await sidesOf(page).scrollIntoViewIfNeeded()
    await picture(page, 'differs')
    same(await offendingElements(page), [], 'accessibility of what differs')
    const asked = page.waitForResponse((response) => response.request().method() === 'POST' && response.url().endsWith('/sync'))
    await retry.click()
    same((await (await asked).json()).retried_items, 1, 'changes that are retried')
    await page.getByText('It is being tried again.').first().waitFor()
    await retry.waitFor()
    await sidesOf(page).getByRole('button', { name: "Take Cloudinary's value" }).click()
    await page.getByText("Cloudinary's value is taken here.").waitFor()
    await sidesOf(page).getByText('Both sides are equal').waitFor()
    same(await name.inputValue(), before, 'the public id')
    return opened
  },

  async 'a reader is told why nothing can be settled'(browser) {
    const opened = await openAs(browser, 'reader@example.com', { path: '?search=refused-1' })
    const { page } = opened
    await openAsset(page)
    for (const [name, reason] of [
      ["Take Cloudinary's value", 'Your role is reader: you may look, not change.'],
      ['Try again', 'Only administrators may do that.'],
    ]) {
      const button = sidesOf(page).getByRole('button', { name })
      same(await button.getAttribute('aria-disabled'), 'true', name)
      same(await button.getAttribute('title'), reason, `why not ${name}`)
    }
    return opened
  },

  async 'the alternative text stands in one place, and both sides get it'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    await page.locator('.tile .open').nth(22).click()
    const drawer = drawerOf(page)
    await drawer.getByLabel('Alternative text').fill('A mug on a table')
    const told = page.waitForResponse(async (response) => {
      if (response.request().method() !== 'GET' || !/media\/[0-9a-f]{32}$/.test(response.url())) return false
      const { asset } = await response.json()
      return asset.alt_text === 'A mug on a table' && asset.context.alt === 'A mug on a table'
    })
    await drawer.getByRole('button', { name: 'Save' }).click()
    await told
    await page.getByText('Saved. Cloudinary follows.').waitFor()
    same(await drawer.getByLabel('Context: value of alt').count(), 0, 'second places')
    await page.waitForFunction(() => document.querySelector('.drawer [name=alt_text]')?.value === 'A mug on a table')
    return opened
  },

  async 'the past of an asset is told in sentences, and an earlier value comes back'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    await page.locator('.tile .open').nth(24).click()
    const drawer = drawerOf(page)
    const tags = drawer.locator('.edit .tag')
    const before = await tags.allTextContents()
    await drawer.getByLabel('Tags', { exact: true }).fill('chipped')
    await drawer.getByLabel('Display name').fill('A chipped mug')
    await drawer.getByRole('button', { name: 'Save' }).click()
    const deed = drawer.locator('.timeline li', { hasText: /^You changed the display name: .* became A chipped mug; the tags: added chipped/ })
    await deed.waitFor()
    await drawer.locator('.timeline li', { hasText: /^A comparison found a new asset/ }).waitFor()
    await drawer.locator('.timeline li', { hasText: /^Cloudinary has the change/ }).waitFor()
    await drawer.locator('.timeline').scrollIntoViewIfNeeded()
    await picture(page, 'timeline')
    same(await offendingElements(page), [], 'accessibility of the timeline')
    await deed.getByRole('button', { name: 'Put the earlier value back' }).click()
    await page.getByText('The earlier value is back.').waitFor()
    await deed.getByRole('button', { name: 'Put the earlier value back' }).waitFor({ state: 'detached' })
    same(await tags.allTextContents(), before, 'the tags')
    return opened
  },

  async 'tags and folders that are there are offered while one types'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    await page.locator('.tile .open').nth(26).click()
    const drawer = drawerOf(page)
    const field = drawer.getByLabel('Tags', { exact: true })
    await field.pressSequentially('SCRIPT')
    const tag = '<script>alert(2)</script>'
    await drawer.getByRole('option', { name: tag }).waitFor()
    await field.scrollIntoViewIfNeeded()
    await picture(page, 'tag-suggestions')
    same(await offendingElements(page), [], 'accessibility of the suggestions')
    await field.press('ArrowDown')
    same(await drawer.getByRole('option', { name: tag }).getAttribute('aria-selected'), 'true', 'the choice')
    await field.press('Enter')
    await drawer.getByRole('button', { name: `Remove the tag ${tag}` }).waitFor()
    await field.pressSequentially('script')
    await drawer.getByRole('option').first().waitFor()
    await field.press('Escape')
    same(await drawer.getByRole('option').count(), 0, 'suggestions after Escape')
    await drawer.getByRole('button', { name: 'Discard' }).click()
    await field.press('Escape')
    await drawer.waitFor({ state: 'detached' })

    await page.locator('.tile .choose').nth(26).check()
    await page.getByRole('region', { name: 'Chosen assets' }).getByRole('button', { name: 'Move' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Folder').fill('summ')
    await dialog.getByText('Empty for the root.').waitFor()
    await dialog.getByRole('option', { name: 'campaigns/summer' }).click()
    same(await dialog.getByLabel('Folder').inputValue(), 'campaigns/summer', 'the folder')
    await picture(page, 'move')
    same(await offendingElements(page), [], 'accessibility of the move')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    return opened
  },

  async 'an owner is told where their files may be'(browser) {
    const opened = await openAs(browser, 'user@example.com')
    const { page } = opened
    const file = { name: 'Of a user.gif', mimeType: 'image/gif', buffer: smallPicture }
    await page.getByLabel('Files to upload').setInputFiles([file])
    await page.getByRole('checkbox', { name: 'Mine' }).check()
    await page.getByRole('checkbox', { name: 'Choose Of a user' }).check()
    await page.getByRole('region', { name: 'Chosen assets' }).getByRole('button', { name: 'Move' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/^Your files stay within users\/[0-9a-f-]{36}, or a folder below it\./).waitFor()
    same(await dialog.getByText('Empty for the root').count(), 0, 'words of the root')
    await picture(page, 'move-of-an-owner')
    return opened
  },
}
