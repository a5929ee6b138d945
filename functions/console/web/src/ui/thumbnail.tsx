import { useQuery } from '@tanstack/preact-query'
import { useState } from 'preact/hooks'
import { readAsset } from '../api/queries'
import type { AssetDetails, ResourceType } from '../api/types'
import { safeAddress } from '../text'
import { Icon } from './icon'

interface SmallPictureProps {
  address: string | null | undefined
  kind: ResourceType
  /** Told beside the drawing. */
  type?: string
}

/** A small picture, or a drawing of its kind where there is none or it does not load. */
export function SmallPicture({ address, kind, type }: SmallPictureProps) {
  const [isBroken, setBroken] = useState(false)
  const safe = safeAddress(address)
  if (safe && !isBroken) return <img src={safe} alt="" loading="lazy" onError={() => setBroken(true)} />
  return (
    <span class="no-picture">
      <Icon name={kind} />
      {type && <span>{type}</span>}
    </span>
  )
}

/** Thumbnails are of live assets. One whose delete is held has its original in Cloudinary still. */
function addressOf(details: AssetDetails | undefined) {
  const isPicture = details?.asset.resource_type === 'image'
  return details?.urls?.thumbnail ?? (isPicture ? details?.asset.secure_url : null)
}

/** The picture of an asset that is known by its id alone. Each costs a request. */
export function Thumbnail({ id, kind }: { id: string; kind: ResourceType }) {
  const asset = useQuery({ queryKey: ['media', 'asset', id], queryFn: () => readAsset(id), retry: false })
  return <SmallPicture address={addressOf(asset.data)} kind={kind} />
}
