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
