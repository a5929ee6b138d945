import type { AssetEntry, Edit, WholeAsset } from '../api/types'

type Pairs = Record<string, unknown>

/** Texts that people edit: the names of their columns, and of the fields of an edit. */
const TEXTS: Record<string, keyof Edit> = {
  cloudinary_public_id: 'public_id',
  folder: 'folder',
  display_name: 'display_name',
  description: 'description',
  alt_text: 'alt_text',
}

/** Texts that may be emptied. */
const MAY_GO = ['folder', 'description', 'alt_text']

/**
 * The part of an edit that undoes a column's change from one value to another. It names only what the change has left in
 * the present value, so that tags and pairs of others stay. Null where nothing is left, or no edit can undo it.
 */
export function partBack(column: string, now: unknown, from: unknown, to: unknown): Partial<Edit> | null {
  if (column === 'tags') return tagsBack(now as string[], from as string[], to as string[])
  if (column === 'context' || column === 'metadata') {
    const pairs = pairsBack(now as Pairs, from as Pairs, to as Pairs)
    return Object.keys(pairs).length > 0 ? { [column]: pairs } : null
  }
  const name = TEXTS[column]
  const isPossible = name && (from || MAY_GO.includes(column))
  return isPossible && (now || null) !== (from || null) ? { [name]: from } : null
}

const without = (some: string[], others: string[]) => some.filter((one) => !others.includes(one))

function tagsBack(now: string[], from: string[], to: string[]): Partial<Edit> | null {
  const add_tags = without(without(from, to), now)
  const remove_tags = without(to, from).filter((tag) => now.includes(tag))
  return add_tags.length + remove_tags.length > 0 ? { add_tags, remove_tags } : null
}

function pairsBack(now: Pairs, from: Pairs, to: Pairs): Pairs {
  const differs = (one: Pairs, other: Pairs, key: string) =>
    JSON.stringify(one[key]) !== JSON.stringify(other[key])
  const keys = Object.keys({ ...from, ...to })
  const left = keys.filter((key) => differs(from, to, key) && differs(now, from, key))
  return Object.fromEntries(left.map((key) => [key, from[key] ?? null]))
}

interface Change {
  from: Pairs
  to: Pairs
}

/** The values before and after, where an entry of the trail holds them. */
export function changeOf({ operation, details }: AssetEntry): Change | null {
  const { from, to } = (details ?? {}) as Partial<Change>
  return CHANGES.includes(operation) && from && to ? { from, to } : null
}

const CHANGES = ['edit_requested', 'described', 'updated', 'renamed']

/** An edit that puts back the values of before an entry; null where none has to. */
export function putBack(asset: WholeAsset, entry: AssetEntry): Edit | null {
  const change = changeOf(entry)
  if (!change || asset.deleted_at) return null
  const { from, to } = change
  const parts = Object.keys(from).map((column) =>
    partBack(column, asset[column as keyof WholeAsset], from[column], to[column]),
  )
  const edit: Edit = Object.assign({ asset_id: asset.cloudinary_asset_id ?? '' }, ...parts)
  return Object.keys(edit).length > 1 ? edit : null
}
