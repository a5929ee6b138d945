// Plays every story in a browser, and tells all that failed.
import { launch, open, offendingElements, picture, same } from './browser.mjs'
import { care } from './care.mjs'
import { live } from './live.mjs'
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
try {
  for (const [name, story] of Object.entries({ ...begin, ...states, ...work, ...live, ...care })) {
    if (wanted && !name.includes(wanted)) continue
    const began = Date.now()
    const before = browser.contexts()
    try {
      const { offences, close } = await story(browser)
      await close()
      same(offences, [], 'offences')
    } catch (error) {
      failures.push(`${name}: ${error.message}`)
      for (const context of browser.contexts().filter((context) => !before.includes(context))) {
        for (const page of context.pages()) await picture(page, `failed-${failures.length}`).catch(() => {})
        await context.close()
      }
    }
    console.log(`${name}: ${Date.now() - began} ms`)
  }
} finally {
  await browser.close()
}
if (failures.length > 0) {
  console.error(failures.join('\n\n'))
  process.exit(1)
}
