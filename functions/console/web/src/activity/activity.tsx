import { useInfiniteQuery } from '@tanstack/preact-query'
import { asked } from '../api/curl'
import { type AuditQuery, readAudit } from '../api/queries'
import type { AuditEntry } from '../api/types'
import { Particulars } from '../asset/timeline'
import { Person } from '../session/person'
import { ago, moment, words } from '../text'
import { AssetLink } from '../ui/asset-link'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Choice, useFilters, Word } from '../ui/filter-fields'
import { Empty, Failed, Loading } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

const FILTERS = ['operation', 'status', 'source', 'public_id', 'actor', 'run_id'] as const

export default function Activity() {
  const { filters, change } = useFilters(FILTERS)
  const trail = useInfiniteQuery({
    queryKey: ['audit', filters],
    queryFn: ({ pageParam }) => readAudit(filters as AuditQuery, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.pagination.next_cursor,
  })
  const entries = trail.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <div class="page">
      <div class="page-head">
        <h1>Activity</h1>
        <span class="fine">Each change of state, and its reason</span>
        <CopyCurl request={asked('/api/cloudinary/audit', filters)} />
      </div>
      <div class="filters">
        <Choice name="source" label="Source" choices={SOURCES} value={filters.source} onChange={change} />
        <Choice
          name="status"
          label="Outcome"
          choices={['success', 'failed']}
          value={filters.status}
          onChange={change}
        />
        <Word name="operation" label="Operation" value={filters.operation} onChange={change} />
        <Word name="public_id" label="Public id" value={filters.public_id} onChange={change} />
        <Button kind="quiet" onClick={() => void trail.refetch()}>
          Look again
        </Button>
      </div>
      {trail.isPending && <Loading what="the trail" />}
      {trail.isError && <Failed error={trail.error} retry={() => void trail.refetch()} />}
      {trail.data && entries.length === 0 && <Empty title="No entry matches" />}
      <ol class="trail">
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ol>
      {trail.hasNextPage && (
        <p class="row end">
          <Button onClick={() => void trail.fetchNextPage()}>Older entries</Button>
        </p>
      )}
    </div>
  )
}

const SOURCES = ['webhook', 'reconcile', 'outbound', 'api', 'database']

function Entry({ entry }: { entry: AuditEntry }) {
  const id = entry.cloudinary_asset_id ?? entry.asset_row_id
  const name = entry.cloudinary_public_id ?? id
  return (
    <li>
      <p>
        <strong>{words(entry.operation)}</strong>
        {entry.status === 'failed' && <Badge kind="error">failed</Badge>}
        {name && id && (
          <AssetLink id={id}>
            <Foreign>{name}</Foreign>
          </AssetLink>
        )}
      </p>
      <p class="fine">
        <time dateTime={entry.occurred_at} title={moment(entry.occurred_at)}>
          {ago(entry.occurred_at)}
        </time>
        {' · '}
        {entry.source}
        {entry.actor && (
          <>
            {' · by '}
            <Person id={entry.actor} />
          </>
        )}
      </p>
      {entry.error_message && (
        <p class="failed-line">
          <Foreign>{entry.error_message}</Foreign>
        </p>
      )}
      <Particulars of={entry.details} />
    </li>
  )
}
