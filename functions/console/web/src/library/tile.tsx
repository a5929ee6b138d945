import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Asset } from '../api/types'
import { ago, bytes, safeAddress, visible } from '../text'
import { Icon } from '../ui/icon'
import { StateBadge } from '../ui/status'
import { Foreign } from '../ui/text'
import { selection } from './selection'

export const nameOf = (asset: { display_name: string | null; cloudinary_public_id: string }): string =>
  asset.display_name || asset.cloudinary_public_id.split('/').pop() || asset.cloudinary_public_id

interface TileProps {
  asset: Asset
  at: number
  total: number
  isOpen: boolean
  /** True for the one that Tab reaches. */
  isActive: boolean
  /** Told true with Shift: then all since the latest choice. */
  onChoose: (isRange: boolean) => void
  onOpen: () => void
}

function stopLoading(image: HTMLImageElement | null): void {
  image?.removeAttribute('srcset')
  image?.removeAttribute('src')
}

/** A picture, or a drawing where there is none or it does not load. */
function Picture({ asset }: { asset: Asset }) {
  const [broken, setBroken] = useState<string | null>(null)
  const image = useRef<HTMLImageElement>(null)
  // Else each picture that was scrolled past is loaded before the next page of assets.
  useLayoutEffect(() => () => stopLoading(image.current), [])
  const address = safeAddress(asset.urls?.thumbnail)
  const sharp = safeAddress(asset.urls?.thumbnail_2x)
  if (!address || broken === address) {
    return (
      <span class="no-picture">
        <Icon name={asset.delivery_type === 'upload' ? asset.resource_type : 'lock'} />
        <span>{asset.format ?? asset.resource_type}</span>
      </span>
    )
  }
  return (
    <img
      ref={image}
      src={address}
      srcSet={sharp ? `${address} 1x, ${sharp} 2x` : undefined}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => setBroken(address)}
    />
  )
}

function Parts({ asset, isOpen, isActive, onChoose, onOpen }: TileProps) {
  const tabIndex = isActive ? 0 : -1
  const name = nameOf(asset)
  return (
    <>
      <input
        class="choose"
        type="checkbox"
        aria-label={`Choose ${name}`}
        tabIndex={tabIndex}
        checked={selection.value.has(asset.id)}
        // Else Shift selects the texts between.
        onMouseDown={(event) => event.shiftKey && event.preventDefault()}
        onClick={(event) => onChoose(event.shiftKey)}
      />
      <button
        type="button"
        class="open"
        tabIndex={tabIndex}
        aria-current={isOpen || undefined}
        onClick={onOpen}
      >
        <Picture asset={asset} />
        <span class="name" title={asset.cloudinary_public_id}>
          <Foreign>{name}</Foreign>
        </span>
      </button>
    </>
  )
}

export function Tile(props: TileProps) {
  const { asset, at, total } = props
  return (
    <div class="tile" role="listitem" aria-posinset={at + 1} aria-setsize={total} data-at={at}>
      <Parts {...props} />
      <span class="facts">
        {asset.sync_status !== 'synced' && <StateBadge state={asset.sync_status} />}
        <span>{asset.format ?? asset.resource_type}</span>
        <span>{bytes(asset.file_size)}</span>
      </span>
    </div>
  )
}

export function ListRow(props: TileProps) {
  const { asset, at, total } = props
  return (
    <div class="line" role="listitem" aria-posinset={at + 1} aria-setsize={total} data-at={at}>
      <Parts {...props} />
      <span class="folder">
        <Foreign>{asset.folder || '/'}</Foreign>
      </span>
      <span class="tags" title={asset.tags.map(visible).join(', ')}>
        {asset.tags.slice(0, 3).map((tag) => (
          <span class="tag" key={tag}>
            <Foreign>{tag}</Foreign>
          </span>
        ))}
        {asset.tags.length > 3 && <span class="fine">+{asset.tags.length - 3}</span>}
      </span>
      <span class="size">{bytes(asset.file_size)}</span>
      <span class="when">{ago(asset.updated_at)}</span>
      <StateBadge state={asset.sync_status} />
    </div>
  )
}
