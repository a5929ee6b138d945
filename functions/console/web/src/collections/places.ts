/** The place, counted from 0, at which a held row of a list lands, by the heights of the rows' middles. */
export const landing = (middles: number[], from: number, height: number): number =>
  middles.filter((middle, at) => at !== from && middle < height).length

/** Rows by which a row makes way for the held one: -1, 0 or 1. */
export function makesWay(at: number, from: number, to: number): number {
  if (at > from && at <= to) return -1
  return at >= to && at < from ? 1 : 0
}

/** The list with one row at another place. */
export function moved<T>(all: T[], from: number, to: number): T[] {
  const others = all.filter((_, at) => at !== from)
  return [...others.slice(0, to), ...all.slice(from, from + 1), ...others.slice(to)]
}
