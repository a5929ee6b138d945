import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { type Collection, collectionsRequest } from '../api/collections'
import { shownData } from '../api/data'
import { useView } from '../library/filters'
import { SearchField } from '../library/search-field'
import { Person } from '../session/person'
import { whyNoCollection } from '../session/rights'
import { ago, moment } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Empty, Failed, Loading } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'
import { CollectionDialog } from './dialog'
import { useCollections } from './use-collections'

const addressOf = (id: string) => `/console/collections?collection=${encodeURIComponent(id)}`

export function List() {
  const view = useView()
  const { route } = useLocation()
  const isMaking = useSignal(false)
  const search = view.filters.search ?? ''
  const list = useCollections(search)
  const collections = list.data?.pages.flat() ?? []
  return (
    <div class="page">
      <div class="page-head">
        <h1>Collections</h1>
        <span class="fine">Ordered lists of assets: your own, and the public ones</span>
        <CopyCurl request={shownData(collectionsRequest(search, 0))} />
        <span class="end">
          <Button kind="main" disabledReason={whyNoCollection()} onClick={() => (isMaking.value = true)}>
            New collection
          </Button>
        </span>
      </div>
      <SearchField view={view} hint="Search collections by name" />
      {list.isPending && <Loading what="the collections" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data && collections.length === 0 && <Nothing isFiltered={search !== ''} />}
      {collections.length > 0 && (
        <ul class="collections" aria-label="Collections">
          {collections.map((collection) => (
            <Line key={collection.id} collection={collection} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <p class="row end">
          <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
        </p>
      )}
      {isMaking.value && (
        <CollectionDialog
          onClose={() => (isMaking.value = false)}
          onSaved={({ id }) => route(addressOf(id))}
        />
      )}
    </div>
  )
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="Nothing matches" />
  ) : (
    <Empty title="No collection yet">
      <p>Make one here, or choose assets in the library and add them to a new one.</p>
    </Empty>
  )
}

function Line({
  collection: { id, name, description, is_public, owner, updated_at },
}: {
  collection: Collection
}) {
  return (
    <li>
      <span class="what">
        <a href={addressOf(id)}>
          <Foreign>{name}</Foreign>
        </a>
        {description && (
          <span class="fine">
            <Foreign>{description}</Foreign>
          </span>
        )}
      </span>
      {is_public ? <Badge kind="synced">Public</Badge> : <Badge kind="quiet">Private</Badge>}
      <span class="fine">
        by <Person id={owner} />, changed <time title={moment(updated_at)}>{ago(updated_at)}</time>
      </span>
    </li>
  )
}
