// Plays a book of stories in a browser, and tells all that failed.
import { launch, open, offendingElements, picture, same, told } from './browser.mjs'
import { asset } from './asset.mjs'
import { care } from './care.mjs'
import { collections } from './collections.mjs'
import { events } from './events.mjs'
import { writeGallery } from './gallery.mjs'
import { large } from './large.mjs'
import { live } from './live.mjs'
import { menus } from './menus.mjs'
import { signIns } from './sign-in.mjs'
import { states } from './states.mjs'
import { work } from './work.mjs'

const begin = {
  async 'signed out'(browser) {
    const opened = await open(browser)
    await opened.page.getByLabel('Password').waitFor()
    await picture(opened.page, 'sign-in')
    same(await offendingElements(opened.page), [], 'accessibility of the sign-in')
    return opened
  },
}

const wanted = process.env.STORY
const failures = []
const browser = await launch()

/** The browser, as one story sees it: it remembers what the story has opened. */
function part() {
  const opened = []
  const newContext = async (options) => {
    const context = await browser.newContext(options)
    opened.push(context)
    return context
  }
  return { opened, newContext }
}

async function play(name, story) {
  if (wanted && !name.includes(wanted)) return
  const began = Date.now()
  const mine = part()
  try {
    const { offences, close } = await story(mine)
    await close()
    same(offences, [], 'offences')
  } catch (error) {
    const number = failures.push(`${name}: ${error.message}`)
    for (const page of mine.opened.flatMap((context) => context.pages())) {
      await picture(page, `failed-${process.env.BOOK}-${number}`).catch(() => {})
      failures[number - 1] += `\n${await told(page).catch(({ message }) => message)}`
    }
  } finally {
    for (const context of mine.opened) await context.close()
  }
  console.log(`${name}: ${Date.now() - began} ms`)
}

const BOOKS = {
  looks: [begin, states],
  large: [large],
  // Menus count what the stories after them change.
  work: [signIns, work, asset, menus, live, collections, events, care],
}

const stories = BOOKS[process.env.BOOK].flatMap(Object.entries)
try {
  for (const [name, story] of stories) await play(name, story)
} finally {
  await browser.close()
  await writeGallery()
}
if (failures.length > 0) {
  console.error(failures.join('\n\n'))
  process.exit(1)
}
