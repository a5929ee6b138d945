/** Bytes in the units that people type. */
export const UNITS = { KB: 1e3, MB: 1e6, GB: 1e9 } as const

export type Unit = keyof typeof UNITS

/** The largest unit in which the bytes are a short number. */
export function unitOf(bytes: number): Unit {
  if (bytes >= UNITS.GB) return 'GB'
  return bytes >= UNITS.MB ? 'MB' : 'KB'
}

/** The number to show in a unit; nothing for a text that is no number of bytes. */
export function shownIn(unit: Unit, bytes: string | undefined): string {
  const number = Number(bytes)
  return bytes && Number.isFinite(number) ? String(number / UNITS[unit]) : ''
}

/** Whole bytes as the address keeps them; nothing for a text that is no size. */
export function bytesOf(typed: string, unit: Unit): string {
  const number = Number(typed)
  return typed.trim() && number >= 0 && Number.isFinite(number)
    ? String(Math.round(number * UNITS[unit]))
    : ''
}
