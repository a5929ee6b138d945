import { useQuery } from '@tanstack/preact-query'
import { readSync } from '../api/queries'
import type { SyncOverview } from '../api/types'
import { ago, bytes, count, moment } from '../text'
import { CopyCurl } from '../ui/copy'
import { Failed, Loading } from '../ui/states'
import { Plans } from './plans'
import { CurrentRun, History } from './runs'
import { StartRun } from './start-run'

/** While a run is under way it is looked at often. */
const SOON = 1_000
const LATER = 10_000

export default function Sync() {
  const sync = useQuery({
    queryKey: ['sync'],
    queryFn: () => readSync(),
    refetchInterval: ({ state }) => (state.data?.sync_in_progress ? SOON : LATER),
  })
  return (
    <div class="page">
      <div class="page-head">
        <h1>Sync</h1>
        <span class="fine">How the database and Cloudinary stand to each other</span>
        <CopyCurl request={{ method: 'GET', path: '/api/cloudinary/sync' }} />
      </div>
      {sync.isPending && <Loading what="the state of the mirror" />}
      {sync.isError && <Failed error={sync.error} retry={() => void sync.refetch()} />}
      {sync.data && (
        <>
          <Numbers overview={sync.data} />
          <Plans overview={sync.data} />
          <StartRun isRunning={sync.data.sync_in_progress} />
          {sync.data.current_run && <CurrentRun run={sync.data.current_run} />}
          <History runs={sync.data.recent_runs} />
        </>
      )}
    </div>
  )
}

function Numbers({ overview }: { overview: SyncOverview }) {
  const { stats, quota } = overview
  const numbers: [string, string, string?][] = [
    ['Assets', count(stats.total_assets), bytes(stats.total_size)],
    ['In sync', count(stats.synced_assets)],
    ['Waiting', count(overview.pending_operations), 'for Cloudinary'],
    ['In error', count(stats.error_assets)],
    ['Last compared', ago(overview.last_sync), moment(overview.last_sync)],
    [
      "Cloudinary's quota",
      quota?.remaining === null || quota?.remaining === undefined ? 'unknown' : count(quota.remaining),
      quota?.limit ? `of ${count(quota.limit)} calls this hour` : undefined,
    ],
  ]
  return (
    <dl class="numbers">
      {numbers.map(([name, value, more]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {more && <span class="fine">{more}</span>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
