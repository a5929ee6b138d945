/**
 * Marks that turn letters around, or that nobody sees. A name that holds them could pass for another.
 * Two of them join letters of living scripts, and pictures, and stay.
 */
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** A text of strangers as it is, with hidden marks written out. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (mark) => {
    if (mark === '\n' || mark === '\t') return mark
    return `⟨U+${mark.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}

/** The address, if a browser only fetches or shows it. `javascript:` and its like lead nowhere. */
export function safeAddress(address: string | null | undefined): string | undefined {
  if (!address || !URL.canParse(address)) return undefined
  const { protocol } = new URL(address)
  return protocol === 'https:' || protocol === 'http:' ? address : undefined
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const

export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return '–'
  const power = count < 1000 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), UNITS.length - 1)
  const value = count / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}

const whole = new Intl.NumberFormat('en')

export const count = (number: number): string => whole.format(number)

export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`

const moments = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' })

export const moment = (text: string | null | undefined): string =>
  text ? moments.format(new Date(text)) : '–'

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** "3 minutes ago". */
export function ago(text: string | null | undefined, now = Date.now()): string {
  if (!text) return 'never'
  const seconds = Math.round((new Date(text).getTime() - now) / 1000)
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return relative.format(Math.trunc(seconds / size), unit)
}

/** "1.2 s", "4 min". */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return '–'
  if (milliseconds < 1000) return `${milliseconds} ms`
  const seconds = milliseconds / 1000
  if (seconds < 90) return `${seconds.toFixed(1)} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** `delete_requested` → `delete requested`. */
export const words = (code: string): string => code.replaceAll('_', ' ')
