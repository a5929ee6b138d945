import { QueryClient } from '@tanstack/preact-query'
import { api, body } from './client'
import { isPassing } from './problem'
import type { paths } from './schema'
import type { SyncRequest } from './types'

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 2 && isPassing(error),
      // The states of the page say what happened; a paused question would only spin.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})

export type ListQuery = NonNullable<paths['/api/cloudinary/media']['get']['parameters']['query']>
export type AuditQuery = NonNullable<paths['/api/cloudinary/audit']['get']['parameters']['query']>

export type FacetsQuery = NonNullable<paths['/api/cloudinary/media/facets']['get']['parameters']['query']>
export type EventsQuery = NonNullable<paths['/api/cloudinary/events']['get']['parameters']['query']>

export const PAGE = 100

export const readPage = (query: ListQuery, cursor: string | null) =>
  body(
    api.GET('/api/cloudinary/media', {
      params: { query: { ...query, limit: PAGE, ...(cursor && { cursor }) } },
    }),
  )

export const readFacets = (query: FacetsQuery) =>
  body(api.GET('/api/cloudinary/media/facets', { params: { query } }))

export const readAsset = (asset_id: string) =>
  body(api.GET('/api/cloudinary/media/{asset_id}', { params: { path: { asset_id } } }))

export const readSync = (run_id?: string) =>
  body(api.GET('/api/cloudinary/sync', { params: { query: run_id ? { run_id } : {} } }))

export const startRun = (request: SyncRequest) => body(api.POST('/api/cloudinary/sync', { body: request }))

export const readUploadRules = () => body(api.GET('/api/cloudinary/upload'))

export const readIssues = () => body(api.GET('/api/cloudinary/issues'))

export const readHealth = () => body(api.GET('/api/cloudinary/health'))

export const readAudit = (query: AuditQuery, cursor: string | null) =>
  body(
    api.GET('/api/cloudinary/audit', {
      params: { query: { ...query, limit: 50, ...(cursor && { cursor }) } },
    }),
  )

export const readEvents = (query: EventsQuery, cursor: string | null) =>
  body(
    api.GET('/api/cloudinary/events', {
      params: { query: { ...query, limit: 50, ...(cursor && { cursor }) } },
    }),
  )

export const readGivenUp = () => body(api.GET('/api/cloudinary/events/redrive'))

export const readHours = (hours: number) =>
  body(api.GET('/api/cloudinary/audit/series', { params: { query: { hours } } }))

/** Lists and assets show a change at once; Cloudinary's confirmation comes later. */
export function forgetMedia(): void {
  void queries.invalidateQueries({ queryKey: ['media'] })
  void queries.invalidateQueries({ queryKey: ['sync'] })
}
