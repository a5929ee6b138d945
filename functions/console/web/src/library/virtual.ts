import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from '@tanstack/virtual-core'
import type { RefObject } from 'preact'
import { useLayoutEffect, useReducer, useState } from 'preact/hooks'

interface Rows {
  rows: VirtualItem[]
  height: number
  show: (row: number) => void
}

/** Of many rows of one height, those that are seen. The last pixels of what is seen are covered. */
export function useRows(
  scroller: RefObject<HTMLElement>,
  count: number,
  height: number,
  covered: number,
): Rows {
  const [, draw] = useReducer((turn: number) => turn + 1, 0)
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 3,
    scrollPaddingEnd: covered,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => draw(0),
  }
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options))
  virtualizer.setOptions(options)
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height])
  return {
    rows: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    show: (row) => virtualizer.scrollToIndex(row),
  }
}

/** The width of an element, as it changes. */
export function useWidth(element: RefObject<HTMLElement>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const observed = element.current
    if (!observed) return undefined
    const observer = new ResizeObserver(() => setWidth(observed.clientWidth))
    observer.observe(observed)
    setWidth(observed.clientWidth)
    return () => observer.disconnect()
  }, [element])
  return width
}
