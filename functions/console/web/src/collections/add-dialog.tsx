import { useSignal } from '@preact/signals'
import { addRequest, addToCollection, makeCollection } from '../api/collections'
import { shownData } from '../api/data'
import type { Asset } from '../api/types'
import { changeableBy } from '../session/rights'
import { plural, visible } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { showOutcome } from '../ui/outcome'
import { Failed, FailedLine, Loading } from '../ui/states'
import { toast } from '../ui/toast'
import { useTypedText } from '../ui/typed'
import { useCollections } from './use-collections'

type Named = Pick<Asset, 'id' | 'cloudinary_public_id'>

/** The choice of a collection that is made on the way. */
const NEW = ''

/** Adds assets at the end of a collection that there is, or of a new one. */
export default function AddDialog({ assets, onClose }: { assets: Named[]; onClose: () => void }) {
  const search = useSignal('')
  const wanted = useSignal(NEW)
  const name = useSignal('')
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const list = useCollections(search.value, changeableBy())
  const open = list.data?.pages.flat() ?? []
  const find = useTypedText(search.value, (text) => (search.value = text.trim()))
  const chosen = open.find(({ id }) => id === wanted.value)
  const ids = assets.map(({ id }) => id)
  const add = async (event: Event) => {
    event.preventDefault()
    busy.value = true
    try {
      const draft = { name: name.value, description: null, is_public: false }
      const to = chosen ?? (await makeCollection(draft))
      wanted.value = to.id
      tell(assets, to.name, await addToCollection(to.id, ids))
      onClose()
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog title={`Add ${plural(assets.length, 'asset')} to a collection`} onClose={onClose}>
      {list.isPending && <Loading what="your collections" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data && (
        <form onSubmit={add}>
          <label>
            Find
            <input
              type="search"
              placeholder="Part of a name"
              {...find}
              onKeyDown={(event) => {
                find.onKeyDown(event)
                // It ends the search, not the form.
                if (event.key === 'Enter') event.preventDefault()
              }}
            />
          </label>
          <label>
            Collection
            <select
              value={chosen ? chosen.id : NEW}
              onChange={(event) => (wanted.value = event.currentTarget.value)}
            >
              <option value={NEW}>A new one</option>
              {open.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          {list.hasNextPage && (
            <p class="row">
              <span class="fine">These are the first {open.length}. Find others by name, or</span>
              <Button kind="quiet" onClick={() => void list.fetchNextPage()}>
                Load more
              </Button>
            </p>
          )}
          {!chosen && (
            <label>
              Name of the new collection
              <input
                type="text"
                dir="auto"
                required
                maxLength={255}
                value={name.value}
                onInput={(event) => (name.value = event.currentTarget.value)}
              />
            </label>
          )}
          <FailedLine error={failed.value} />
          <p class="row end">
            {chosen && <CopyCurl request={shownData(addRequest(chosen.id, ids))} />}
            <Button onClick={onClose}>Cancel</Button>
            <button type="submit" class="button main" disabled={busy.value}>
              Add
            </button>
          </p>
        </form>
      )}
    </Dialog>
  )
}

function tell(assets: Named[], name: string, outcome: Awaited<ReturnType<typeof addToCollection>>): void {
  const known = new Map(assets.map((asset) => [asset.id, asset.cloudinary_public_id]))
  const named = (asset_id: string) => ({ asset_id, public_id: known.get(asset_id) ?? asset_id })
  const failed = outcome.failed.map(({ asset_id, error }) => ({
    ...named(asset_id),
    error,
    code: 'not_found' as const,
  }))
  const added = outcome.done.length
  const what = added > 1 ? `${plural(added, 'asset')} added` : 'Added'
  if (added > 0) toast(`${what} to “${visible(name)}”.`)
  if (failed.length > 0) {
    showOutcome('Add to a collection', { done: outcome.done.map(({ asset_id }) => named(asset_id)), failed })
  }
}
