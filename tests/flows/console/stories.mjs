// Plays every story in a browser, and tells all that failed.
import { launch, open, offendingElements, picture, same } from './browser.mjs'
import { care } from './care.mjs'
import { collections } from './collections.mjs'
import { events } from './events.mjs'
import { live } from './live.mjs'
import { menus } from './menus.mjs'
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
      await picture(page, `failed-${number}`).catch(() => {})
    }
  } finally {
    for (const context of mine.opened) await context.close()
  }
  console.log(`${name}: ${Date.now() - began} ms`)
}

/** Stories that follow one another. */
async function lane(...books) {
  for (const [name, story] of books.flatMap(Object.entries)) await play(name, story)
}

try {
  // The first lane only looks. The second changes folders that the first leaves alone.
  await Promise.all([lane(begin, states), lane(work, menus)])
  // An undo is offered for ten seconds: nothing runs beside the story of two people.
  await lane(live, collections, events, care)
} finally {
  await browser.close()
}
if (failures.length > 0) {
  console.error(failures.join('\n\n'))
  process.exit(1)
}
