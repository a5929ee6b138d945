import { doneOf, editAssets } from '../api/changes'
import type { Edit } from '../api/types'
import { plural } from '../text'
import { showOutcome } from '../ui/outcome'
import { toast } from '../ui/toast'

interface ManyEdits {
  title: string
  edits: Edit[]
  /** What takes each of them back; none where an edit changes nothing. */
  undo: Edit[]
  /** What is said of "3 assets" once it is done, and once it is taken back. */
  done: (assets: string) => string
  takenBack: (assets: string) => string
}

interface Carried {
  /** Cloudinary's ids. */
  done: string[]
  /** What ended it in the middle. */
  brokenBy: unknown
}

/** Edits many assets, and offers to take back what was done. */
export async function editMany({ title, edits, undo, done, takenBack }: ManyEdits): Promise<Carried> {
  const outcome = await editAssets(edits)
  const ids = doneOf(outcome)
  const back = undo.filter(({ asset_id }) => ids.includes(asset_id))
  const takeBack = () => carryBack(back, `${title}: undo`, takenBack)
  if (ids.length > 0) toast(done(plural(ids.length, 'asset')), back.length > 0 ? takeBack : undefined)
  if (outcome.failed.length > 0) showOutcome(title, outcome)
  return { done: ids, brokenBy: outcome.brokenBy }
}

async function carryBack(undo: Edit[], title: string, takenBack: ManyEdits['takenBack']): Promise<void> {
  try {
    const outcome = await editAssets(undo)
    if (outcome.done.length > 0) toast(takenBack(plural(outcome.done.length, 'asset')))
    if (outcome.failed.length > 0) showOutcome(title, outcome)
    if (outcome.brokenBy) throw outcome.brokenBy
  } catch (error) {
    const why = error instanceof Error ? ` ${error.message}` : ''
    toast(`Not all could be taken back.${why}`)
  }
}
