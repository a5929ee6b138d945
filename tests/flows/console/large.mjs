// A library of a hundred thousand assets, and how smoothly one scrolls through it.
import { openAs, tellTime } from './browser.mjs'

const ASSETS = 100_000

/** Assets to scroll through. All of them take minutes, and tell no more. */
const DEPTH = Number(process.env.DEPTH || 3_000)

/** Assets whose work is compared: those that come early with those that come late. */
const STRETCH = 500

/** Milliseconds that a person notices. */
const LONG = 50

/** In the page: notes each task that keeps it from drawing, and counts what is put into maps. */
function watch() {
  window.longTasks = []
  window.puts = 0
  const { set } = Map.prototype
  Map.prototype.set = function (key, value) {
    window.puts += 1
    return set.call(this, key, value)
  }
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration)
  }).observe({ type: 'longtask' })
}

/** In the page, with each frame: goes to the end of what has come, until an asset of this number or a lower one is there. */
function goOn(number) {
  const results = document.querySelector('.results')
  results.scrollTo(0, results.scrollHeight)
  const last = results.querySelector('.row-of-tiles:last-child .name')
  return Number(/asset (\d+)/.exec(last?.textContent)?.[1]) <= number
}

const goTo = (page, depth) => page.waitForFunction(goOn, ASSETS - depth, { timeout: 600_000 })

/** How often something is put into a map while the assets before this depth come. Whoever goes through all does it for each. */
async function putsBefore(page, depth) {
  await goTo(page, depth - STRETCH)
  const before = await page.evaluate(() => window.puts)
  await goTo(page, depth)
  return (await page.evaluate(() => window.puts)) - before
}

/** What the browser keeps once all that nobody holds is gone. */
async function kept(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const [nodes, listeners] = ['Nodes', 'JSEventListeners'].map((wanted) => metrics.find(({ name }) => name === wanted).value)
  return { nodes, listeners }
}

export const large = {
  async 'a hundred thousand assets are scrolled through'(browser) {
    const opened = await openAs(browser, 'admin@example.com', { prepare: (page) => page.addInitScript(watch) })
    const { page } = opened
    await page.locator('.tile').first().waitFor()
    // What opening the page takes has a time of its own.
    await page.evaluate(() => {
      window.longTasks = []
    })
    const early = await putsBefore(page, 2 * STRETCH)
    const late = await putsBefore(page, DEPTH)
    const tasks = await page.evaluate(() => window.longTasks)
    tellTime(`the longest task on the way through ${DEPTH} assets`, Math.max(0, ...tasks))
    console.log(`  ${tasks.filter((task) => task > LONG).length} tasks were longer than ${LONG} ms`)
    console.log(`  ${early} puts for ${STRETCH} of the first assets, ${late} for as many of the last`)
    if (late > 2 * early) throw new Error(`what comes late takes ${late} puts, and what came early ${early}`)

    const drawn = await page.locator('.tile').count()
    if (drawn >= 100) throw new Error(`${drawn} tiles are drawn`)
    const { nodes, listeners } = await kept(page)
    console.log(`  ${nodes} nodes and ${listeners} listeners are kept`)
    if (nodes > 4_000 || listeners > 1_000) throw new Error(`${nodes} nodes and ${listeners} listeners are kept`)
    return opened
  },
}
