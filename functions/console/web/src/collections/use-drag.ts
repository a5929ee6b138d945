import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { landing, makesWay } from './places'

/** A row that a pointer holds. */
interface Held {
  from: number
  to: number
  /** Pixels from its place. */
  offset: number
  /** The row's own height, by which others make way. */
  height: number
}

interface Start {
  middles: number[]
  clientY: number
  scrolled: number
}

/** Pixels from an edge of the window within which the page scrolls along. */
const EDGE = 60
const STEP = 12

/** Drags rows of a list by a handle. The rows stay in the document's order until the row is let go. */
export function useDrag(onDrop: (from: number, to: number) => void) {
  const held = useSignal<Held | null>(null)
  const start = useRef<Start | null>(null)
  const scroller = () => document.querySelector('#main')
  const end = () => {
    held.value = null
    start.current = null
  }
  const handle = (at: number) => ({
    onPointerDown: (event: PointerEvent) => {
      const grip = event.currentTarget as HTMLElement
      const rows = grip.closest('ol')?.children
      if (event.button !== 0 || !rows) return
      event.preventDefault()
      grip.setPointerCapture(event.pointerId)
      const boxes = [...rows].map((row) => row.getBoundingClientRect())
      const middles = boxes.map(({ top, bottom }) => (top + bottom) / 2)
      start.current = { middles, clientY: event.clientY, scrolled: scroller()?.scrollTop ?? 0 }
      held.value = { from: at, to: at, offset: 0, height: boxes[at]?.height ?? 0 }
    },
    onPointerMove: ({ clientY }: PointerEvent) => {
      if (!start.current || !held.value) return
      const { middles, scrolled } = start.current
      if (clientY < EDGE) scroller()?.scrollBy(0, -STEP)
      else if (clientY > innerHeight - EDGE) scroller()?.scrollBy(0, STEP)
      const offset = clientY - start.current.clientY + (scroller()?.scrollTop ?? 0) - scrolled
      // By the row's own middle, wherever the handle was taken.
      const to = landing(middles, at, (middles[at] ?? 0) + offset)
      held.value = { ...held.value, to, offset }
    },
    onPointerUp: () => {
      const drop = held.value
      end()
      if (drop && drop.to !== drop.from) onDrop(drop.from, drop.to)
    },
    onPointerCancel: end,
  })
  /** Pixels from a row's place; null for those that nobody moves. */
  const offsetOf = (at: number): number | null => {
    if (!held.value) return null
    const { from, to, offset, height } = held.value
    return at === from ? offset : makesWay(at, from, to) * height || null
  }
  return { holds: (at: number) => held.value?.from === at, offsetOf, handle }
}
