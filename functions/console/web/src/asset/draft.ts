import type { Edit, WholeAsset } from '../api/types'

/** The editable fields as a form holds them. */
export interface Draft {
  display_name: string
  folder: string
  public_id: string
  tags: string[]
  /** What stands in the field of tags. It counts, also before somebody adds it. */
  typed_tags: string
  description: string
  alt_text: string
  context: [string, string][]
  metadata: [string, string][]
}

/** The key of the context under which Cloudinary keeps the text in place of a picture. */
const ALT = 'alt'

/** The text in place of the picture. It is Cloudinary's where that has one, else the one that only the database knows. */
export function altOf({ context, alt_text }: Pick<WholeAsset, 'context' | 'alt_text'>): string {
  const theirs = context[ALT]
  return typeof theirs === 'string' && theirs ? theirs : (alt_text ?? '')
}

const texts = (values: Record<string, unknown>): [string, string][] =>
  Object.entries(values).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])

export const draftOf = (asset: WholeAsset): Draft => ({
  display_name: asset.display_name ?? '',
  folder: asset.folder,
  public_id: asset.cloudinary_public_id,
  tags: asset.tags,
  typed_tags: '',
  description: asset.description ?? '',
  alt_text: altOf(asset),
  context: texts(asset.context).filter(([key]) => key !== ALT),
  metadata: texts(asset.metadata),
})

/** The tags, and those that are typed: commas part them. */
export const wholeTags = (tags: string[], typed: string): string[] => [
  ...new Set([...tags, ...typed.split(',').flatMap((tag) => tag.trim() || [])]),
]

/** The draft with all that is typed in its place. */
export const settled = (draft: Draft): Draft => ({
  ...draft,
  tags: wholeTags(draft.tags, draft.typed_tags),
  typed_tags: '',
})

export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

/** Keys that changed, and null for those that went. */
function changedKeys(
  before: [string, string][],
  after: [string, string][],
): Record<string, string | null> | null {
  const old = new Map(before)
  const wanted = new Map(after.filter(([key]) => key.trim() !== ''))
  const changed: Record<string, string | null> = {}
  for (const [key, value] of wanted) if (old.get(key) !== value) changed[key] = value
  for (const key of old.keys()) if (!wanted.has(key)) changed[key] = null
  return Object.keys(changed).length > 0 ? changed : null
}

/** Fields that Cloudinary is not told of. */
const KEPT_HERE: string[] = ['asset_id', 'if_match', 'description']

export const isKeptHere = (edit: Edit): boolean =>
  Object.keys(edit).every((field) => KEPT_HERE.includes(field))

/** An edit that names only what differs; null if nothing does. */
export function editBetween(asset_id: string, before: Draft, draft: Draft): Edit | null {
  const edit: Edit = { asset_id }
  const after = settled(draft)
  if (after.display_name !== before.display_name) edit.display_name = after.display_name
  if (after.folder !== before.folder) edit.folder = after.folder
  if (after.public_id !== before.public_id) edit.public_id = after.public_id
  if (!same(after.tags, before.tags)) edit.tags = after.tags
  if (after.description !== before.description) edit.description = after.description || null
  const context = changedKeys(before.context, after.context)
  if (context) edit.context = context
  if (after.alt_text !== before.alt_text) {
    // Pages read it on either side: it is one text, and both sides get it.
    edit.alt_text = after.alt_text || null
    edit.context = { ...context, [ALT]: after.alt_text || null }
  }
  const metadata = changedKeys(before.metadata, after.metadata)
  if (metadata) edit.metadata = metadata
  return Object.keys(edit).length > 1 ? edit : null
}
