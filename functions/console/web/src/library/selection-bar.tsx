import { useSignal } from '@preact/signals'
import { ErrorBoundary } from 'preact-iso'
import type { Asset } from '../api/types'
import { deleteWithUndo } from '../asset/delete'
import { whyNoChange, whyNoCollection } from '../session/rights'
import { count, plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { later } from '../ui/later'
import type { Flat } from './flat'
import { MoveDialog } from './move-dialog'
import { NotShown } from './not-shown'
import { choose, chosen, clearSelection, letGo } from './selection'
import { TagDialog } from './tag-dialog'

const AddDialog = later(() => import('../collections/add-dialog'))

/** Above it a delete asks first, although it can be undone. */
const MANY = 20

const idsOf = (assets: Asset[]) => assets.flatMap(({ cloudinary_asset_id }) => cloudinary_asset_id ?? [])

export default function SelectionBar({ loaded }: { loaded: Flat }) {
  const asking = useSignal<'delete' | 'move' | 'tags' | 'collection' | null>(null)
  const busy = useSignal(false)
  // As they are by now: what was chosen may have been moved since.
  const assets = chosen.value.map((asset) => loaded.assets[loaded.places.get(asset.id) ?? -1] ?? asset)
  const notShown = assets.filter(({ id }) => !loaded.places.has(id))
  const ids = idsOf(assets)
  const reasons = assets.map(whyNoChange)
  const refused = reasons.every(Boolean) ? (reasons[0] ?? null) : null
  const close = () => {
    asking.value = null
  }
  const remove = async () => {
    close()
    busy.value = true
    await deleteWithUndo(ids)
    busy.value = false
  }
  return (
    <section class="selection" aria-label="Chosen assets">
      <strong role="status">
        {plural(assets.length, 'asset')} chosen
        {notShown.length > 0 && `, ${count(notShown.length)} of them not shown here`}
      </strong>
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
        disabledReason={refused ?? (busy.value ? 'They are being deleted.' : null)}
        onClick={() => {
          if (ids.length > MANY || notShown.length > 0) asking.value = 'delete'
          else void remove()
        }}
      >
        Delete
      </Button>
      <CopyCurl request={{ method: 'DELETE', path: '/api/cloudinary/media', body: { asset_ids: ids } }} />
      <Button kind="quiet" onClick={() => choose(loaded.assets)}>
        Choose all {loaded.assets.length} shown
      </Button>
      {notShown.length > 0 && (
        <Button kind="quiet" onClick={() => letGo(notShown)}>
          Only those shown
        </Button>
      )}
      <Button kind="quiet" icon="close" onClick={clearSelection}>
        Clear
      </Button>
      {asking.value === 'delete' && (
        <Dialog title={`Delete ${plural(ids.length, 'asset')}?`} onClose={close}>
          <NotShown assets={notShown} />
          <p>They leave every list at once, and Cloudinary follows. You can restore them.</p>
          <p class="row end">
            <Button onClick={close}>Keep them</Button>
            <Button kind="danger" onClick={() => void remove()}>
              Delete {plural(ids.length, 'asset')}
            </Button>
          </p>
        </Dialog>
      )}
      {asking.value === 'tags' && <TagDialog assets={assets} notShown={notShown} onClose={close} />}
      <ErrorBoundary>
        {asking.value === 'collection' && <AddDialog assets={assets} onClose={close} />}
      </ErrorBoundary>
      {asking.value === 'move' && <MoveDialog assets={assets} notShown={notShown} onClose={close} />}
    </section>
  )
}
