// What people do: sign in, find, open, edit, delete, undo, upload.
import { writeFile } from 'node:fs/promises'
import { NARROW, offendingElements, open, openAs, picture, picturesLoaded, same, signIn } from './browser.mjs'

/** A file of the test's own folder. */
async function file(name, bytes) {
  await writeFile(name, bytes)
  return name
}

const LIST = '/api/cloudinary/media?'

const answered = (page, method) =>
  page.waitForResponse((response) => response.request().method() === method && response.url().includes('/api/cloudinary'))

const firstName = (page) => page.locator('.tile .name').first().textContent()

/** Presses Tab until the element has the focus. */
async function tabTo(page, target) {
  for (let pressed = 0; pressed < 150; pressed++) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not lead to ${target}`)
}

export const smallPicture = Buffer.from('R0lGODlhAQABAIAAAP8AAAAAACwAAAAAAQABAAACAkQBADs=', 'base64')

/** What had the focus may have gone; something near has it then. */
const hasFocus = (page, selector) =>
  page.waitForFunction((selector) => document.activeElement?.matches(selector), selector)

export const work = {
  async 'the address keeps what is looked for, through Back and reload'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.getByRole('textbox', { name: 'Folder' }).fill('campaigns/summer')
    await page.getByText('40 found').waitFor()
    await page.getByRole('combobox', { name: 'Type' }).selectOption('video')
    await page.getByText('Nothing matches').waitFor()
    await page.goBack()
    await page.getByText('40 found').waitFor()
    await page.reload()
    await page.getByText('40 found').waitFor()
    same(new URL(page.url()).searchParams.get('folder'), 'campaigns/summer', 'the address')
    return opened
  },

  async 'a long list is drawn in part, and goes on as one scrolls'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.locator('.tile').first().waitFor()
    const drawn = await page.locator('.tile').count()
    if (drawn >= 100) throw new Error(`${drawn} tiles are drawn`)
    const next = page.waitForResponse((response) => response.url().includes('cursor='))
    await page.locator('.results').evaluate((results) => results.scrollTo(0, results.scrollHeight))
    same((await next).status(), 200, 'the next page')
    return opened
  },

  async 'find, open, edit, delete and take back, by keyboard alone'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs' })
    const { page } = opened
    await page.locator('.tile').first().waitFor()
    const before = await firstName(page)
    await page.keyboard.press('/')
    await page.keyboard.type(before)
    await page.keyboard.press('Enter')
    await hasFocus(page, '.tile .open')
    await page.getByText('1 found').waitFor()
    await page.keyboard.press('Enter')
    await tabTo(page, page.locator('.drawer').getByLabel('Display name'))
    await page.keyboard.press('Control+A')
    await page.keyboard.type('A mug in blue')
    await tabTo(page, page.getByLabel('Tags', { exact: true }).last())
    await page.keyboard.type('blue,new')
    await page.locator('.drawer').getByRole('button', { name: 'Save' }).waitFor()
    await page.keyboard.type(',')
    const saved = answered(page, 'PATCH')
    await page.keyboard.press('Enter')
    same((await (await saved).json()).failed, [], 'the edit')
    await page.getByText('Saved. Cloudinary follows.').waitFor()
    await page.locator('.drawer h2').getByText('A mug in blue').waitFor()
    await hasFocus(page, '.drawer form input')
    const undone = answered(page, 'PATCH')
    await tabTo(page, page.getByRole('button', { name: 'Undo' }))
    await page.keyboard.press('Enter')
    same((await (await undone).json()).failed, [], 'the undo')
    await hasFocus(page, '.drawer *')
    await page.locator('.drawer h2').getByText(before).waitFor()
    await tabTo(page, page.locator('.drawer').getByRole('button', { name: 'Delete' }))
    await page.keyboard.press('Enter')
    await page.getByText('Nothing matches').waitFor()
    await tabTo(page, page.getByRole('button', { name: 'Undo' }))
    await page.keyboard.press('Enter')
    await page.getByText('1 found').waitFor()
    return opened
  },

  async 'an unsaved text stays with its asset, and what others change meanwhile is told'(browser) {
    const path = '?folder=products/mugs&sort_by=public_id&sort_order=asc'
    const one = await openAs(browser, 'admin@example.com', { path })
    const other = await openAs(browser, 'admin@example.com', { path })
    const form = ({ page }) => page.locator('.drawer').getByRole('form', { name: 'Edit' })
    const begin = async (opened, text) => {
      await opened.page.locator('.tile .open').nth(1).click()
      await form(opened).getByLabel('Description').fill(text)
    }
    await begin(one, 'Of the first')
    await one.page.keyboard.press('Escape')
    await one.page.locator('.drawer').waitFor({ state: 'detached' })
    await one.page.getByText('Kept as a draft. Open the asset again to go on.').waitFor()
    const asked = one.page.waitForEvent('dialog')
    await one.page.evaluate(() => void setTimeout(() => location.assign('?asked')))
    same((await asked).type(), 'beforeunload', 'the question')
    await one.page.waitForURL('**?asked')
    await one.page.goto(one.page.url().replace(/\?.*/, path))
    await begin(one, 'Of the first')
    await one.page.locator('.drawer-head').getByText('Unsaved changes').waitFor()
    await one.page.keyboard.press('Escape')
    await one.page.locator('.tile .open').nth(1).click()
    same(await form(one).getByLabel('Description').inputValue(), 'Of the first', 'the draft')

    // The first one's page learns nothing until it saves.
    let isSaved = false
    one.page.on('request', (request) => (isSaved ||= request.method() === 'PATCH'))
    await one.page.route(/media\/[0-9a-f]{32}$/, (route) => (isSaved ? route.continue() : route.abort()))
    await begin(other, 'Of the second')
    await form(other).getByRole('button', { name: 'Save' }).click()
    await other.page.getByText('Saved.', { exact: true }).waitFor()
    await form(one).getByRole('button', { name: 'Save' }).click()
    await form(one).getByText('Somebody has changed this meanwhile: description.').waitFor()
    await picture(one.page, 'edit-overtaken')
    await form(one).getByRole('button', { name: 'Discard' }).click()
    const isShown = (text) => document.querySelector('.drawer [name=description]')?.value === text
    await one.page.waitForFunction(isShown, 'Of the second')
    same(other.offences, [], 'offences of the other page')
    await other.close()
    return one
  },

  async 'until the answer comes, the results are shown to be those of before'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs' })
    const { page } = opened
    await page.locator('.tile').first().waitFor()
    let answer
    const asked = new Promise((resolve) => (answer = resolve))
    await page.route(`**${LIST}**search=**`, async (route) => {
      await asked
      await route.continue()
    })
    await page.getByRole('searchbox').fill('nothing has this name')
    await page.getByRole('status').getByText('Searching …').waitFor()
    same(await page.locator('.shelf').getAttribute('aria-busy'), 'true', 'the former results')
    await picture(page, 'searching')
    answer()
    await page.getByText('Nothing matches').waitFor()
    same(await page.locator('.shelf').getAttribute('aria-busy'), 'false', 'the new results')
    return opened
  },

  async 'the list has heads that sort, and shows short tags whole'(browser) {
    const tags = ['product', 'mug', 'bestseller', 'autumn']
    const prepare = (page) => page.route(`**${LIST}**`, async (route) => {
      const answer = await route.fetch()
      const told = await answer.json()
      const items = told.items.map((item, at) => ({ ...item, tags: at === 1 ? ['a tag with a name that is longer than the column'] : tags }))
      await route.fulfill({ response: answer, json: { ...told, items } })
    })
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&view=list', prepare })
    const { page } = opened
    await page.locator('.line .tag').first().waitFor()
    const parameter = (name) => new URL(page.url()).searchParams.get(name)
    const head = page.getByRole('button', { name: /^Size/ })
    await head.click()
    await page.waitForURL(/sort_order=desc/)
    same(parameter('sort_by'), 'file_size', 'the order')
    await page.getByRole('button', { name: 'Size, sorted downwards' }).press('Enter')
    await page.waitForURL(/sort_order=asc/)
    await page.getByRole('button', { name: 'Size, sorted upwards' }).waitFor()
    same(await page.getByRole('combobox', { name: 'Order' }).inputValue(), 'file_size asc', 'the menu of orders')
    const cut = await page.locator('.line .tag bdi').evaluateAll((tags) =>
      tags.filter((tag) => tag.scrollWidth > tag.clientWidth).map((tag) => tag.textContent).filter((text) => text.length < 12),
    )
    same(cut, [], 'short tags that are cut')
    const below = await page.locator('.line .tags').evaluateAll((all) => all.filter((one) => one.scrollHeight > one.clientHeight).length)
    same(below, 0, 'cells that hide a tag')
    const places = await page.locator('.heads .size, .line .size').evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().right)))
    same(new Set(places).size, 1, 'the edges of a column')
    await page.locator('.line .open').first().focus()
    for (let pressed = 0; pressed < 14; pressed++) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await picture(page, 'list-heads')
    return opened
  },

  async 'filters typed one after the other are all kept'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.getByRole('textbox', { name: 'Folder' }).focus()
    await page.keyboard.type('campaigns/summer', { delay: 30 })
    await page.keyboard.press('Tab')
    await page.keyboard.type('winter', { delay: 90 })
    // A pause between two keys searches for the half word, which nothing matches either.
    await page.waitForURL(({ searchParams }) => searchParams.get('tags') === 'winter')
    await page.getByText('Nothing matches').waitFor()
    same(new URL(page.url()).searchParams.get('folder'), 'campaigns/summer', 'the folder in the address')
    same(await page.getByRole('textbox', { name: 'Tags' }).inputValue(), 'winter', 'the field')
    return opened
  },

  async 'commands are found by their names, and ? tells the keys'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    const dialog = page.getByRole('dialog')
    await page.keyboard.press('Control+K')
    await dialog.getByRole('combobox').waitFor()
    await picture(page, 'commands')
    same(await offendingElements(page), [], 'accessibility of the commands')
    await page.keyboard.type('trash')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Trash' }).waitFor()
    await page.keyboard.press('?')
    await dialog.getByText('go to the search').waitFor()
    await picture(page, 'keys')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.keyboard.press('Control+K')
    await dialog.getByRole('combobox').waitFor()
    await page.keyboard.type('brand_')
    await page.keyboard.press('Enter')
    await page.getByText('6 found').waitFor()
    return opened
  },

  async 'delete from the drawer, and undo'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=campaigns/summer' })
    const { page } = opened
    await page.locator('.tile .open').nth(1).click()
    await page.locator('.drawer').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('39 found').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('1 asset restored.').waitFor()
    await page.getByText('40 found').waitFor()
    return opened
  },

  async 'delete many after a question, and undo'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=campaigns/summer' })
    const { page } = opened
    await page.locator('.tile .choose').first().check()
    await page.getByRole('button', { name: /^Choose all/ }).click()
    await page.getByText('40 assets chosen').waitFor()
    await picture(page, 'selection')
    await page.getByRole('region', { name: 'Chosen assets' }).getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 40 assets' }).click()
    await page.getByText('Nothing matches').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('40 found').waitFor()
    return opened
  },

  async 'chosen assets that are not shown are told, and asked about; Shift chooses a range'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    const bar = page.getByRole('region', { name: 'Chosen assets' })
    const dialog = page.getByRole('dialog')
    const box = (at) => page.locator('.tile .choose').nth(at)
    const before = await page.locator('.tile').nth(5).boundingBox()
    await box(5).check()
    await bar.waitFor()
    same(await page.locator('.tile').nth(5).boundingBox(), before, 'the place of a tile as the bar appears')
    await box(8).click({ modifiers: ['Shift'] })
    await bar.getByText('4 assets chosen', { exact: true }).waitFor()
    await box(7).click({ modifiers: ['Shift'] })
    await bar.getByText('2 assets chosen', { exact: true }).waitFor()
    const name = await page.locator('.tile .name').nth(5).textContent()
    await page.getByRole('searchbox').fill(name)
    await bar.getByText('2 assets chosen, 1 of them not shown here').waitFor()
    await bar.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByText('1 chosen asset is not shown here:').waitFor()
    await picture(page, 'not-shown')
    same(await offendingElements(page), [], 'accessibility of the question')
    await dialog.getByRole('button', { name: 'Keep them' }).click()
    await bar.getByRole('button', { name: 'Only those shown' }).click()
    await bar.getByText('1 asset chosen', { exact: true }).waitFor()
    await page.setViewportSize(NARROW)
    await picture(page, 'selection-narrow')
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    same(overflow > 0, false, 'a page that is too wide')
    return opened
  },

  async 'a move that fails keeps its dialog or the choice, and offers no undo'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=products/mugs&sort_by=public_id&sort_order=asc' })
    const { page } = opened
    const bar = page.getByRole('region', { name: 'Chosen assets' })
    const dialog = page.getByRole('dialog')
    const edits = '**/api/cloudinary/media'
    const begin = async () => {
      await bar.getByRole('button', { name: 'Move' }).click()
      await dialog.getByLabel('Folder').fill('products/elsewhere')
      await dialog.getByRole('button', { name: 'Move 2 assets' }).click()
    }
    await page.locator('.tile .choose').nth(10).check()
    await page.locator('.tile .choose').nth(11).check()
    await page.route(edits, (route) => route.abort())
    await begin()
    await dialog.getByText('No connection').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.unroute(edits)
    // Each asset is refused by itself.
    await page.route(edits, (route) => {
      const items = route.request().postDataJSON().items
      const failed = items.map(({ asset_id }) => ({ asset_id, public_id: asset_id, code: 'conflict', error: 'Told by the test.' }))
      return route.fulfill({ json: { assets: [], failed } })
    })
    await begin()
    await dialog.getByText('0 assets done, 2 failed.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await bar.getByText('2 assets chosen', { exact: true }).waitFor()
    same(await page.getByRole('button', { name: 'Undo' }).count(), 0, 'offers of undo')
    return opened
  },

  async 'tags are added to many and taken from many, and come back'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=campaigns/summer' })
    const { page } = opened
    const bar = page.getByRole('region', { name: 'Chosen assets' })
    const dialog = page.getByRole('dialog')
    await page.locator('.tile .choose').first().check()
    await page.getByRole('button', { name: /^Choose all/ }).click()
    await bar.getByRole('button', { name: 'Tags' }).click()
    await dialog.getByLabel('Add').fill('autumn')
    await dialog.getByLabel('Add').press('Enter')
    await dialog.getByRole('button', { name: 'Change the tags' }).click()
    await page.getByText('Tags of 40 assets changed.').waitFor()
    await page.goto(page.url().replace(/folder=[^&]*/, 'tags=autumn'))
    await page.getByText('40 found').waitFor()

    await page.locator('.tile .choose').first().check()
    await bar.getByRole('button', { name: 'Tags' }).click()
    await dialog.getByRole('checkbox', { name: 'autumn' }).check()
    await picture(page, 'tags-of-many')
    same(await offendingElements(page), [], 'accessibility of the dialog of tags')
    await dialog.getByRole('button', { name: 'Change the tags' }).click()
    await page.getByText('39 found').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('40 found').waitFor()
    return opened
  },

  async 'files go straight to Cloudinary, into the folder one stands in'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: '?folder=inbox' })
    const { page } = opened
    await page.getByText('Nothing matches').waitFor()
    const requests = []
    page.on('request', (request) => {
      if (request.url().includes('/v1_1/') && request.method() === 'POST') requests.push(request.headers())
    })
    // By path: the bytes of a large file would pass through the browser's protocol.
    await page.getByLabel('Files to upload').setInputFiles([
      await file('Tulip two.gif', smallPicture),
      await file('large.bin', Buffer.alloc(20_500_000, 'x')),
    ])
    await page.getByText('2 of 2 files uploaded').waitFor()
    await picture(page, 'upload')
    const ranges = requests.flatMap((headers) => headers['content-range'] ?? [])
    same(ranges, ['bytes 0-19999999/20500000', 'bytes 20000000-20499999/20500000'], 'the chunks')
    await page.getByText('2 found').waitFor()
    same((await page.locator('.tile .name').allTextContents()).sort(), ['Tulip two', 'large'], 'the names')
    return opened
  },

  async 'where the rules forbid it, files go into the own folder, and the button says so'(browser) {
    const opened = await openAs(browser, 'user@example.com', { path: '?folder=inbox' })
    const { page } = opened
    await page.getByRole('button', { name: 'Upload into your own folder' }).waitFor()
    await page.getByLabel('Files to upload').setInputFiles([await file('own.gif', smallPicture)])
    await page.getByText('1 of 1 file uploaded').waitFor()
    await page.locator('.tray').getByText(/into users\/[0-9a-f-]{36}$/).waitFor()
    return opened
  },

  async 'a refused upload says why; one that broke off can be tried again'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    const retry = page.locator('.tray').getByRole('button', { name: 'Retry' })
    await page.getByLabel('Files to upload').setInputFiles([
      { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<script>alert(7)</script>') },
    ])
    await page.getByText('1 failed').waitFor()
    await page.locator('.tray').getByText('HTML files are not accepted here, because opening one can run a program.').waitFor()
    same(await retry.count(), 0, 'offers to try the refused file again')
    await page.route('**/v1_1/**', (route) => route.abort())
    await page.getByLabel('Files to upload').setInputFiles([await file('broken.gif', smallPicture)])
    await page.getByText('2 failed').waitFor()
    same(await retry.count(), 1, 'offers to try again')
    return opened
  },

  async 'a dry run tells the differences and changes nothing'(browser) {
    const opened = await openAs(browser)
    const { page } = opened
    await page.getByRole('link', { name: 'Sync', exact: true }).click()
    await page.getByRole('button', { name: 'Compare only' }).click()
    await page.locator('.answer').getByText(/assets? (is|are) not equal\.$/).waitFor()
    await page.getByText('Nothing was changed.').waitFor()
    await picture(page, 'sync')
    const details = page.getByRole('button', { name: /^Details of the run/ })
    await details.nth(1).waitFor()
    await details.first().click()
    const rows = page.getByRole('region', { name: 'Table of recent runs' }).locator('tbody tr')
    await rows.nth(1).getByText(/assets? (is|are) not equal\.$/).waitFor()
    same(await details.first().getAttribute('aria-expanded'), 'true', 'the button of the details')
    await page.setViewportSize(NARROW)
    await rows.nth(1).scrollIntoViewIfNeeded()
    await picture(page, 'sync-details-narrow')
    const [box] = await rows.nth(1).locator('.answer').evaluateAll(([answer]) => [answer.getBoundingClientRect().right - innerWidth])
    same(box > 0, false, 'details that are wider than the window')
    await details.first().click()
    await rows.nth(1).getByText(/not equal/).waitFor({ state: 'detached' })
    return opened
  },

  async 'a reader sees actions, and why they are off'(browser) {
    const opened = await openAs(browser, 'reader@example.com', { path: '?folder=products/mugs' })
    const { page } = opened
    await page.locator('.tile .open').first().click()
    const remove = page.locator('.drawer').getByRole('button', { name: 'Delete' })
    await remove.waitFor()
    same(await remove.getAttribute('aria-disabled'), 'true', 'the button')
    same(await remove.getAttribute('title'), 'Your role is reader: you may look, not change.', 'the reason')
    same(await page.locator('.drawer').getByLabel('Display name').isDisabled(), true, 'the field')
    await remove.press('Enter')
    await page.locator('.toast').getByText('Your role is reader: you may look, not change.').waitFor()
    return opened
  },

  async 'an editor changes what others own, and has no pages of administrators'(browser) {
    const opened = await openAs(browser, 'editor@example.com', { path: '?folder=products/mugs' })
    const { page } = opened
    await page.locator('.tile .open').first().click()
    const drawer = page.locator('.drawer')
    const name = drawer.getByLabel('Display name')
    const before = await name.inputValue()
    await name.fill('A mug of an editor')
    await drawer.getByRole('button', { name: 'Save' }).click()
    await page.locator('.tile', { hasText: 'A mug of an editor' }).waitFor()
    await page.locator('.toast').getByRole('button', { name: 'Undo' }).click()
    await drawer.getByRole('heading', { name: before }).first().waitFor()
    const menu = page.getByRole('navigation', { name: 'Pages' })
    same(await menu.getByRole('link').allInnerTexts(), ['Library', 'Collections', 'Trash', 'Sync', 'Health'], 'pages')
    return opened
  },

  async 'texts of strangers are shown as text'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { path: `?search=${encodeURIComponent('javascript:alert')}` })
    const { page } = opened
    const tile = page.locator('.tile').first()
    await tile.getByText('<img src=x onerror=alert(1)> ⟨U+202E⟩gpj.exe').waitFor()
    await tile.locator('.open').click()
    const drawer = page.locator('.drawer')
    await drawer.getByText('<script>alert(2)</script>').first().waitFor()
    same(await drawer.getByLabel('Context: value of caption').inputValue(), '"><img src=x onerror=alert(6)>', 'context')
    const uses = drawer.getByRole('region', { name: 'Where it is used' })
    await uses.getByText('articles <b>42</b>').waitFor()
    await uses.getByText('<i>Summer</i> صيف').waitFor()
    await picturesLoaded(page)
    await picture(page, 'texts-of-strangers')
    await uses.scrollIntoViewIfNeeded()
    await picture(page, 'where-used')
    for (const summary of await drawer.locator('summary').all()) await summary.click()
    const acting = await page.locator('a[href^="javascript:" i], [onerror], [onload], main script').count()
    same(acting, 0, 'elements that act')
    await page.goto(page.url().replace(/\/console.*/, '/console/activity?public_id=javascript:alert(4)'))
    await page.locator('.trail').getByText('javascript:alert(4)').first().waitFor()
    return opened
  },

  async 'another user sees nothing of what the first one has read'(browser) {
    const opened = await open(browser)
    const { page } = opened
    await signIn(page)
    await page.locator('.tile').first().waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.route(`**${LIST}**`, (route) => route.abort())
    await signIn(page, 'user@example.com')
    await page.getByText('No connection').waitFor()
    same(await page.locator('.tile').count(), 0, 'tiles')
    return opened
  },
}
