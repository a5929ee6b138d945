import type { AssetDetails } from '../api/types'
import { Person } from '../session/person'
import { role } from '../session/session'
import { ago, duration, moment, words } from '../text'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

interface Point {
  key: string
  at: string
  what: string
  source: string
  actor: string | null
  isFailed: boolean
  details: unknown
  message: string | null
}

/** Entries of the audit trail and notifications, by their moments. */
function points({ audit, notifications }: AssetDetails): Point[] {
  const trail = (audit ?? []).map((entry) => ({
    key: `trail-${entry.id}`,
    at: entry.occurred_at,
    what: words(entry.operation),
    source: entry.source,
    actor: entry.actor,
    isFailed: entry.status === 'failed',
    details: entry.details,
    message: entry.error_message,
  }))
  const told = notifications.map((notification, at) => ({
    key: `notification-${notification.received_at}-${at}`,
    at: notification.received_at,
    what: `notification ${words(notification.notification_type ?? 'without a type')}`,
    source: `Cloudinary, ${notification.verdict}`,
    actor: null,
    isFailed: notification.verdict === 'parked',
    details: null,
    message: notification.reason ?? null,
  }))
  return [...trail, ...told].sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
}

export function Timeline({ details }: { details: AssetDetails }) {
  const all = points(details)
  return (
    <section class="timeline" aria-label="Timeline">
      <h3>Timeline</h3>
      {role.value === 'admin' && details.asset.cloudinary_asset_id && (
        <p class="fine">
          <a href={`/console/events?asset_id=${details.asset.cloudinary_asset_id}`}>Its events</a>, which can
          be applied again.
        </p>
      )}
      {details.audit === null && (
        <p class="fine">The trail is shown to the asset's owner and administrators.</p>
      )}
      {details.audit !== null && all.length === 0 && <p class="fine">Nothing has been recorded.</p>}
      <ol>
        {all.map((point, at) => {
          const before = all[at + 1]
          return (
            <li key={point.key} class={point.isFailed ? 'failed' : ''}>
              <p>
                <strong>
                  <Foreign>{point.what}</Foreign>
                </strong>
                {point.isFailed && <Badge kind="error">failed</Badge>}
              </p>
              <p class="fine">
                <time dateTime={point.at} title={moment(point.at)}>
                  {ago(point.at)}
                </time>
                {' · '}
                {point.source}
                {point.actor && (
                  <>
                    {', by '}
                    <Person id={point.actor} />
                  </>
                )}
                {before && ` · ${duration(Date.parse(point.at) - Date.parse(before.at))} after the one below`}
              </p>
              {point.message && (
                <p class="fine">
                  <Foreign>{point.message}</Foreign>
                </p>
              )}
              <Particulars of={point.details} />
            </li>
          )
        })}
      </ol>
    </section>
  )
}

/** Facts that differ by operation, as they were recorded. */
export function Particulars({ of }: { of: unknown }) {
  const isEmpty = of === null || typeof of !== 'object' || Object.keys(of).length === 0
  if (isEmpty) return null
  return (
    <details>
      <summary>Particulars</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long line is scrolled by keys, too. */}
      <pre tabIndex={0}>
        <Foreign>{JSON.stringify(of, null, 2)}</Foreign>
      </pre>
    </details>
  )
}
