import type { Asset } from '../api/types'
import { restore } from '../asset/delete'
import { nameOf } from '../library/tile'
import { Person } from '../session/person'
import { whyNoChange } from '../session/rights'
import { ago, bytes, moment } from '../text'
import { Button } from '../ui/button'
import { Icon } from '../ui/icon'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

export const keyOf = (asset: Asset): string => asset.cloudinary_asset_id ?? asset.id

export const whyNoRestore = (asset: Asset): string | null => {
  if (asset.is_restorable === false) return 'Cloudinary has no backup of it.'
  return asset.may_restore === false
    ? (whyNoChange(asset) ?? 'Only its owner, editors and administrators may restore it.')
    : null
}

interface GoneProps {
  asset: Asset
  isChosen: boolean
  onChoose: () => void
}

/** A deleted asset: when it went, by whom, and its way back. */
export function Gone({ asset, isChosen, onChoose }: GoneProps) {
  const name = nameOf(asset)
  const refused = whyNoRestore(asset)
  return (
    <li>
      <input
        type="checkbox"
        aria-label={`Choose ${name}`}
        checked={isChosen}
        disabled={refused !== null}
        onChange={onChoose}
      />
      <span class="kind">
        <Icon name={asset.resource_type} />
      </span>
      <span class="what">
        <a href={`/console?asset=${encodeURIComponent(keyOf(asset))}`}>
          <Foreign>{name}</Foreign>
        </a>
        <span class="fine">
          <Foreign>{asset.cloudinary_public_id}</Foreign> · {bytes(asset.file_size)}
        </span>
      </span>
      <span class="when fine">
        <time dateTime={asset.deleted_at} title={moment(asset.deleted_at)}>
          {ago(asset.deleted_at)}
        </time>{' '}
        {asset.deleted_by ? (
          <>
            by <Person id={asset.deleted_by} />
          </>
        ) : (
          'in Cloudinary'
        )}
      </span>
      <Prospect asset={asset} />
      <Button
        icon="restore"
        aria-label={`Restore ${name}`}
        disabledReason={refused}
        onClick={() => void restore([keyOf(asset)])}
      >
        Restore
      </Button>
    </li>
  )
}

/** The state of the delete, and what a restore can expect. */
function Prospect({ asset }: { asset: Asset }) {
  if (asset.is_restorable === false) return <Badge kind="error">No backup</Badge>
  if (asset.sync_status === 'error') return <Badge kind="error">Delete fails</Badge>
  if (asset.sync_status === 'pending') return <Badge kind="pending">Waits for Cloudinary</Badge>
  return asset.is_restorable ? <Badge kind="synced">Restorable</Badge> : <Badge kind="quiet">Deleted</Badge>
}
