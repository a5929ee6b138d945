import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Asset } from '../api/types'
import { clearSelection, toggle } from './selection'
import { ListRow, Tile } from './tile'
import { useFirst } from './to-first'
import { useBox, useRows } from './virtual'

const TILE = 176
const CAPTION = 62
const LINE = 56
/** Pixels below which a line has no room beside its name, and its height then: two lines of a name, one of facts. */
const TIGHT = 520
const TIGHT_LINE = 76
const GAP = 12
/** Pixels that cover the lowest rows: the names of the columns shift them, the bar of chosen assets lies on them. */
const HEADS = 36
const BAR = 110

interface ResultsProps {
  assets: Asset[]
  total: number
  /** False while the answer to the latest question is under way. */
  isCurrent: boolean
  layout: 'grid' | 'list'
  /** Stands above the rows, and stays as they scroll. */
  heads: ComponentChildren
  hasBar: boolean
  open: string | null
  onOpen: (asset: Asset) => void
  more: (() => void) | null
}

/** Of a library of any size, the rows that are seen. Arrow keys walk, Enter opens, Space chooses. */
export function Results({
  assets,
  total,
  isCurrent,
  layout,
  heads,
  hasBar,
  open,
  onOpen,
  more,
}: ResultsProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const { width, height: view } = useBox(scroller)
  const columns = layout === 'list' ? 1 : Math.max(2, Math.floor((width + GAP) / (TILE + GAP)))
  const side = (width - GAP * (columns - 1)) / columns
  const isTight = layout === 'list' && width < TIGHT
  const line = isTight ? TIGHT_LINE : LINE
  const height = layout === 'list' ? line : Math.round(side + CAPTION + GAP)
  const covered = (heads ? HEADS : 0) + (hasBar ? BAR : 0)
  const count = Math.ceil(assets.length / columns)
  const { rows, show } = useRows(scroller, { count, height, view }, covered)
  const [active, setActive] = useState(0)

  useFirst(scroller, isCurrent)
  // A drawer that opens takes a part of the width: what was looked at moves to another row, and stays in sight.
  const looked = useRef({ at: 0, columns })
  useLayoutEffect(() => {
    if (looked.current.columns !== columns) show(Math.floor(looked.current.at / columns))
    const isSeen = rows.includes(Math.floor(active / columns))
    const at = isSeen ? active : (rows[rows.length >> 1] ?? 0) * columns
    looked.current = { at, columns }
  })

  const last = rows.at(-1) ?? 0
  useEffect(() => {
    if (more && (last + 4) * columns >= assets.length) more()
  }, [more, last, columns, assets.length])

  const walk = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
    }
    const at = Number((event.target as HTMLElement).closest<HTMLElement>('[data-at]')?.dataset.at ?? active)
    const step = steps[event.key]
    if (step !== undefined) {
      const next = Math.min(Math.max(at + step, 0), assets.length - 1)
      setActive(next)
      show(Math.floor(next / columns))
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-at="${next}"] .open`)?.focus(),
      )
    } else if (event.key === ' ' && (event.target as HTMLElement).matches('.open')) {
      toggle(assets, at, event.shiftKey)
    } else if (event.key === 'Escape') {
      clearSelection()
    } else {
      return
    }
    event.preventDefault()
  }

  return (
    // The keys belong to the buttons inside; each of them can be reached and used without a pointer.
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens to what its buttons get.
    <div class={`results ${layout} ${isTight ? 'tight' : ''}`} ref={scroller} onKeyDown={walk}>
      {heads}
      <div role="list" aria-label="Assets" class="canvas" style={{ height: `${count * height}px` }}>
        {rows.map((row) => (
          <div
            key={row}
            role="none"
            class="row-of-tiles"
            style={{
              transform: `translateY(${row * height}px)`,
              height: `${height}px`,
              '--columns': columns,
            }}
          >
            {assets.slice(row * columns, (row + 1) * columns).map((asset, column) => {
              const at = row * columns + column
              const Item = layout === 'list' ? ListRow : Tile
              return (
                <Item
                  key={asset.id}
                  asset={asset}
                  at={at}
                  total={total}
                  isOpen={open === asset.id || open === asset.cloudinary_asset_id}
                  isActive={at === Math.min(active, assets.length - 1)}
                  onChoose={(isRange) => toggle(assets, at, isRange)}
                  onOpen={() => {
                    setActive(at)
                    onOpen(asset)
                  }}
                />
              )
            })}
          </div>
        ))}
      </div>
    </div>
  )
}
