import { signal } from '@preact/signals'
import type { Edit, WholeAsset } from '../api/types'
import { userId } from '../session/session'
import { type Draft, draftOf, editBetween, same } from './draft'

/** What a person has typed of an asset, and what it showed when they began. */
export interface Editing {
  base: Draft
  draft: Draft
}

/** Unsaved drafts, by their rows' ids: whoever walks away from an asset finds the text again. */
const unsaved = new Map<string, Editing>()

/** The ids of assets with a draft. */
export const drafted = signal<ReadonlySet<string>>(new Set())

const tell = () => {
  drafted.value = new Set(unsaved.keys())
}

// The page keeps them, and goes with them.
addEventListener('beforeunload', (event) => {
  if (unsaved.size > 0) event.preventDefault()
})

export const beginEditing = (asset: WholeAsset): Editing => {
  const base = draftOf(asset)
  return unsaved.get(asset.id) ?? { base, draft: base }
}

export function keepDraft(id: string, editing: Editing | null): void {
  if (editing) unsaved.set(id, editing)
  else unsaved.delete(id)
  if (drafted.value.has(id) !== unsaved.has(id)) tell()
}

// Another user must not see them. Whoever signs in again goes on.
let owner = userId.value
userId.subscribe((id) => {
  if (id === null || id === owner) return
  owner = id
  unsaved.clear()
  tell()
})

/** The fields of an edit that somebody else has changed since it was begun. */
export function overtakenFields(edit: Edit, base: Draft, now: Draft): (keyof Edit)[] {
  const theirs = editBetween(edit.asset_id, base, now)
  if (!theirs) return []
  return (Object.keys(edit) as (keyof Edit)[]).filter(
    (field) => field !== 'asset_id' && field in theirs && !same(edit[field], theirs[field]),
  )
}
