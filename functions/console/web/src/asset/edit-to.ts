import type { Edit } from '../api/types'

/** Columns that people edit, as the database, the comparison and the audit trail name them. */
const TEXTS: Record<string, keyof Edit> = {
  cloudinary_public_id: 'public_id',
  folder: 'folder',
  display_name: 'display_name',
  description: 'description',
  alt_text: 'alt_text',
}

/** Fields that may be emptied. */
const MAY_GO = ['folder', 'description', 'alt_text']

/**
 * The part of an edit that turns one value of a column into another. Of tags and pairs only the unequal ones are named,
 * so that what others have added stays. Null where no edit can do it.
 */
export function partTo(column: string, from: unknown, to: unknown): Partial<Edit> | null {
  if (Array.isArray(from) && Array.isArray(to)) {
    return { add_tags: without(to, from), remove_tags: without(from, to) }
  }
  if (column === 'context' || column === 'metadata') return { [column]: pairsTo(from, to) }
  const name = TEXTS[column]
  if (!name || (!to && !MAY_GO.includes(column))) return null
  return { [name]: to }
}

const without = (some: string[], others: string[]) => some.filter((one) => !others.includes(one))

type Pairs = Record<string, unknown>

function pairsTo(from: unknown, to: unknown): Pairs {
  const [before, after] = [from as Pairs, to as Pairs]
  const keys = Object.keys({ ...before, ...after })
  const unequal = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  return Object.fromEntries(unequal.map((key) => [key, after[key] ?? null]))
}
