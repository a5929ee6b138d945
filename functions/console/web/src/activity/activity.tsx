import { useInfiniteQuery } from '@tanstack/preact-query'
import { useLocation } from 'preact-iso'
import { type AuditQuery, readAudit } from '../api/queries'
import type { AuditEntry } from '../api/types'
import { Particulars } from '../asset/timeline'
import { ago, moment, words } from '../text'
import { Button } from '../ui/button'
import { Empty, Failed, Loading } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

const FILTERS = ['operation', 'status', 'source', 'public_id', 'actor', 'run_id'] as const

export default function Activity() {
  const { path, query, route } = useLocation()
  const filters = Object.fromEntries(FILTERS.flatMap((name) => (query[name] ? [[name, query[name]]] : [])))
  const trail = useInfiniteQuery({
    queryKey: ['audit', filters],
    queryFn: ({ pageParam }) => readAudit(filters as AuditQuery, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.pagination.next_cursor,
  })
  const entries = trail.data?.pages.flatMap((page) => page.items) ?? []
  const change = (name: string, value: string) => {
    const next = new URLSearchParams(filters)
    if (value) next.set(name, value)
    else next.delete(name)
    route(`${path}?${next}`)
  }
  return (
    <div class="page">
      <div class="page-head">
        <h1>Activity</h1>
        <span class="fine">Each change of state, and its reason</span>
      </div>
      <div class="filters">
        <Choice name="source" label="Source" choices={SOURCES} value={query.source} onChange={change} />
        <Choice
          name="status"
          label="Outcome"
          choices={['success', 'failed']}
          value={query.status}
          onChange={change}
        />
        <Word name="operation" label="Operation" value={query.operation} onChange={change} />
        <Word name="public_id" label="Public id" value={query.public_id} onChange={change} />
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

interface FieldProps {
  name: string
  label: string
  value: string | undefined
  onChange: (name: string, value: string) => void
}

function Choice({ name, label, choices, value = '', onChange }: FieldProps & { choices: string[] }) {
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <select value={value} onChange={(event) => onChange(name, event.currentTarget.value)}>
        <option value="">{label}: all</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  )
}

function Word({ name, label, value = '', onChange }: FieldProps) {
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <input
        type="text"
        dir="auto"
        placeholder={label}
        value={value}
        onChange={(event) => onChange(name, event.currentTarget.value.trim())}
      />
    </label>
  )
}

function Entry({ entry }: { entry: AuditEntry }) {
  const id = entry.cloudinary_asset_id ?? entry.asset_row_id
  const name = entry.cloudinary_public_id ?? id
  return (
    <li>
      <p>
        <strong>{words(entry.operation)}</strong>
        {entry.status === 'failed' && <Badge kind="error">failed</Badge>}
        {name && id && (
          <a href={`/console?asset=${encodeURIComponent(id)}`}>
            <Foreign>{name}</Foreign>
          </a>
        )}
      </p>
      <p class="fine">
        <time dateTime={entry.occurred_at} title={moment(entry.occurred_at)}>
          {ago(entry.occurred_at)}
        </time>
        {' · '}
        {entry.source}
        {entry.actor && ` · by ${entry.actor}`}
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
