import { keepPreviousData, useInfiniteQuery } from '@tanstack/preact-query'
import { useState } from 'preact/hooks'
import { asked } from '../api/curl'
import { readPage } from '../api/queries'
import type { Asset } from '../api/types'
import { restore } from '../asset/delete'
import { ActiveFilters } from '../library/active-filters'
import { type Filters, listQuery, useView } from '../library/filters'
import { SearchField } from '../library/search-field'
import { count, plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Empty, Failed, Loading } from '../ui/states'
import { Gone, keyOf, whyNoRestore } from './gone'

function useTrash(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['media', 'trash', filters],
    queryFn: ({ pageParam }) => readPage({ ...listQuery(filters), deleted: 'only' }, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.pagination.next_cursor,
    placeholderData: keepPreviousData,
  })
}

export default function Trash() {
  const view = useView()
  const list = useTrash(view.filters)
  const assets = list.data?.pages.flatMap((page) => page.items) ?? []
  const total = list.data?.pages[0]?.pagination.total
  const isFiltered = Object.keys(view.filters).length > 0
  return (
    <div class="page">
      <div class="page-head">
        <h1>Trash</h1>
        <span class="fine" role="status">
          {total === undefined || total === null ? 'Deleted assets' : `${count(total)} deleted`}
        </span>
        <CopyCurl request={asked('/api/cloudinary/media', { ...listQuery(view.filters), deleted: 'only' })} />
      </div>
      <SearchField view={view} hint="Search deleted assets" />
      <ActiveFilters view={view} />
      {list.isPending && <Loading what="the trash" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data && assets.length === 0 && <Nothing isFiltered={isFiltered} />}
      {assets.length > 0 && <Assets assets={assets} />}
      {list.hasNextPage && (
        <p class="row end">
          <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
        </p>
      )}
    </div>
  )
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="Nothing matches" />
  ) : (
    <Empty title="The trash is empty">
      <p>Assets that are deleted here or in Cloudinary appear in this list.</p>
    </Empty>
  )
}

function Assets({ assets }: { assets: Asset[] }) {
  const [wanted, setWanted] = useState<ReadonlySet<string>>(new Set())
  // A restored asset leaves the list, and the choice with it.
  const chosen = assets.filter((asset) => wanted.has(asset.id))
  const open = assets.filter((asset) => whyNoRestore(asset) === null)
  const ids = chosen.map(keyOf)
  const toggle = (id: string) => {
    const next = new Set(wanted)
    if (!next.delete(id)) next.add(id)
    setWanted(next)
  }
  return (
    <>
      <div class="row">
        <Button
          kind="main"
          icon="restore"
          disabledReason={ids.length === 0 ? 'Choose assets first.' : null}
          onClick={() => void restore(ids)}
        >
          {ids.length > 0 ? `Restore ${plural(ids.length, 'asset')}` : 'Restore'}
        </Button>
        <Button
          disabledReason={open.length === 0 ? 'None of them can be restored.' : null}
          onClick={() => setWanted(new Set(open.map(({ id }) => id)))}
        >
          Choose all {open.length} shown
        </Button>
        {ids.length > 0 && (
          <CopyCurl
            request={{ method: 'POST', path: '/api/cloudinary/media/restore', body: { asset_ids: ids } }}
          />
        )}
      </div>
      <ul class="trash" aria-label="Deleted assets">
        {assets.map((asset) => (
          <Gone
            key={asset.id}
            asset={asset}
            isChosen={wanted.has(asset.id)}
            onChoose={() => toggle(asset.id)}
          />
        ))}
      </ul>
    </>
  )
}
