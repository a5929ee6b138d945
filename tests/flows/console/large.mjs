// A library of a hundred thousand assets, and how smoothly one scrolls through it.
import { openAs, tellTime } from './browser.mjs'

const ASSETS = 100_000

/** Assets to scroll through. All of them take minutes, and tell no more. */
const DEPTH = Number(process.env.DEPTH || 3_000)

/** Milliseconds that a person notices. */
const LONG = 50

/** In the page: notes each task that keeps it from drawing. */
function noteLongTasks() {
  window.longTasks = []
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration)
  }).observe({ type: 'longtask' })
}

/** In the page, with each frame: goes to the end of what has come, until an asset of this number or a lower one is there. */
function goOn(number) {
  const results = document.querySelector('.results')
  results.scrollTo(0, results.scrollHeight)
  const numbers = [...results.querySelectorAll('.tile')].map((tile) => Number(/asset (\d+)/.exec(tile.textContent)?.[1]))
  return Math.min(...numbers) <= number
}

export const large = {
  async 'a hundred thousand assets are scrolled through'(browser) {
    const prepare = (page) => page.addInitScript(noteLongTasks)
    const opened = await openAs(browser, 'admin@example.com', { prepare })
    const { page } = opened
    await page.locator('.tile').first().waitFor()
    // What opening the page takes has a time of its own.
    await page.evaluate(() => {
      window.longTasks = []
    })
    await page.waitForFunction(goOn, ASSETS - DEPTH, { timeout: 600_000 })
    const drawn = await page.locator('.tile').count()
    if (drawn >= 100) throw new Error(`${drawn} tiles are drawn`)
    const tasks = await page.evaluate(() => window.longTasks)
    tellTime(`the longest task on the way through ${DEPTH} assets`, Math.max(0, ...tasks))
    console.log(`  ${tasks.filter((task) => task > LONG).length} tasks were longer than ${LONG} ms`)
    return opened
  },
}
