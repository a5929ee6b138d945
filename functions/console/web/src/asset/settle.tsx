import { retryAsset } from '../api/changes'
import type { AssetDetails, FieldComparison } from '../api/types'
import { whyNotAdmin } from '../session/rights'
import { ActionButton } from './action-button'
import { carryOut } from './carry-out'
import { partBack } from './put-back'

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
  if (!RETRIED.includes(explanation.state)) return null
  const retry = async () => {
    await retryAsset(asset.cloudinary_public_id)
    return 'It is being tried again. If it fails once more, the reason is shown here.'
  }
  return (
    <ActionButton icon="sync" disabledReason={whyNotAdmin()} action={retry}>
      Try again
    </ActionButton>
  )
}

interface TakeTheirsProps {
  of: FieldComparison
  details: AssetDetails
  disabledReason: string | null
}

/** Gives up the change that waits of a field: afterwards both sides have Cloudinary's value. */
export function TakeTheirsButton({ of, details: { asset, etag }, disabledReason }: TakeTheirsProps) {
  const part = partBack(of.field, of.here, of.there, of.here)
  const take = async () => {
    await carryOut({ ...part, asset_id: asset.cloudinary_asset_id ?? '', if_match: etag })
    return "Cloudinary's value is taken here."
  }
  const why = part ? null : 'Cloudinary has no value that could be taken.'
  return (
    <ActionButton icon="restore" disabledReason={disabledReason ?? why} action={take}>
      Take Cloudinary's value
    </ActionButton>
  )
}
