/** A row of numbers, one for each hour; null where there is none. */
export type Numbers = (number | null)[]

/** The drawing's own units. It is stretched to its place. */
export const WIDTH = 600
export const HEIGHT = 120

/** The least 1, 2 or 5 times a power of ten that is no smaller: a scale that people read at once. */
export function roundUp(most: number): number {
  if (most <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(most))
  const factor = [1, 2, 5, 10].find((step) => step * power >= most * 0.999_999) ?? 10
  return factor * power
}

export const mostOf = (rows: Numbers[]): number =>
  Math.max(0, ...rows.flatMap((row) => row.flatMap((value) => value ?? [])))

const up = (value: number, top: number) => HEIGHT - (value / top) * HEIGHT

/** A line through the middles of the hours, with gaps where there is no number. A lone number is a dot. */
export function linePath(row: Numbers, top: number): string {
  const step = WIDTH / row.length
  return row
    .flatMap((value, at) => {
      if (value === null) return []
      const point = `${((at + 0.5) * step).toFixed(1)} ${up(value, top).toFixed(1)}`
      const isFirst = at === 0 || row[at - 1] === null
      return isFirst ? `M${point}h0` : `L${point}`
    })
    .join('')
}

/** Ticks below the hours that are marked. */
export function ticks(marked: boolean[]): string {
  const step = WIDTH / marked.length
  return marked
    .map((is, at) =>
      is ? `M${((at + 0.15) * step).toFixed(1)} ${HEIGHT + 4}h${(step * 0.7).toFixed(1)}` : '',
    )
    .join('')
}

export interface Bar {
  x: number
  y: number
  width: number
  height: number
}

/** Bars that stand on those of the rows below. */
export function bars(row: Numbers, below: Numbers[], top: number): Bar[] {
  const step = WIDTH / row.length
  return row.flatMap((value, at) => {
    if (!value) return []
    const base = below.reduce((sum, other) => sum + (other[at] ?? 0), 0)
    const y = up(base + value, top)
    return { x: at * step + step * 0.1, y, width: step * 0.8, height: up(base, top) - y }
  })
}
