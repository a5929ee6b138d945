import { useQuery } from '@tanstack/preact-query'
import { useState } from 'preact/hooks'
import { readAsset } from '../api/queries'
import type { AssetDetails, Plan } from '../api/types'
import { plural, safeAddress } from '../text'
import { Icon } from '../ui/icon'
import { Foreign } from '../ui/text'

/** Each picture costs a request. */
const SHOWN = 12

type Example = NonNullable<Plan['examples']>[number]

/** Some of the assets that would go. */
export function PlanPictures({ plan }: { plan: Plan }) {
  const shown = plan.examples?.slice(0, SHOWN) ?? []
  const more = plan.deletes - shown.length
  return (
    <>
      <ul class="plan-pictures" aria-label="Assets that would go">
        {shown.map((example) => (
          <Picture key={example.row_id} example={example} />
        ))}
      </ul>
      {more > 0 && shown.length > 0 && <p class="fine">And {plural(more, 'other')}.</p>}
    </>
  )
}

/** Thumbnails are of live assets. One whose delete is held has its original in Cloudinary still. */
function addressOf(details: AssetDetails | undefined) {
  const isPicture = details?.asset.resource_type === 'image'
  return details?.urls?.thumbnail ?? (isPicture ? details?.asset.secure_url : null)
}

function Picture({ example }: { example: Example }) {
  const id = example.asset_id ?? example.row_id
  const [isBroken, setBroken] = useState(false)
  const asset = useQuery({ queryKey: ['media', 'asset', id], queryFn: () => readAsset(id), retry: false })
  const address = safeAddress(addressOf(asset.data))
  return (
    <li>
      <a href={`/console?asset=${encodeURIComponent(id)}`}>
        {address && !isBroken ? (
          <img src={address} alt="" loading="lazy" onError={() => setBroken(true)} />
        ) : (
          <span class="no-picture">
            <Icon name={example.resource_type} />
          </span>
        )}
        <span class="name">
          <Foreign>{example.public_id}</Foreign>
        </span>
      </a>
    </li>
  )
}
