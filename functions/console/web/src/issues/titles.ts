import type { Issue } from '../api/types'
import { count, words } from '../text'

const CHANGES: Record<string, string> = {
  upload: 'Uploads',
  edit: 'Edits',
  delete: 'Deletes',
  restore: 'Restores',
}

/** The course of the changes that fail with a code, as it goes on after their name. */
const COURSES: Record<string, string> = {
  held: 'are held back because they are many',
  fenced: 'wait: another deployment has marked the library as its own',
  rounds_spent: 'wait for their next turn: the assets change too often',
  no_backup: 'fail: Cloudinary has no backup',
  values_refused: 'fail: Cloudinary has values that cannot be kept here',
  cloudinary_quota: 'wait: the calls of this hour are used up',
  cloudinary_concurrency: 'wait: Cloudinary has too much to do at once',
  cloudinary_processing: 'wait: Cloudinary is still at work on the files',
  cloudinary_unreachable: 'do not arrive: Cloudinary cannot be reached',
  cloudinary_unreadable: "are not confirmed: Cloudinary's answer makes no sense",
  cloudinary_server: 'fail: Cloudinary has a problem of its own',
  cloudinary_stale: 'are not confirmed: Cloudinary shows an older state',
  cloudinary_ignored: 'are left out by Cloudinary',
  cloudinary_not_found: 'fail: Cloudinary no longer has the assets',
  cloudinary_unauthorized: 'fail: Cloudinary does not accept the API key',
  cloudinary_forbidden: 'fail: the API key may not do this',
  cloudinary_add_on: 'fail: the Cloudinary account lacks an add-on',
  cloudinary_conflict: 'fail: another asset is in the way',
  cloudinary_bad_request: 'are refused by Cloudinary',
}

/** "Edits are refused by Cloudinary": what happened, for a person who looks after the library. */
export function titleOf({ operation, code }: Issue): string {
  // Where a restore is given up, nothing waits any more, so its row seems to wait for an edit.
  const changes = code === 'no_backup' ? 'Restores' : (CHANGES[operation] ?? `Changes (${words(operation)})`)
  return `${changes} ${COURSES[code] ?? `fail: ${words(code)}`}`
}

interface Place {
  address: string
  name: string
}

/** The list that holds the assets of an issue. */
export function placeOf({ operation, code, assets }: Issue): Place {
  const isGone = operation === 'delete' || code === 'no_backup'
  return {
    address: `/console${isGone ? '/trash' : ''}?error_code=${encodeURIComponent(code)}`,
    name: assets === 1 ? 'Show it in a list' : `Show all ${count(assets)} in a list`,
  }
}
