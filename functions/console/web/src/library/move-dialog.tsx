import { useSignal } from '@preact/signals'
import type { Asset } from '../api/types'
import { FolderField } from '../asset/folder-field'
import { plural } from '../text'
import { Button } from '../ui/button'
import { Dialog } from '../ui/dialog'
import { FailedLine } from '../ui/states'
import { editMany } from './edit-many'
import { NotShown } from './not-shown'
import { letGoOf } from './selection'

interface MoveDialogProps {
  assets: Asset[]
  notShown: Asset[]
  onClose: () => void
}

/** Moves the chosen assets. It stays where nothing could be asked for, and those that failed stay chosen. */
export function MoveDialog({ assets, notShown, onClose }: MoveDialogProps) {
  const folder = useSignal(assets[0]?.folder ?? '')
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const move = async (event: Event) => {
    event.preventDefault()
    if (busy.value) return
    busy.value = true
    failed.value = null
    const before = assets.flatMap(({ cloudinary_asset_id: asset_id, folder }) =>
      asset_id ? [{ asset_id, folder }] : [],
    )
    try {
      const { done, brokenBy } = await editMany({
        title: 'Move',
        edits: before.map(({ asset_id }) => ({ asset_id, folder: folder.value })),
        undo: before,
        done: (assets) => `${assets} moved.`,
        takenBack: (assets) => `${assets} moved back.`,
      })
      if (brokenBy) failed.value = brokenBy
      else onClose()
      letGoOf(done)
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog title={`Move ${plural(assets.length, 'asset')}`} onClose={onClose}>
      <form onSubmit={move}>
        <NotShown assets={notShown} />
        <FolderField
          id="move-folder"
          value={folder.value}
          isChanged={folder.value !== assets[0]?.folder}
          onChange={(text) => (folder.value = text)}
        />
        <FailedLine error={failed.value} />
        <p class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" class="button main" aria-disabled={busy.value || undefined}>
            {busy.value ? 'Moving …' : `Move ${plural(assets.length, 'asset')}`}
          </button>
        </p>
      </form>
    </Dialog>
  )
}
