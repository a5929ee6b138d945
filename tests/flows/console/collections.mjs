// Collections: made, filled, put in order and removed, by their owner; looked at by others.
import { NARROW, offendingElements, openAs, picture, picturesLoaded, same } from './browser.mjs'

const names = (page) => page.locator('.collection-items .what a').allTextContents()

/** Waits until the assets stand in this order. */
async function ordered(page, expected) {
  const list = page.getByRole('list', { name: 'Assets of the collection' })
  await list.locator('li').nth(expected.length - 1).waitFor()
  for (const [at, name] of expected.entries()) await list.locator('li').nth(at).getByText(name, { exact: true }).waitFor()
}

export const collections = {
  async 'chosen assets go into a new collection, are put in order, and are taken out'(browser) {
    const opened = await openAs(browser, 'user@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    const dialog = page.getByRole('dialog')
    for (const at of [0, 1, 2]) await page.locator('.tile .choose').nth(at).check()
    await page.getByRole('button', { name: 'Add to a collection' }).click()
    await dialog.getByLabel('Name of the new collection').fill('Herbst in Köln 秋')
    await picture(page, 'collection-add')
    same(await offendingElements(page), [], 'accessibility of the dialog')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('3 assets added to “Herbst in Köln 秋”.').waitFor()

    await page.getByRole('link', { name: 'Collections', exact: true }).click()
    await page.getByRole('link', { name: 'Herbst in Köln 秋' }).click()
    await page.locator('.collection-items li').nth(2).waitFor()
    const [first, second, third] = await names(page)
    await page.getByRole('button', { name: `Move ${third} up` }).click()
    await ordered(page, [first, third, second])
    await page.getByRole('button', { name: `Move ${first} down` }).click()
    await ordered(page, [third, first, second])
    await page.getByRole('button', { name: `Move ${second} to the first place` }).click()
    await ordered(page, [second, third, first])
    await page.getByRole('button', { name: `Move ${second} down` }).click()
    await ordered(page, [third, second, first])
    await page.getByRole('button', { name: `Move ${second} down` }).click()
    await ordered(page, [third, first, second])
    await page.getByRole('button', { name: `Move ${third} up` }).press('Enter')
    await page.getByRole('status').getByText('It is the first one.').waitFor()
    // By pointer.
    const rows = page.locator('.collection-items li')
    const middle = async (target) => {
      const { x, y, width, height } = await target.boundingBox()
      return [x + width / 2, y + height / 2]
    }
    await page.mouse.move(...(await middle(rows.nth(0).locator('.grip'))))
    await page.mouse.down()
    const [x, y] = await middle(rows.nth(1).locator('.grip'))
    await page.mouse.move(x, y + 20, { steps: 5 })
    const makesWay = page.locator('.collection-items li[style*="translateY(-"]')
    await makesWay.getByText(first, { exact: true }).waitFor()
    await picture(page, 'collection-drag')
    await page.mouse.up()
    await ordered(page, [first, third, second])
    await page.reload()
    await ordered(page, [first, third, second])
    await page.mouse.move(...(await middle(rows.nth(1).locator('.grip'))))
    await page.mouse.down()
    await page.mouse.move(x, 20, { steps: 5 })
    await page.mouse.up()
    await ordered(page, [third, first, second])
    await page.reload()
    await ordered(page, [third, first, second])
    await picturesLoaded(page)
    await picture(page, 'collection')
    same(await offendingElements(page), [], 'accessibility of a collection')
    await page.setViewportSize(NARROW)
    await picture(page, 'collection-narrow')
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    same(overflow > 0, false, 'a page that is too wide')

    await page.getByRole('button', { name: `Remove ${first}` }).click()
    await ordered(page, [third, second])
    await page.getByRole('button', { name: 'Undo' }).click()
    await ordered(page, [third, first, second])

    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByLabel('Name').fill('Autumn')
    await dialog.getByRole('checkbox').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Autumn' }).waitFor()
    await page.getByText('Public', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await dialog.getByRole('button', { name: 'Delete the collection' }).click()
    await page.getByText('The collection is deleted.').waitFor()
    await page.getByRole('heading', { name: 'Collections' }).waitFor()
    same(await page.getByRole('link', { name: 'Autumn' }).count(), 0, 'the deleted collection')
    return opened
  },

  async 'an asset goes from its drawer into a collection, and tells of it'(browser) {
    const opened = await openAs(browser, 'user@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    const dialog = page.getByRole('dialog')
    const drawer = page.locator('.drawer')
    const add = drawer.getByRole('button', { name: 'Add to a collection' })
    await page.locator('.tile .open').nth(20).click()
    await add.click()
    await dialog.getByLabel('Name of the new collection').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await add.click()
    await dialog.getByLabel('Name of the new collection').fill('Out of a drawer')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('Added to “Out of a drawer”.').waitFor()
    await drawer.getByRole('link', { name: 'Out of a drawer' }).waitFor()
    return opened
  },

  async 'the choice of a collection goes on after the first hundred'(browser) {
    const collection = (number) => ({ id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`, name: `Number ${number}`, description: null, is_public: false, owner: 'x', updated_at: '2026-01-01T00:00:00Z' })
    const asked = []
    const prepare = (page) => page.route('**/rest/v1/media_collections?**', (route) => {
      const query = new URL(route.request().url()).searchParams
      asked.push(query.get('owner'))
      const from = Number(query.get('offset'))
      const all = Array.from({ length: 101 }, (_, at) => collection(at))
      const found = query.has('name') ? all.slice(7, 8) : all.slice(from, from + 100)
      return route.fulfill({ json: found, headers: { 'access-control-allow-origin': '*' } })
    })
    const opened = await openAs(browser, 'user@example.com', { path: '?folder=products/mugs', prepare })
    const { page } = opened
    const dialog = page.getByRole('dialog')
    await page.locator('.tile .choose').first().check()
    await page.getByRole('button', { name: 'Add to a collection' }).click()
    const choice = dialog.getByRole('combobox', { name: 'Collection' })
    await choice.waitFor()
    same(await choice.locator('option').count(), 101, 'the first hundred, and a new one')
    await picture(page, 'collection-add-more')
    await dialog.getByRole('button', { name: 'Load more' }).click()
    await choice.selectOption('Number 100')
    same(await dialog.getByRole('button', { name: 'Load more' }).count(), 0, 'offers of more after the last')
    await dialog.getByLabel('Find').fill('7')
    await dialog.getByLabel('Find').press('Enter')
    await choice.locator('option').nth(2).waitFor({ state: 'detached' })
    same(await choice.locator('option').allTextContents(), ['A new one', 'Number 7'], 'the one that was found, and a new one')
    same(asked.every((owner) => owner?.startsWith('eq.')), true, 'questions for the own collections alone')
    return opened
  },

  async 'a public collection of others is looked at, and says why it stays as it is'(browser) {
    const opened = await openAs(browser, 'reader@example.com', { path: '/collections' })
    const { page } = opened
    const make = page.getByRole('button', { name: 'New collection' })
    same(await make.getAttribute('title'), 'Your role is reader: you may look, not change.', 'the reason')
    await page.getByRole('searchbox').fill('summer')
    await page.getByRole('link', { name: '<i>Summer</i> صيف' }).click()
    await page.getByText('<img src=x onerror=alert(1)> ⟨U+202E⟩gpj.exe').waitFor()
    await picture(page, 'collection-of-others')
    same(await page.getByRole('button', { name: 'Change', exact: true }).getAttribute('aria-disabled'), 'true', 'the button')
    return opened
  },

  async 'a collection that is not there is told'(browser) {
    const opened = await openAs(browser, undefined, { path: '/collections?collection=00000000-0000-4000-8000-000000000000' })
    await opened.page.getByText('There is no such collection').waitFor()
    return opened
  },
}
