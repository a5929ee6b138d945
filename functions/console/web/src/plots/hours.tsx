import '../styles/plots.css'
import { keepPreviousData, useQuery } from '@tanstack/preact-query'
import { readHours } from '../api/queries'
import type { AuditHour } from '../api/types'
import { count, duration } from '../text'
import { CopyCurl } from '../ui/copy'
import { useFilters } from '../ui/filter-fields'
import { Failed, Loading } from '../ui/states'
import { beginning } from './beginning'
import { Plot, type Row } from './plot'
import { HoursTable } from './table'

const SPANS = { 24: 'A day', 72: 'Three days', 168: 'A week' } as const

type Span = keyof typeof SPANS

/** The mirror's work by the hour. The address keeps how far back it goes. */
export default function Hours() {
  const { filters, change } = useFilters(['hours'])
  const asked = Number(filters.hours ?? 24)
  const span: Span = asked in SPANS ? (asked as Span) : 24
  const series = useQuery({
    queryKey: ['hours', span],
    queryFn: () => readHours(span),
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  })
  return (
    <section class="card" aria-labelledby="by-the-hour">
      <div class="page-head">
        <h2 id="by-the-hour">By the hour</h2>
        <fieldset class="spans" aria-label="How far back">
          {Object.entries(SPANS).map(([hours, name]) => (
            <button
              key={hours}
              type="button"
              class="button quiet"
              aria-pressed={Number(hours) === span}
              onClick={() => change('hours', hours === '24' ? '' : hours)}
            >
              {name}
            </button>
          ))}
        </fieldset>
        <CopyCurl request={{ method: 'GET', path: `/api/cloudinary/audit/series?hours=${span}` }} />
      </div>
      {series.isPending && <Loading what="the hours" />}
      {series.isError && <Failed error={series.error} retry={() => void series.refetch()} />}
      {series.data && <Plots hours={series.data.hours} />}
    </section>
  )
}

const shares = (delays: AuditHour['delay'][]): Row[] => [
  { name: 'half within', kind: 'accent', values: delays.map((delay) => delay?.p50_seconds ?? null) },
  { name: '95 % within', kind: 'wait', values: delays.map((delay) => delay?.p95_seconds ?? null) },
]

const seconds = (value: number): string => duration(Math.round(value * 1000))

function Plots({ hours }: { hours: AuditHour[] }) {
  const [first, last] = [hours[0], hours.at(-1)]
  if (!first || !last) return null
  const ends = { from: beginning(first), until: beginning(last) }
  const marks = hours.map(({ runs }) =>
    runs.failed > 0 ? 'bad' : runs.stopped > 0 ? 'wait' : runs.succeeded > 0 ? 'good' : null,
  )
  const numbers = (of: (hour: AuditHour) => number | null | undefined) =>
    hours.map((hour) => of(hour) ?? null)
  return (
    <>
      <div class="plots">
        <Plot
          title="Changes"
          shape="bars"
          told={count}
          rows={[
            { name: 'applied', kind: 'good', values: numbers(({ applied }) => applied) },
            { name: 'conflicts', kind: 'wait', values: numbers(({ conflicts }) => conflicts) },
            { name: 'failed', kind: 'bad', values: numbers(({ failed }) => failed) },
          ]}
          {...ends}
        />
        <Plot
          title="Runs"
          shape="bars"
          told={count}
          rows={[
            { name: 'succeeded', kind: 'good', values: numbers(({ runs }) => runs.succeeded + runs.running) },
            { name: 'stopped', kind: 'wait', values: numbers(({ runs }) => runs.stopped) },
            { name: 'failed', kind: 'bad', values: numbers(({ runs }) => runs.failed) },
          ]}
          {...ends}
        />
        <Plot
          title="From Cloudinary to here"
          shape="lines"
          told={seconds}
          rows={shares(hours.map(({ delay }) => delay))}
          marks={marks}
          {...ends}
        />
        <Plot
          title="From here to Cloudinary"
          shape="lines"
          told={seconds}
          rows={shares(hours.map(({ outbound_delay }) => outbound_delay))}
          marks={marks}
          {...ends}
        />
        <Plot
          title="Cloudinary's quota"
          shape="lines"
          told={count}
          rows={[{ name: 'calls left', kind: 'accent', values: numbers((hour) => hour.quota_remaining) }]}
          {...ends}
        />
      </div>
      <p class="fine">
        Delays are from a change on one side until the other has it. A tick is an hour with runs: green if all
        succeeded, red if one failed.
      </p>
      {hours.some(({ is_exact }) => !is_exact) && (
        <p class="fine">In some hours more happened than is counted.</p>
      )}
      <HoursTable hours={hours} />
    </>
  )
}
