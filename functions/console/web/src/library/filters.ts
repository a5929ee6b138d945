import { useLocation } from 'preact-iso'
import type { ListQuery } from '../api/queries'

/** Filters that the address keeps, so that Back, reload and a shared link show the same. */
const KEPT = [
  'search',
  'resource_type',
  'folder',
  'tags',
  'sync_status',
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
    change: (changed, replace = false) => {
      const next = new URLSearchParams(query)
      for (const [name, value] of Object.entries(changed)) {
        if (value) next.set(name, value)
        else next.delete(name)
      }
      const text = next.toString()
      route(text ? `${path}?${text}` : path, replace)
    },
  }
}

/** The service judges the values, and names the one that it refuses. */
export function listQuery(filters: Filters): ListQuery {
  const { tags, ...others } = filters
  const query: Record<string, string | string[]> = others
  const wanted = tags?.split(',').flatMap((tag) => tag.trim() || [])
  return (wanted?.length ? { ...query, tags: wanted } : query) as ListQuery
}
