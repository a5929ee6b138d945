/** A part of a field in which the two sides differ; the key is that of a pair. */
export interface Part {
  key?: string
  here: string
  there: string
}

export const NOTHING = '—'

/** What differs of a field's two values: a text whole, of tags and pairs only the unequal ones. */
export function differing(here: unknown, there: unknown): Part[] {
  if (Array.isArray(here) && Array.isArray(there))
    return [{ here: without(here, there), there: without(there, here) }]
  if (isPairs(here) && isPairs(there)) {
    const keys = [...new Set([...Object.keys(here), ...Object.keys(there)])].sort()
    return keys
      .map((key) => ({ key, here: shown(here[key]), there: shown(there[key]) }))
      .filter((part) => part.here !== part.there)
  }
  return [{ here: shown(here), there: shown(there) }]
}

const isPairs = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const without = (some: unknown[], others: unknown[]): string => {
  const left = some.filter((one) => !others.includes(one))
  return left.length > 0 ? left.join(', ') : NOTHING
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return NOTHING
  return typeof value === 'string' ? value : JSON.stringify(value)
}
