import { deleteAssets, doneOf, restoreAssets } from '../api/changes'
import { letGoOf } from '../library/selection'
import { plural } from '../text'
import { showOutcome } from '../ui/outcome'
import { toast } from '../ui/toast'

const told = (error: unknown) => (error instanceof Error ? error.message : 'It failed.')

/** Deletes at once: ten seconds of undo are better than a question. Assets that stay are shown with their reasons. */
export async function deleteWithUndo(ids: string[], force = false): Promise<void> {
  try {
    const outcome = await deleteAssets(ids, force)
    const gone = doneOf(outcome)
    letGoOf(gone)
    if (gone.length > 0) toast(`${plural(gone.length, 'asset')} deleted.`, () => restore(gone))
    if (outcome.failed.length > 0) showOutcome('Delete', outcome, (used) => deleteWithUndo(used, true))
    if (outcome.brokenBy) toast(told(outcome.brokenBy))
  } catch (error) {
    toast(told(error))
  }
}

export async function restore(ids: string[]): Promise<void> {
  try {
    const outcome = await restoreAssets(ids)
    if (outcome.done.length > 0) toast(`${plural(outcome.done.length, 'asset')} restored.`)
    if (outcome.failed.length > 0) showOutcome('Restore', outcome)
    if (outcome.brokenBy) toast(told(outcome.brokenBy))
  } catch (error) {
    toast(told(error))
  }
}
