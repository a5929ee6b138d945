import { useQuery } from '@tanstack/preact-query'
import type { ComponentChildren } from 'preact'
import { ErrorBoundary } from 'preact-iso'
import { readHealth } from '../api/queries'
import type { Health as State } from '../api/types'
import { ago, count, words } from '../text'
import { CopyCurl } from '../ui/copy'
import { later } from '../ui/later'
import { Failed, Loading } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

const Hours = later(() => import('../plots/hours'))

const KINDS = { ok: 'synced', degraded: 'pending', down: 'error' } as const

export default function Health() {
  const health = useQuery({ queryKey: ['health'], queryFn: readHealth, refetchInterval: 10_000 })
  return (
    <div class="page">
      <div class="page-head">
        <h1>Health</h1>
        {health.data && <Badge kind={KINDS[health.data.status]}>{health.data.status}</Badge>}
        <CopyCurl request={{ method: 'GET', path: '/api/cloudinary/health' }} />
      </div>
      {health.isPending && <Loading what="the state of the service" />}
      {health.isError && <Failed error={health.error} retry={() => void health.refetch()} />}
      {health.data && <Parts health={health.data} />}
    </div>
  )
}

function Parts({ health }: { health: State }) {
  const { reasons, database, queues, reconciliation, notifications, cloudinary, schema } = health
  return (
    <>
      <Reasons reasons={reasons} />
      <div class="cards">
        {database && (
          <Card title="Database">
            <Fact name="Reachable" value={database.reachable ? 'yes' : (database.error ?? 'no')} />
            <Fact name="Round trip" value={`${database.round_trip_ms ?? '–'} ms`} />
          </Card>
        )}
        {reconciliation && (
          <Card title="Runs">
            <Fact name="Last good run" value={ago(reconciliation.last_good)} />
            <Fact name="Last full run" value={ago(reconciliation.last_full)} />
            <Fact name="Last run" value={reconciliation.last_run?.status ?? 'none'} />
            <Fact
              name="Under way"
              value={reconciliation.current_run ? ago(reconciliation.current_run.started_at) : 'no'}
            />
          </Card>
        )}
        {notifications && (
          <Card title="Notifications">
            <Fact name="Last accepted" value={ago(notifications.last_accepted)} />
            <Fact
              name="Last refused"
              value={notifications.last_refused ? ago(notifications.last_refused.at) : 'never'}
            />
          </Card>
        )}
        {cloudinary && (
          <Card title="Cloudinary">
            <Fact name="Calls left this hour" value={quota(cloudinary.quota)} />
          </Card>
        )}
        <Card title="Release">
          <Fact name="Version" value={health.version} />
          <Fact name="Build" value={health.build} />
          <Fact name="Schema" value={schema.version ?? schema.expected} />
        </Card>
      </div>
      {queues && <Queues queues={queues} />}
      {/* Only administrators are told the parts, and may read the hours. */}
      <ErrorBoundary>{database && <Hours />}</ErrorBoundary>
      {!database && <p class="fine">Administrators see the parts as well.</p>}
    </>
  )
}

const quota = (told: NonNullable<State['cloudinary']>['quota']) =>
  told?.remaining === null || told?.remaining === undefined ? 'unknown' : count(told.remaining)

function Reasons({ reasons }: { reasons: State['reasons'] }) {
  if (!reasons || reasons.length === 0) return null
  return (
    <ul class="reasons" aria-label="What needs a person">
      {reasons.map(({ code, message }) => (
        <li key={`${code} ${message}`}>
          <strong>{words(code)}</strong>
          <span>
            <Foreign>{message}</Foreign>
          </span>
        </li>
      ))}
    </ul>
  )
}

function Card({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <dl class="facts-list">{children}</dl>
    </section>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Foreign>{value}</Foreign>
      </dd>
    </div>
  )
}

function Queues({ queues }: { queues: NonNullable<State['queues']> }) {
  return (
    <section class="card" aria-labelledby="queues">
      <h2 id="queues">Queues</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by keys, too. */}
      <section class="wide" tabIndex={0} aria-label="Table of queues">
        <table>
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col">Waiting</th>
              <th scope="col">In work</th>
              <th scope="col">Held back</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(queues).map(([name, depth]) => (
              <tr key={name}>
                <th scope="row">{words(name)}</th>
                {depth.error ? (
                  <td colSpan={3}>
                    <Foreign>{depth.error}</Foreign>
                  </td>
                ) : (
                  [depth.visible, depth.in_flight, depth.delayed].map((number, at) => (
                    <td key={at}>{number === undefined ? '–' : count(number)}</td>
                  ))
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  )
}
