import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { replayEvents, replaySince } from '../api/changes'
import { queries } from '../api/queries'
import { whyNotAdmin } from '../session/rights'
import { plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { FailedLine } from '../ui/states'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'

const PATH = '/api/cloudinary/events/replay'

const told = (notifications: number) =>
  `${plural(notifications, 'notification')} will be applied again, the oldest first.`

/** Milliseconds after which the verdicts are read anew. */
const LATER = [1_000, 4_000]

/** Carries out a replay, and says what it began. */
async function begin(replay: Promise<number>): Promise<void> {
  toast(told(await replay))
  for (const wait of LATER) {
    setTimeout(() => void queries.invalidateQueries({ queryKey: ['events'] }), wait)
  }
}

interface ReplayBarProps {
  chosen: string[]
  /** The asset that the list is about. */
  asset: string | null
  onDone: () => void
  /** Ways to choose. */
  children: ComponentChildren
}

/** Applying a notification twice is harmless, so nothing is asked. */
export function ReplayBar({ chosen, asset, onDone, children }: ReplayBarProps) {
  const isAsking = useSignal(false)
  const busy = useSignal(false)
  const failed = useSignal<unknown>(null)
  const replay = async () => {
    busy.value = true
    failed.value = null
    try {
      await begin(replayEvents(chosen))
      onDone()
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
    }
  }
  const reason =
    whyNotAdmin() ??
    (busy.value ? 'It is being asked for.' : chosen.length === 0 ? 'Choose events first.' : null)
  return (
    <section aria-label="Apply again">
      <p class="row">
        <Button kind="main" icon="sync" disabledReason={reason} onClick={() => void replay()}>
          {chosen.length > 0 ? `Apply ${plural(chosen.length, 'event')} again` : 'Apply again'}
        </Button>
        <Button disabledReason={whyNotAdmin()} onClick={() => (isAsking.value = true)}>
          Apply all since …
        </Button>
        {children}
        {chosen.length > 0 && (
          <CopyCurl request={{ method: 'POST', path: PATH, body: { ids: chosen.slice(0, 20) } }} />
        )}
      </p>
      <FailedLine error={failed.value} />
      {isAsking.value && <SinceDialog asset={asset} onClose={() => (isAsking.value = false)} />}
    </section>
  )
}

const HOUR = 3_600_000

/** A moment as the field shows it, in the person's own time. */
function local(moment: number): string {
  const zone = new Date(moment).getTimezoneOffset() * 60_000
  return new Date(moment - zone).toISOString().slice(0, 16)
}

function SinceDialog({ asset, onClose }: { asset: string | null; onClose: () => void }) {
  const since = useSignal(local(Date.now() - HOUR))
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const isMoment = !Number.isNaN(Date.parse(since.value))
  const moment = isMoment ? new Date(since.value).toISOString() : ''
  const replay = async (event: SubmitEvent) => {
    event.preventDefault()
    busy.value = true
    failed.value = null
    try {
      await begin(replaySince(moment, asset))
      onClose()
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog title="Apply notifications again" onClose={onClose}>
      <form onSubmit={replay}>
        <label>
          Received since
          <input
            type="datetime-local"
            required
            value={since.value}
            onInput={(event) => (since.value = event.currentTarget.value)}
          />
        </label>
        <p class="fine">
          {asset ? (
            <>
              Only those about the asset <Foreign>{asset}</Foreign>.
            </>
          ) : (
            'All assets.'
          )}{' '}
          What is known already stays as it is: newer news wins.
        </p>
        <FailedLine error={failed.value} />
        <p class="row end">
          <CopyCurl
            request={{
              method: 'POST',
              path: PATH,
              body: { since: moment, ...(asset && { asset_id: asset }) },
            }}
          />
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" class="button main" disabled={busy.value || !isMoment}>
            Apply them again
          </button>
        </p>
      </form>
    </Dialog>
  )
}
