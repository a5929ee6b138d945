import type { RefObject } from 'preact'
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'

interface Box {
  width: number
  height: number
}

/** The inner size of an element, as it changes. */
export function useBox(element: RefObject<HTMLElement>): Box {
  const [box, setBox] = useState<Box>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const observed = element.current
    if (!observed) return undefined
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = observed
      setBox((box) => (box.width === width && box.height === height ? box : { width, height }))
    }
    const observer = new ResizeObserver(measure)
    observer.observe(observed)
    measure()
    return () => observer.disconnect()
  }, [element])
  return box
}

interface Shape {
  count: number
  /** Of one row, the gap below it included. */
  height: number
  /** Pixels of the scroller. */
  view: number
}

/** Rows that are drawn above and below those in view: a quick turn of the wheel shows no gap. */
const SPARE = 3

/** The first row to draw, and the one after the last. */
function rowsAt(top: number, { count, height, view }: Shape): [from: number, to: number] {
  if (view === 0) return [0, 0]
  // What was there before may have been longer: the browser goes up only after the rows are drawn.
  const within = Math.max(0, Math.min(top, count * height - view))
  const from = Math.floor(within / height) - SPARE
  const to = Math.ceil((within + view) / height) + SPARE
  return [Math.max(0, from), Math.min(count, to)]
}

interface Rows {
  /** Numbers of the rows to draw. */
  rows: number[]
  show: (row: number) => void
}

/**
 * Of many rows of one height, those that are seen. The last pixels of what is seen are covered.
 * Where a row stands follows from its number, so that a longer list takes no more work.
 */
export function useRows(scroller: RefObject<HTMLElement>, shape: Shape, covered: number): Rows {
  const [, draw] = useReducer((turn: number) => turn + 1, 0)
  const top = useRef(0)
  const [from, to] = rowsAt(top.current, shape)
  const drawn = useRef({ shape, from })
  drawn.current = { shape, from }
  useLayoutEffect(() => {
    const scrolled = scroller.current
    if (!scrolled) return undefined
    const follow = () => {
      top.current = scrolled.scrollTop
      const { shape, from } = drawn.current
      if (rowsAt(top.current, shape)[0] !== from) draw(0)
    }
    scrolled.addEventListener('scroll', follow, { passive: true })
    return () => scrolled.removeEventListener('scroll', follow)
  }, [scroller])
  const show = (row: number) => {
    const scrolled = scroller.current
    if (!scrolled) return
    const start = row * shape.height
    const end = start + shape.height + covered - shape.view
    const goal = Math.min(start, Math.max(end, scrolled.scrollTop))
    scrolled.scrollTo(0, goal)
  }
  return { rows: Array.from({ length: to - from }, (_, row) => from + row), show }
}
