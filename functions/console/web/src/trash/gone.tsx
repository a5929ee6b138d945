import type { Asset } from '../api/types'
import { restore } from '../asset/delete'
import { nameOf } from '../library/tile'
import { Person } from '../session/person'
import { whyNoChange } from '../session/rights'
import { ago, bytes, moment } from '../text'
import { AssetLink } from '../ui/asset-link'
import { Button } from '../ui/button'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'
import { SmallPicture } from '../ui/thumbnail'

export const keyOf = (asset: Asset): string => asset.cloudinary_asset_id ?? asset.id

/** True if an administrator has had everything about it forgotten but that it was there. */
const isErased = ({ id, cloudinary_public_id, cloudinary_version }: Asset): boolean =>
  cloudinary_version === null && cloudinary_public_id === `forgotten/${id}`

export const whyNoRestore = (asset: Asset): string | null => {
  if (isErased(asset)) return 'It was erased for good.'
  if (asset.is_restorable === false) return 'Cloudinary has no backup of it.'
  return asset.may_restore === false
    ? (whyNoChange(asset) ?? 'Only its owner, editors and administrators may restore it.')
    : null
}

/** Until Cloudinary has carried out the delete, it still delivers the original. */
const pictureOf = (asset: Asset): string | null =>
  asset.is_restorable && asset.resource_type === 'image' && asset.delivery_type === 'upload'
    ? asset.secure_url
    : null

interface GoneProps {
  asset: Asset
  isChosen: boolean
  onChoose: () => void
}

/** A deleted asset: when it went, by whom, and its way back. */
export function Gone({ asset, isChosen, onChoose }: GoneProps) {
  const name = isErased(asset) ? 'Erased asset' : nameOf(asset)
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
      <SmallPicture
        address={pictureOf(asset)}
        kind={asset.resource_type}
        type={asset.format ?? asset.resource_type}
      />
      <span class="what">
        <AssetLink id={keyOf(asset)}>
          <Foreign>{name}</Foreign>
        </AssetLink>
        {isErased(asset) ? (
          <span class="fine">Its name and values are forgotten.</span>
        ) : (
          <span class="fine">
            <Foreign>{asset.cloudinary_public_id}</Foreign> · {bytes(asset.file_size)}
          </span>
        )}
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
  if (isErased(asset)) return <Badge kind="quiet">Erased</Badge>
  if (asset.is_restorable === false) return <Badge kind="error">No backup</Badge>
  if (asset.sync_status === 'error') return <Badge kind="error">Delete fails</Badge>
  if (asset.sync_status === 'pending') return <Badge kind="pending">Waits for Cloudinary</Badge>
  return asset.is_restorable ? <Badge kind="synced">Restorable</Badge> : <Badge kind="quiet">Deleted</Badge>
}
