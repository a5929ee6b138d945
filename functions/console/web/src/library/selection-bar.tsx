import { useSignal } from '@preact/signals'
import { ErrorBoundary } from 'preact-iso'
import { editAssets } from '../api/changes'
import type { Asset } from '../api/types'
import { deleteWithUndo } from '../asset/delete'
import { whyNoChange, whyNoCollection } from '../session/rights'
import { plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { later } from '../ui/later'
import { showOutcome } from '../ui/outcome'
import { toast } from '../ui/toast'
import { choose, chosen, clearSelection } from './selection'
import { TagDialog } from './tag-dialog'

const AddDialog = later(() => import('../collections/add-dialog'))

/** Above it a delete of many asks first, although it can be undone. */
const MANY = 20

const idsOf = (assets: Asset[]) => assets.flatMap(({ cloudinary_asset_id }) => cloudinary_asset_id ?? [])

export default function SelectionBar({ loaded }: { loaded: Asset[] }) {
  const asking = useSignal<'delete' | 'move' | 'tags' | 'collection' | null>(null)
  const assets = chosen.value
  const ids = idsOf(assets)
  const reasons = assets.map(whyNoChange)
  const refused = reasons.every(Boolean) ? (reasons[0] ?? null) : null
  const remove = async () => {
    asking.value = null
    clearSelection()
    await deleteWithUndo(ids)
  }
  return (
    <section class="selection" aria-label="Chosen assets">
      <strong role="status">{plural(assets.length, 'asset')} chosen</strong>
      <Button icon="move" disabledReason={refused} onClick={() => (asking.value = 'move')}>
        Move
      </Button>
      <Button icon="tag" disabledReason={refused} onClick={() => (asking.value = 'tags')}>
        Tags
      </Button>
      <Button
        icon="collections"
        disabledReason={whyNoCollection()}
        onClick={() => (asking.value = 'collection')}
      >
        Add to a collection
      </Button>
      <Button
        icon="trash"
        kind="danger"
        disabledReason={refused}
        onClick={() => {
          if (ids.length > MANY) asking.value = 'delete'
          else void remove()
        }}
      >
        Delete
      </Button>
      <CopyCurl request={{ method: 'DELETE', path: '/api/cloudinary/media', body: { asset_ids: ids } }} />
      <Button kind="quiet" onClick={() => choose(loaded)}>
        Choose all {loaded.length} shown
      </Button>
      <Button kind="quiet" icon="close" onClick={clearSelection}>
        Clear
      </Button>
      {asking.value === 'delete' && (
        <Dialog title={`Delete ${plural(ids.length, 'asset')}?`} onClose={() => (asking.value = null)}>
          <p>They leave every list at once, and Cloudinary follows. You can restore them.</p>
          <p class="row end">
            <Button onClick={() => (asking.value = null)}>Keep them</Button>
            <Button kind="danger" onClick={() => void remove()}>
              Delete {plural(ids.length, 'asset')}
            </Button>
          </p>
        </Dialog>
      )}
      {asking.value === 'tags' && <TagDialog assets={assets} onClose={() => (asking.value = null)} />}
      <ErrorBoundary>
        {asking.value === 'collection' && <AddDialog assets={assets} onClose={() => (asking.value = null)} />}
      </ErrorBoundary>
      {asking.value === 'move' && <MoveDialog assets={assets} onClose={() => (asking.value = null)} />}
    </section>
  )
}

function MoveDialog({ assets, onClose }: { assets: Asset[]; onClose: () => void }) {
  const folder = useSignal(assets[0]?.folder ?? '')
  const move = async (event: Event) => {
    event.preventDefault()
    onClose()
    const before = assets.flatMap(({ cloudinary_asset_id: asset_id, folder }) =>
      asset_id ? [{ asset_id, folder }] : [],
    )
    try {
      const outcome = await editAssets(before.map(({ asset_id }) => ({ asset_id, folder: folder.value })))
      clearSelection()
      toast(`${plural(outcome.done.length, 'asset')} moved.`, async () => {
        await editAssets(before)
        toast('Moved back.')
      })
      if (outcome.failed.length > 0) showOutcome('Move', outcome)
    } catch (error) {
      toast(error instanceof Error ? error.message : 'The move failed.')
    }
  }
  return (
    <Dialog title={`Move ${plural(assets.length, 'asset')}`} onClose={onClose}>
      <form onSubmit={move}>
        <label>
          Folder
          <input
            type="text"
            dir="auto"
            maxLength={500}
            value={folder.value}
            onInput={(event) => (folder.value = event.currentTarget.value)}
          />
        </label>
        <p class="fine">Empty for the root. The folder is made if it is not there.</p>
        <p class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" class="button main">
            Move
          </button>
        </p>
      </form>
    </Dialog>
  )
}
