import { keepPreviousData, useInfiniteQuery } from '@tanstack/preact-query'
import { useRef } from 'preact/hooks'
import { ErrorBoundary } from 'preact-iso'
import { asked } from '../api/curl'
import { PAGE, readPage } from '../api/queries'
import type { Asset } from '../api/types'
import { NewsBar } from '../live/news-bar'
import { link } from '../live/state'
import { bytes, count, plural } from '../text'
import { CopyCurl } from '../ui/copy'
import { later } from '../ui/later'
import { Empty, Failed, Loading } from '../ui/states'
import { UploadButton } from '../upload/button'
import { DropZone } from '../upload/drop-zone'
import { useTarget } from '../upload/target'
import { type Filters, folderOf, listQuery, useView, type View } from './filters'
import { flatten, NONE } from './flat'
import { Heads } from './heads'
import { Results } from './results'
import { chosen } from './selection'
import { Toolbar } from './toolbar'
import { useWide } from './wide'

const SelectionBar = later(() => import('./selection-bar'))
const Drawer = later(() => import('../asset/drawer'))
const Facets = later(() => import('./facets/facets'))

/** Pixels from which menus stand beside the list; more while the drawer takes its part. */
const ROOM = 1100
const ROOM_BESIDE_DRAWER = 1500

type Page = Awaited<ReturnType<typeof readPage>>

function usePages(filters: Filters) {
  const isTold = link.value === 'live'
  return useInfiniteQuery({
    queryKey: ['media', 'list', filters],
    queryFn: ({ pageParam }) => readPage(listQuery(filters), pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.pagination.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => {
      // Many pages are read anew only when something is done.
      const pages = query.state.data?.pages.length ?? 0
      return pages <= 2 && !isTold ? 15_000 : false
    },
  })
}

export function Library() {
  const view = useView()
  const list = usePages(view.filters)
  const pages = list.data?.pages
  const flat = useRef(NONE)
  if (pages !== flat.current.pages) flat.current = flatten(flat.current, pages ?? NONE.pages)
  const { assets } = flat.current
  const first = pages?.[0]
  const hasRoom = useWide(view.asset ? ROOM_BESIDE_DRAWER : ROOM)
  const hasMenus = view.menus ? view.menus === 'show' : hasRoom
  const target = useTarget(folderOf(view.filters))
  return (
    <DropZone target={target}>
      <div class={`library ${view.asset ? 'with-drawer' : ''}`}>
        <section class="browse" aria-label="Library">
          <div class="page-head">
            <h1>Library</h1>
            {first && (
              <span class="fine" role="status">
                {list.isPlaceholderData ? 'Searching …' : found(first, assets)}
                {' · '}
                {plural(first.stats.total_assets, 'asset')}, {bytes(first.stats.total_size)} in all
              </span>
            )}
            <CopyCurl request={asked('/api/cloudinary/media', listQuery(view.filters))} />
            <NewsBar />
            <UploadButton target={target} />
          </div>
          <Toolbar view={view} hasMenus={hasMenus} />
          <div class="shelves">
            <ErrorBoundary>
              {hasMenus && (
                <Facets
                  view={view}
                  isNarrow={!hasRoom}
                  found={first && !list.isPlaceholderData ? found(first, assets) : 'the list'}
                />
              )}
            </ErrorBoundary>
            {/* What is shown until the answer comes is that of the question before. */}
            <div class="shelf" aria-busy={list.isPlaceholderData}>
              {chosen.value.length > 0 && <SelectionBar loaded={flat.current} />}
              <Shelf view={view} list={list} assets={assets} />
            </div>
          </div>
        </section>
        {view.asset && <Drawer key={view.asset} id={view.asset} onClose={() => close(view)} />}
      </div>
    </DropZone>
  )
}

const found = (first: Page, assets: Asset[]): string =>
  first.pagination.total === null ? plural(assets.length, 'asset') : `${count(first.pagination.total)} found`

interface ShelfProps {
  view: View
  list: ReturnType<typeof usePages>
  assets: Asset[]
}

/** The assets, or the reason why there are none. */
function Shelf({ view, list, assets }: ShelfProps) {
  const retry = () => void list.refetch()
  if (list.isPending) return <Loading what="the library" />
  if (list.isError && assets.length === 0) return <Failed error={list.error} retry={retry} />
  if (assets.length === 0) {
    const isFiltered = Object.keys(view.filters).length > 0
    return <Nothing isFiltered={isFiltered} clear={() => view.change(cleared(view.filters))} />
  }
  return (
    <>
      {list.isError && <Failed error={list.error} retry={retry} />}
      <Results
        key={view.layout}
        assets={assets}
        total={list.data?.pages[0]?.pagination.total ?? -1}
        isCurrent={!list.isFetching}
        layout={view.layout}
        heads={view.layout === 'list' && <Heads view={view} />}
        hasBar={chosen.value.length > 0}
        open={view.asset}
        onOpen={(asset) => view.change({ asset: asset.cloudinary_asset_id ?? asset.id }, view.asset !== null)}
        more={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : null}
      />
      {list.isFetchingNextPage && <Loading what={`the next ${PAGE}`} />}
    </>
  )
}

/** Goes back to the tile that was open, so that the keyboard goes on from there. */
function close(view: View): void {
  const tile = document.querySelector<HTMLElement>('.open[aria-current]')
  view.change({ asset: null })
  tile?.focus()
}

const cleared = (filters: Filters) => Object.fromEntries(Object.keys(filters).map((name) => [name, null]))

function Nothing({ isFiltered, clear }: { isFiltered: boolean; clear: () => void }) {
  if (!isFiltered) {
    return (
      <Empty title="The library is empty">
        <p>
          Drop files here, or use Upload. What is already in Cloudinary appears after the first run of Sync.
        </p>
      </Empty>
    )
  }
  return (
    <Empty title="Nothing matches">
      <p>
        <button type="button" class="button main" onClick={clear}>
          Clear the filters
        </button>
      </p>
    </Empty>
  )
}
