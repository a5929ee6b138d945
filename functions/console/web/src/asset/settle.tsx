import { useSignal } from '@preact/signals'
import { retryAsset } from '../api/changes'
import type { AssetDetails, FieldComparison } from '../api/types'
import { whyNotAdmin } from '../session/rights'
import { Button } from '../ui/button'
import { carryOut, tellOutcome } from './carry-out'
import { partTo } from './edit-to'

/** States in which something waits that Cloudinary can be asked for again. */
const RETRIED: AssetDetails['explanation']['state'][] = [
  'waiting_for_retry',
  'waiting_for_quota',
  'failing',
  'refused',
  'restore_refused',
]

/** Sends again what waits of the asset, or failed; nothing where it needs no help. */
export function RetryButton({ details: { asset, explanation } }: { details: AssetDetails }) {
  const busy = useSignal(false)
  if (!RETRIED.includes(explanation.state)) return null
  const retry = async () => {
    busy.value = true
    await tellOutcome(async () => {
      await retryAsset(asset.cloudinary_public_id)
      return 'It is being tried again. If it fails once more, the reason is shown here.'
    })
    busy.value = false
  }
  return (
    <Button
      icon="sync"
      title="Sends the change to Cloudinary once more."
      disabledReason={whyNotAdmin() ?? (busy.value ? 'It is being tried again.' : null)}
      onClick={() => void retry()}
    >
      Try again
    </Button>
  )
}

interface TakeTheirsProps {
  of: FieldComparison
  details: AssetDetails
  disabledReason: string | null
}

/** Gives up the change that waits of a field: afterwards both sides have Cloudinary's value. */
export function TakeTheirsButton({ of, details: { asset, etag }, disabledReason }: TakeTheirsProps) {
  const busy = useSignal(false)
  const part = partTo(of.field, of.here, of.there)
  const take = async () => {
    busy.value = true
    await tellOutcome(async () => {
      await carryOut({ ...part, asset_id: asset.cloudinary_asset_id ?? '', if_match: etag })
      return "Cloudinary's value is taken here."
    })
    busy.value = false
  }
  const why = part
    ? busy.value
      ? 'It is being taken.'
      : null
    : 'Cloudinary has no value that could be taken.'
  return (
    <Button
      icon="restore"
      title="Drops the value here, and keeps the one in Cloudinary."
      disabledReason={disabledReason ?? why}
      onClick={() => void take()}
    >
      Take Cloudinary's value
    </Button>
  )
}
