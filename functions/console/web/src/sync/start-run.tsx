import { useSignal } from '@preact/signals'
import { queries, startRun } from '../api/queries'
import type { SyncAnswer, SyncRequest } from '../api/types'
import { whyNotAdmin } from '../session/rights'
import { count, duration, plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { FailedLine } from '../ui/states'
import { Foreign } from '../ui/text'
import { DriftReport } from './drift'

const RUNS: { name: string; told: string; request: SyncRequest }[] = [
  {
    name: 'Compare only',
    told: 'A dry run: tells the differences, changes nothing.',
    request: { dry_run: true },
  },
  { name: 'Catch up', told: 'Takes in what changed since the last run.', request: { mode: 'incremental' } },
  { name: 'Compare and repair all', told: 'A full run over the whole library.', request: { mode: 'full' } },
]

export function StartRun({ isRunning }: { isRunning: boolean }) {
  const answer = useSignal<SyncAnswer | null>(null)
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const start = async (request: SyncRequest) => {
    busy.value = true
    failed.value = null
    try {
      answer.value = await startRun(request)
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
      void queries.invalidateQueries()
    }
  }
  const reason = whyNotAdmin() ?? (busy.value || isRunning ? 'A run is in progress.' : null)
  return (
    <section class="card" aria-labelledby="start-run">
      <h2 id="start-run">Start a run</h2>
      <ul class="runs-to-start">
        {RUNS.map(({ name, told, request }) => (
          <li key={name}>
            <Button disabledReason={reason} onClick={() => void start(request)}>
              {name}
            </Button>
            <span>{told}</span>
            <CopyCurl request={{ method: 'POST', path: '/api/cloudinary/sync', body: request }} />
          </li>
        ))}
      </ul>
      {busy.value && <p role="status">The run is working …</p>}
      <FailedLine error={failed.value} />
      {answer.value && <Answer answer={answer.value} />}
    </section>
  )
}

function Answer({ answer }: { answer: SyncAnswer }) {
  return (
    <div class="answer" role="status">
      {answer.drift && <DriftReport drift={answer.drift} />}
      <p>
        <strong>{answer.joined ? 'Another run was in progress' : `The run ${answer.status}`}</strong>
        {': '}
        {answer.dry_run ? <WouldDo answer={answer} /> : <HasDone answer={answer} />}
      </p>
      {answer.errors.map(({ code, message }) => (
        <p class="failed-line" key={`${code} ${message}`}>
          <Foreign>{message}</Foreign>
        </p>
      ))}
    </div>
  )
}

/** What a dry run tells is not what differs: a change that waits for Cloudinary differs, and a run leaves it alone. */
function WouldDo({ answer: { synced_items, updated_items, deleted_items } }: { answer: SyncAnswer }) {
  return (
    <>
      a run would add {count(synced_items)}, update {count(updated_items)} and delete{' '}
      {plural(deleted_items, 'asset')} here. Nothing was changed.
    </>
  )
}

function HasDone({ answer }: { answer: SyncAnswer }) {
  return (
    <>
      {count(answer.synced_items)} new, {count(answer.updated_items)} updated, {count(answer.deleted_items)}{' '}
      deleted, {count(answer.unchanged_items)} unchanged, in {duration(answer.duration_ms)}.
    </>
  )
}
