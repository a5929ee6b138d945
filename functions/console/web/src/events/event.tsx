import type { Event } from '../api/types'
import { ago, bytes, count, duration, moment, plural, visible, words } from '../text'
import { AssetLink } from '../ui/asset-link'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

const KINDS = { applied: 'synced', superseded: 'quiet', parked: 'error' } as const

/** Told beside each verdict that is not clear by itself. */
const ADVICE: Partial<Record<Event['verdict'], string>> = {
  superseded: 'Newer news of the asset was known already.',
  parked: 'Nobody could read it, so nothing was changed.',
}

export const whyNoReplay = ({ bytes }: Event): string | null =>
  bytes === 0 ? 'Its text has been forgotten, so it cannot be applied again.' : null

interface EventLineProps {
  event: Event
  isChosen: boolean
  onChoose: () => void
}

/** A notification: what it is about, its verdict and the reason for it. */
export function EventLine({ event, isChosen, onChoose }: EventLineProps) {
  const { id, received_at, notification_type, verdict, reason, replays, asset_ids } = event
  const kind = words(notification_type ?? 'without a type')
  const refused = whyNoReplay(event)
  return (
    <li>
      <input
        type="checkbox"
        aria-label={`Choose ${kind} of ${moment(received_at)}`}
        checked={isChosen}
        disabled={refused !== null}
        title={refused ?? undefined}
        onChange={onChoose}
      />
      <div>
        <p class="row">
          <strong>
            <Foreign>{kind}</Foreign>
          </strong>
          <Badge kind={KINDS[verdict]}>{verdict}</Badge>
          {replays > 0 && <span class="fine">came again {plural(replays, 'time')}</span>}
        </p>
        <p class="fine">
          <time dateTime={received_at} title={moment(received_at)}>
            {ago(received_at)}
          </time>
          <Delays event={event} />
          {event.bytes > 0 && ` · ${bytes(event.bytes)}`}
        </p>
        {(reason || ADVICE[verdict]) && (
          <p class={verdict === 'parked' ? 'failed-line' : 'fine'}>
            {ADVICE[verdict]} <Foreign>{reason}</Foreign>
          </p>
        )}
        {refused && <p class="fine">{refused}</p>}
        <Assets ids={asset_ids} />
        <details>
          <summary>Its id</summary>
          <code>{id}</code>
        </details>
      </div>
    </li>
  )
}

/** The way of the news: from Cloudinary to here, and from here into the database. */
function Delays({ event: { triggered_at, received_at, processed_at, replays } }: { event: Event }) {
  const between = (from: string, to: string) => duration(Math.max(0, Date.parse(to) - Date.parse(from)))
  return (
    <>
      {triggered_at && ` · ${between(triggered_at, received_at)} on its way`}
      {replays === 0
        ? ` · judged after ${between(received_at, processed_at)}`
        : ` · last judged ${ago(processed_at)}`}
    </>
  )
}

/** The list tells ten at most. */
const TOLD = 10

function Assets({ ids }: { ids: string[] }) {
  if (ids.length === 0) return <p class="fine">It names no asset.</p>
  return (
    <p class="fine assets">
      {ids.map((id) => (
        <AssetLink key={id} id={id} title={visible(id)}>
          asset <Foreign>{id.slice(0, 8)}</Foreign>
        </AssetLink>
      ))}
      {ids.length === TOLD && <span>the first {count(TOLD)}</span>}
    </p>
  )
}
