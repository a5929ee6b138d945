import { useSignal } from '@preact/signals'
import { useQuery } from '@tanstack/preact-query'
import { Fragment } from 'preact'
import { readSync } from '../api/queries'
import type { Run } from '../api/types'
import { ago, count, duration, moment, words } from '../text'
import { Button } from '../ui/button'
import { Empty, Failed, Loading } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'
import { DriftReport } from './drift'

const KINDS = { running: 'pending', succeeded: 'synced', failed: 'error', stopped: 'error' } as const

const counter = (run: Run, name: string) => {
  const value = run.counters[name]
  return typeof value === 'number' ? count(value) : '–'
}

/** A run that goes on: its counts, and what it waits for. */
export function CurrentRun({ run }: { run: Run }) {
  const waits = run.resume_at && `It waits for Cloudinary's quota until ${moment(run.resume_at)}.`
  const end = run.predicted_end && `It ends about ${moment(run.predicted_end)}.`
  return (
    <section class="card" aria-labelledby="current-run">
      <h2 id="current-run">
        Under way: {run.mode}
        {run.dry_run && ', dry'}
      </h2>
      <progress aria-label="Run in progress" />
      <p role="status">
        {counter(run, 'listed')} listed on {counter(run, 'pages')} pages, {counter(run, 'created')} new,{' '}
        {counter(run, 'updated')} updated, {counter(run, 'deleted')} deleted. {waits ?? end}
      </p>
      {run.error_message && (
        <p class="failed-line">
          <Foreign>{run.error_message}</Foreign>
        </p>
      )}
    </section>
  )
}

const COLUMNS = ['Began', 'Kind', 'State', 'New', 'Updated', 'Deleted', 'Listed', 'Calls', 'Took', '']

export function History({ runs }: { runs: Run[] }) {
  const open = useSignal<string | null>(null)
  if (runs.length === 0) {
    return (
      <Empty title="No run yet">
        <p>The first run takes in what is already in Cloudinary.</p>
      </Empty>
    )
  }
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">Recent runs</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by keys, too. */}
      <section class="wide" tabIndex={0} aria-label="Table of recent runs">
        <table>
          <thead>
            <tr>
              {COLUMNS.map((name) => (
                <th key={name} scope="col">
                  {name || <span class="unseen">More</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <Fragment key={run.run_id}>
                <tr>
                  <td title={moment(run.started_at)}>{ago(run.started_at)}</td>
                  <td>
                    {run.mode}
                    {run.dry_run && ', dry'} <span class="fine">{run.trigger}</span>
                  </td>
                  <td>
                    <Badge kind={KINDS[run.status]}>{run.status}</Badge>
                    {run.error_code && <span class="fine"> {words(run.error_code)}</span>}
                  </td>
                  <td>{counter(run, 'created')}</td>
                  <td>{counter(run, 'updated')}</td>
                  <td>{counter(run, 'deleted')}</td>
                  <td>{counter(run, 'listed')}</td>
                  <td>{count(run.cloudinary_calls)}</td>
                  <td>{duration(run.duration_ms)}</td>
                  <td>
                    <Button
                      kind="quiet"
                      label={`Details of the run of ${moment(run.started_at)}`}
                      icon="more"
                      aria-expanded={open.value === run.run_id}
                      onClick={() => (open.value = open.value === run.run_id ? null : run.run_id)}
                    />
                  </td>
                </tr>
                {open.value === run.run_id && (
                  <tr class="run-details">
                    <td colSpan={COLUMNS.length}>
                      <OneRun id={run.run_id} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  )
}

function OneRun({ id }: { id: string }) {
  const overview = useQuery({ queryKey: ['sync', id], queryFn: () => readSync(id) })
  const run = overview.data?.run
  return (
    <div class="answer">
      {overview.isPending && <Loading what="the run" />}
      {overview.isError && <Failed error={overview.error} retry={() => void overview.refetch()} />}
      {run?.error_message && (
        <p class="failed-line">
          <Foreign>{run.error_message}</Foreign>
        </p>
      )}
      {run?.drift && <DriftReport drift={run.drift} />}
      {run && (
        <dl class="facts-list">
          {Object.entries({ ...run.counters, ...run.verification }).map(([name, value]) => (
            <div key={name}>
              <dt>{words(name)}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}
