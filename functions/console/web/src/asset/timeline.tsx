import type { ComponentChildren } from 'preact'
import type { AssetDetails, AssetEntry, Edit } from '../api/types'
import { role } from '../session/session'
import { ago, duration, moment } from '../text'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'
import { ActionButton } from './action-button'
import { carryOut } from './carry-out'
import { putBack } from './put-back'
import { reported, Sentence } from './sentence'

interface Point {
  key: string
  at: string
  what: ComponentChildren
  /** Beside the moment. */
  where: string
  isFailed: boolean
  details: unknown
  message: string | null
  /** An edit that takes it back. */
  back: Edit | null
}

const SOURCES: Record<AssetEntry['source'], string> = {
  webhook: 'by a notification',
  reconcile: 'by a run',
  outbound: 'after a change here',
  api: 'in the API or the console',
  database: 'in the database',
}

const VERDICTS: Record<AssetDetails['notifications'][number]['verdict'], string> = {
  applied: 'taken over',
  superseded: 'known already',
  parked: 'not understood',
}

/** Entries of the audit trail and notifications, by their moments. */
function points({ asset, audit, notifications }: AssetDetails): Point[] {
  const trail = (audit ?? []).map((entry) => ({
    key: `trail-${entry.id}`,
    at: entry.occurred_at,
    what: <Sentence of={entry} />,
    where: SOURCES[entry.source],
    isFailed: entry.status === 'failed',
    details: entry.details,
    message: entry.error_message,
    back: putBack(asset, entry),
  }))
  const told = notifications.map((notification, at) => ({
    key: `notification-${notification.received_at}-${at}`,
    at: notification.received_at,
    what: <Foreign>{reported(notification.notification_type)}</Foreign>,
    where: VERDICTS[notification.verdict],
    isFailed: notification.verdict === 'parked',
    details: null,
    message: notification.reason ?? null,
    back: null,
  }))
  return [...trail, ...told].sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
}

interface TimelineProps {
  details: AssetDetails
  /** Why the person may not change the asset. */
  disabledReason: string | null
}

export function Timeline({ details, disabledReason }: TimelineProps) {
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
                <span>{point.what}</span>
                {point.isFailed && <Badge kind="error">failed</Badge>}
              </p>
              <p class="fine">
                <time dateTime={point.at} title={moment(point.at)}>
                  {ago(point.at)}
                </time>
                {` · ${point.where}`}
                {before && ` · ${duration(Date.parse(point.at) - Date.parse(before.at))} after the one below`}
              </p>
              {point.message && (
                <p class="fine">
                  <Foreign>{point.message}</Foreign>
                </p>
              )}
              {point.back && (
                <BackButton
                  edit={{ ...point.back, if_match: details.etag }}
                  disabledReason={disabledReason}
                />
              )}
              <Particulars of={point.details} />
            </li>
          )
        })}
      </ol>
    </section>
  )
}

function BackButton({ edit, disabledReason }: { edit: Edit; disabledReason: string | null }) {
  const back = async () => {
    await carryOut(edit)
    return 'The earlier value is back.'
  }
  return (
    <ActionButton kind="quiet" icon="restore" disabledReason={disabledReason} action={back}>
      Put the earlier value back
    </ActionButton>
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
