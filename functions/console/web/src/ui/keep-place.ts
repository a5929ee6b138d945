/** Elements that had the focus lately, the latest one last. */
const RECENT = 10

let isByKeys = false
let recent: HTMLElement[] = []
/** The parts of the page around the latest one, from the inside out: an element that is gone no longer tells them. */
let around: HTMLElement[] = []

/** An element that goes takes the keyboard's place with it. What stays nearby gets the place. */
export function keepPlace(): void {
  addEventListener('keydown', () => (isByKeys = true), true)
  addEventListener('pointerdown', () => (isByKeys = false), true)
  addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || target === document.body) return
    recent = [...recent.filter((element) => element !== target).slice(1 - RECENT), target]
    around = ancestors(target)
  })
  new MutationObserver(findPlace).observe(document.body, { childList: true, subtree: true })
}

function findPlace(): void {
  const isLost = document.activeElement === document.body && recent.at(-1)?.isConnected === false
  if (!isByKeys || !isLost) return
  const part = around.find((element) => element.isConnected && !element.matches('.toasts'))
  const former = recent.filter((element) => element.isConnected && part?.contains(element))
  const place = former.at(-1) ?? part
  if (!place) return
  if (!former.length && !place.hasAttribute('tabindex')) place.tabIndex = -1
  place.focus({ preventScroll: true })
}

function ancestors(element: HTMLElement): HTMLElement[] {
  const parent = element.parentElement
  return parent ? [parent, ...ancestors(parent)] : []
}
