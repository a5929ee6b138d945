import { editAssets } from '../api/changes'
import { Problem } from '../api/problem'
import type { Edit } from '../api/types'
import { toast } from '../ui/toast'

export async function carryOut(edit: Edit): Promise<void> {
  const { failed } = await editAssets([edit])
  if (failed[0]) throw Problem.ofAsset(failed[0])
}

export const takeBack = (undo: Edit): Promise<void> =>
  tellOutcome(async () => {
    await carryOut(undo)
    return 'Taken back.'
  })

/** Says what was done, or why it could not be. */
export async function tellOutcome(action: () => Promise<string>): Promise<void> {
  try {
    toast(await action())
  } catch (error) {
    toast(error instanceof Error ? error.message : 'It could not be done.')
  }
}
