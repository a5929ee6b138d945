import { useSignal } from '@preact/signals'
import {
  type Collection,
  type CollectionDraft,
  changeCollection,
  changeRequest,
  makeCollection,
  makeRequest,
} from '../api/collections'
import { shownData } from '../api/data'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { FailedLine } from '../ui/states'

interface CollectionDialogProps {
  /** The collection to change; without it one is made. */
  collection?: Collection
  onClose: () => void
  onSaved: (saved: Collection) => void
}

export function CollectionDialog({ collection, onClose, onSaved }: CollectionDialogProps) {
  const draft = useSignal<CollectionDraft>({
    name: collection?.name ?? '',
    description: collection?.description ?? null,
    is_public: collection?.is_public ?? false,
  })
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const change = (changed: Partial<CollectionDraft>) => {
    draft.value = { ...draft.value, ...changed }
  }
  const save = async (event: Event) => {
    event.preventDefault()
    busy.value = true
    try {
      const saving = collection ? changeCollection(collection.id, draft.value) : makeCollection(draft.value)
      onSaved(await saving)
      onClose()
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
    }
  }
  const request = collection ? changeRequest(collection.id, draft.value) : makeRequest(draft.value)
  return (
    <Dialog title={collection ? 'Change the collection' : 'New collection'} onClose={onClose}>
      <form onSubmit={save}>
        <label>
          Name
          <input
            type="text"
            dir="auto"
            required
            maxLength={255}
            value={draft.value.name}
            onInput={(event) => change({ name: event.currentTarget.value })}
          />
        </label>
        <label>
          Description
          <textarea
            dir="auto"
            maxLength={3000}
            value={draft.value.description ?? ''}
            onInput={(event) => change({ description: event.currentTarget.value || null })}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={draft.value.is_public}
            onChange={(event) => change({ is_public: event.currentTarget.checked })}
          />
          Public: everybody who has signed in sees it
        </label>
        <FailedLine error={failed.value} />
        <p class="row end">
          <CopyCurl request={shownData(request)} />
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" class="button main" disabled={busy.value}>
            {collection ? 'Save' : 'Make it'}
          </button>
        </p>
      </form>
    </Dialog>
  )
}
