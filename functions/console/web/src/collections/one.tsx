import { useSignal } from '@preact/signals'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/preact-query'
import { useLocation } from 'preact-iso'
import {
  type Collection,
  collectionRequest,
  dropCollection,
  dropRequest,
  ITEMS_PAGE,
  readCollection,
  readItems,
} from '../api/collections'
import { shownData } from '../api/data'
import { Person } from '../session/person'
import { whyNoCollectionChange } from '../session/rights'
import { ago } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { Empty, Failed, FailedLine, Loading } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'
import { CollectionDialog } from './dialog'
import { Items } from './items'

export function OneCollection({ id }: { id: string }) {
  const collection = useQuery({ queryKey: ['collections', 'one', id], queryFn: () => readCollection(id) })
  return (
    <div class="page">
      <p class="fine">
        <a href="/console/collections">All collections</a>
      </p>
      {collection.isPending && <Loading what="the collection" />}
      {collection.isError && <Failed error={collection.error} retry={() => void collection.refetch()} />}
      {collection.data && (
        <>
          <Head collection={collection.data} />
          <Assets collection={collection.data} />
        </>
      )}
    </div>
  )
}

function Head({ collection }: { collection: Collection }) {
  const asking = useSignal<'change' | 'delete' | null>(null)
  const { id, name, description, is_public, owner, updated_at } = collection
  const refused = whyNoCollectionChange(collection)
  const close = () => {
    asking.value = null
  }
  return (
    <>
      <div class="page-head">
        <h1>
          <Foreign>{name}</Foreign>
        </h1>
        {is_public ? <Badge kind="synced">Public</Badge> : <Badge kind="quiet">Private</Badge>}
        <span class="fine">
          by <Person id={owner} />, changed {ago(updated_at)}
        </span>
      </div>
      {description && (
        <p>
          <Foreign>{description}</Foreign>
        </p>
      )}
      <p class="row">
        <Button icon="pencil" disabledReason={refused} onClick={() => (asking.value = 'change')}>
          Change
        </Button>
        <Button icon="trash" kind="danger" disabledReason={refused} onClick={() => (asking.value = 'delete')}>
          Delete
        </Button>
        <CopyCurl request={shownData(collectionRequest(id))} />
      </p>
      {asking.value === 'change' && (
        <CollectionDialog collection={collection} onClose={close} onSaved={() => toast('Saved.')} />
      )}
      {asking.value === 'delete' && <DeleteDialog collection={collection} onClose={close} />}
    </>
  )
}

/** Asks: a collection that is gone does not come back. */
function DeleteDialog({
  collection: { id, name },
  onClose,
}: {
  collection: Collection
  onClose: () => void
}) {
  const { route } = useLocation()
  const failed = useSignal<unknown>(null)
  const remove = async () => {
    try {
      await dropCollection(id)
      toast('The collection is deleted.')
      route('/console/collections', true)
    } catch (error) {
      failed.value = error
    }
  }
  return (
    <Dialog title="Delete the collection?" onClose={onClose}>
      <p>
        “<Foreign>{name}</Foreign>” goes for good, with its order. Its assets stay.
      </p>
      <FailedLine error={failed.value} />
      <p class="row end">
        <CopyCurl request={shownData(dropRequest(id))} />
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" onClick={() => void remove()}>
          Delete the collection
        </Button>
      </p>
    </Dialog>
  )
}

function Assets({ collection }: { collection: Collection }) {
  const { id } = collection
  const list = useInfiniteQuery({
    queryKey: ['collections', 'items', id],
    queryFn: ({ pageParam }) => readItems(id, pageParam),
    initialPageParam: 0,
    getNextPageParam: (page, _, from) => (page.length < ITEMS_PAGE ? null : from + ITEMS_PAGE),
    placeholderData: keepPreviousData,
  })
  const items = list.data?.pages.flat() ?? []
  return (
    <>
      {list.isPending && <Loading what="its assets" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data && items.length === 0 && (
        <Empty title="Nothing in it yet">
          <p>Choose assets in the library, then “Add to a collection”.</p>
        </Empty>
      )}
      {items.length > 0 && <Items collection={collection} items={items} isWhole={!list.hasNextPage} />}
      {list.hasNextPage && (
        <p class="row end">
          <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
        </p>
      )}
    </>
  )
}
