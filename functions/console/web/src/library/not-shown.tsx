import type { Asset } from '../api/types'
import { count, plural } from '../text'
import { Foreign } from '../ui/text'
import { nameOf } from './tile'

/** As many as are told by name. */
const FEW = 5

/** Names the chosen assets that a person does not see, before something is done to them. */
export function NotShown({ assets }: { assets: Asset[] }) {
  if (assets.length === 0) return null
  const more = assets.length - FEW
  return (
    <div class="not-shown" role="note">
      <p>{plural(assets.length, 'chosen asset is', 'chosen assets are')} not shown here:</p>
      <ul>
        {assets.slice(0, FEW).map((asset) => (
          <li key={asset.id}>
            <Foreign>{nameOf(asset)}</Foreign>
          </li>
        ))}
        {more > 0 && <li class="fine">and {count(more)} more</li>}
      </ul>
    </div>
  )
}
