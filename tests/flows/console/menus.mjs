// Menus of filters beside the library: what is found, by folder, type, format and tag.
import { NARROW, offendingElements, openAs, picture, picturesLoaded, same } from './browser.mjs'

const parameter = (page, name) => new URL(page.url()).searchParams.get(name)

export const menus = {
  async 'menus tell the numbers, narrow the list, and the address keeps the choice'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    const side = page.getByRole('complementary', { name: 'Menus of filters' })
    await side.getByRole('button', { name: /^archive 60$/ }).waitFor()
    await side.getByRole('button', { name: 'Folders in archive' }).click()
    await side.getByRole('button', { name: /^held 30$/ }).click()
    await page.getByText('30 found').waitFor()
    same(parameter(page, 'below'), 'archive/held', 'the folder in the address')
    await page.getByRole('button', { name: 'Upload into this folder' }).waitFor()
    await side.getByRole('button', { name: /^products 9/ }).waitFor()
    await picturesLoaded(page)
    await picture(page, 'menus')
    same(await offendingElements(page), [], 'accessibility of the menus')

    await side.getByRole('button', { name: /^Images 30$/ }).click()
    await page.getByText('30 found').waitFor()
    await page.reload()
    await side.getByRole('button', { name: /^Images 30$/, pressed: true }).waitFor()
    await page.goBack()
    await side.getByRole('button', { name: /^Images 30$/, pressed: false }).waitFor()
    await side.getByRole('button', { name: /^held 30$/ }).click()
    await side.getByRole('region', { name: 'Formats' }).getByRole('button').first().click()
    if (!parameter(page, 'format')) throw new Error('the address has no format')
    await page.getByRole('button', { name: 'Filters', exact: true }).click()
    await side.waitFor({ state: 'detached' })
    await page.reload()
    await page.locator('.tile').first().waitFor()
    same(await side.count(), 0, 'menus after they were closed')
    return opened
  },

  async 'sizes and days are fields, and the address keeps them'(browser) {
    const opened = await openAs(browser, undefined, { path: '?folder=archive/held' })
    const { page } = opened
    const side = page.getByRole('complementary', { name: 'Menus of filters' })
    const smallest = side.getByRole('spinbutton', { name: 'Smallest size' })
    await smallest.focus()
    await page.keyboard.type('1.5')
    await page.waitForURL(/min_size=1500000(&|$)/)
    await page.getByText('Nothing matches').waitFor()
    await side.getByRole('combobox', { name: 'Unit of the smallest size' }).selectOption('KB')
    await page.waitForURL(/min_size=1500(&|$)/)
    await page.getByRole('button', { name: 'At least: 1.5 KB' }).click()
    await page.getByText('30 found').waitFor()
    same(await smallest.inputValue(), '', 'the field of a filter that was let go')
    await side.getByRole('spinbutton', { name: 'Largest size' }).fill('1')
    await page.waitForURL(/max_size=1000000/)
    await page.getByText('30 found').waitFor()
    await side.getByLabel('From', { exact: true }).fill('2020-02-29')
    await side.getByLabel('Until').fill('2021-01-01')
    await page.getByText('Nothing matches').waitFor()
    same([parameter(page, 'date_from'), parameter(page, 'date_to')], ['2020-02-29', '2021-01-01'], 'the days in the address')
    await page.reload()
    await side.getByLabel('Until').waitFor()
    same(await side.getByLabel('Until').inputValue(), '2021-01-01', 'the day after a reload')
    same(await side.getByRole('spinbutton', { name: 'Largest size' }).inputValue(), '1', 'the size after a reload')
    await side.getByLabel('Until').scrollIntoViewIfNeeded()
    await picture(page, 'menus-ranges')
    same(await offendingElements(page), [], 'accessibility of the fields')

    await page.setViewportSize(NARROW)
    await page.getByRole('button', { name: 'Filters', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Filters' })
    await dialog.getByLabel('Until').fill('')
    await page.getByText('30 found').first().waitFor()
    await dialog.getByLabel('Until').scrollIntoViewIfNeeded()
    await picture(page, 'menus-ranges-narrow')
    const overflow = await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)
    same(overflow > 0, false, 'a dialog that is too wide')
    return opened
  },

  async 'on a phone the menus are a dialog behind a button'(browser) {
    const opened = await openAs(browser, undefined, { viewport: NARROW, colorScheme: 'dark' })
    const { page } = opened
    await page.locator('.tile').first().waitFor()
    await page.getByRole('button', { name: 'Filters', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Filters' })
    await dialog.getByRole('button', { name: /^archive 60$/ }).click()
    await dialog.getByRole('button', { name: 'Show 60 found' }).waitFor()
    await picture(page, 'menus-narrow')
    same(await offendingElements(page), [], 'accessibility of the dialog of menus')
    await dialog.getByRole('button', { name: 'Show 60 found' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('60 found').waitFor()
    same(parameter(page, 'below'), 'archive', 'the folder in the address')
    return opened
  },
}
