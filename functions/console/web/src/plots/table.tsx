import type { AuditHour } from '../api/types'
import { count, duration } from '../text'
import { beginning } from './beginning'

const COLUMNS: [string, (hour: AuditHour) => string][] = [
  ['Applied', ({ applied }) => count(applied)],
  ['Conflicts', ({ conflicts }) => count(conflicts)],
  ['Failed', ({ failed }) => count(failed)],
  ['Runs', ({ runs }) => count(runs.succeeded + runs.running + runs.stopped + runs.failed)],
  ['Runs that failed or stopped', ({ runs }) => count(runs.stopped + runs.failed)],
  ['To here: half within', ({ delay }) => duration(milliseconds(delay?.p50_seconds))],
  ['To here: 95 % within', ({ delay }) => duration(milliseconds(delay?.p95_seconds))],
  ['To Cloudinary: half within', ({ outbound_delay: delay }) => duration(milliseconds(delay?.p50_seconds))],
  ['To Cloudinary: 95 % within', ({ outbound_delay: delay }) => duration(milliseconds(delay?.p95_seconds))],
  ['Calls left', ({ quota_remaining }) => (quota_remaining === null ? '–' : count(quota_remaining))],
  ['Last full run', ({ full_run_age_seconds }) => before(full_run_age_seconds)],
]

const milliseconds = (seconds: number | undefined) =>
  seconds === undefined ? null : Math.round(seconds * 1000)

const before = (seconds: number | null) => (seconds === null ? 'never' : `${duration(seconds * 1000)} before`)

/** The numbers of the drawings, for those who read rather than look. */
export function HoursTable({ hours }: { hours: AuditHour[] }) {
  return (
    <details>
      <summary>As a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by keys, too. */}
      <section class="wide" tabIndex={0} aria-label="Table of hours">
        <table>
          <thead>
            <tr>
              <th scope="col">Hour</th>
              {COLUMNS.map(([name]) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {hours.toReversed().map((hour) => (
              <tr key={hour.hour}>
                <th scope="row">{beginning(hour)}</th>
                {COLUMNS.map(([name, of]) => (
                  <td key={name}>{of(hour)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}
