import { useId } from 'preact/hooks'
import { bars, HEIGHT, linePath, mostOf, type Numbers, roundUp, ticks, WIDTH } from './geometry'

export interface Row {
  name: string
  kind: 'good' | 'bad' | 'wait' | 'accent'
  values: Numbers
}

interface PlotProps {
  title: string
  /** Bars stand on each other, lines cross. */
  shape: 'bars' | 'lines'
  rows: Row[]
  /** Writes a number with its unit. */
  told: (value: number) => string
  from: string
  until: string
  /** What runs came to in each hour: a tick below the hour. */
  marks?: Mark[]
}

type Mark = 'good' | 'bad' | 'wait' | null

/** A drawing of a few rows over the hours. Its numbers are in the table beside it. */
export function Plot({ title, shape, rows, told, from, until, marks = [] }: PlotProps) {
  const heading = useId()
  const values = rows.map((row) => row.values)
  const top = roundUp(shape === 'bars' ? mostOf([sums(values)]) : mostOf(values))
  const isEmpty = values.every((row) => row.every((value) => value === null))
  return (
    <figure class="plot" aria-labelledby={heading}>
      <figcaption>
        <strong id={heading}>{title}</strong>
        {rows.map(({ name, kind, values }) => (
          <span key={name} class={`legend ${kind}`}>
            {name} <span class="fine">{latest(values, told)}</span>
          </span>
        ))}
      </figcaption>
      <div class="plot-frame">
        <span class="fine" aria-hidden="true">
          {told(top)}
        </span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={title}>
          <path class="grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
          {rows.map(({ name, kind, values: row }, at) =>
            shape === 'lines' ? (
              <path key={name} class={`line ${kind}`} d={linePath(row, top)} />
            ) : (
              bars(row, values.slice(0, at), top).map((bar) => (
                <rect key={`${name}${bar.x}`} class={`bar ${kind}`} {...bar} />
              ))
            ),
          )}
          {KINDS_OF_MARKS.filter((kind) => marks.includes(kind)).map((kind) => (
            <path key={kind} class={`mark ${kind}`} d={ticks(marks.map((mark) => mark === kind))} />
          ))}
        </svg>
        {isEmpty && <span class="fine plot-empty">Nothing is known of these hours.</span>}
        <span class="fine plot-hours" aria-hidden="true">
          <span>{from}</span>
          <span>{until}</span>
        </span>
      </div>
    </figure>
  )
}

const KINDS_OF_MARKS = ['good', 'wait', 'bad'] as const

const sums = (rows: Numbers[]): Numbers =>
  (rows[0] ?? []).map((_, at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0))

function latest(values: Numbers, told: (value: number) => string): string {
  const last = values.findLast((value) => value !== null)
  return last === null || last === undefined ? '–' : `${told(last)} last`
}
