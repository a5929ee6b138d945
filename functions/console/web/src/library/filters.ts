import { useLocation } from 'preact-iso'
import type { ListQuery } from '../api/queries'

/** Filters that the address keeps, so that Back, reload and a shared link show the same. */
const KEPT = [
  'search',
  'resource_type',
  'format',
  'folder',
  'below',
  'tags',
  'sync_status',
  'error_code',
  'uploaded_by',
  'date_from',
  'date_to',
  'min_size',
  'max_size',
  'sort_by',
  'sort_order',
] as const

export type FilterName = (typeof KEPT)[number]

export type Filters = Partial<Record<FilterName, string>>

export interface View {
  filters: Filters
  /** The asset in the drawer. */
  asset: string | null
  layout: 'grid' | 'list'
  /** Whether the menus beside the list are shown; null where the width of the window decides. */
  menus: 'show' | 'hide' | null
  /** Changes the address. Typing replaces it, so that Back does not undo letter by letter. */
  change: (changed: Record<string, string | null>, replace?: boolean) => void
}

export function useView(): View {
  const { path, query, route } = useLocation()
  const filters: Filters = {}
  for (const name of KEPT) {
    if (query[name]) filters[name] = query[name]
  }
  return {
    filters,
    asset: query.asset ?? null,
    layout: query.view === 'list' ? 'list' : 'grid',
    menus: query.menus === 'show' || query.menus === 'hide' ? query.menus : null,
    change: (changed, replace = false) => {
      // As it is by now: two fields may change it before the page is drawn anew.
      const next = new URLSearchParams(location.search)
      for (const [name, value] of Object.entries(changed)) {
        if (value) next.set(name, value)
        else next.delete(name)
      }
      const text = next.toString()
      route(text ? `${path}?${text}` : path, replace)
    },
  }
}

/** Filters that take several values, parted by commas. */
const LISTS: readonly string[] = ['tags', 'format', 'resource_type']

export const valuesOf = (text: string | undefined): string[] =>
  text?.split(',').flatMap((value) => value.trim() || []) ?? []

/** The service judges the values, and names the one that it refuses. */
export function listQuery(filters: Filters): ListQuery {
  const query: Record<string, string | string[]> = {}
  for (const [name, text] of Object.entries(filters)) {
    const values = LISTS.includes(name) ? valuesOf(text) : text
    if (values.length > 0) query[name] = values
  }
  return query as ListQuery
}

/** The folder that one stands in: the one that is shown, alone or with all below it. */
export const folderOf = ({ folder, below }: Filters): string => folder ?? below ?? ''
