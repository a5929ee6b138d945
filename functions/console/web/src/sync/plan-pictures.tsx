import type { Plan } from '../api/types'
import { plural } from '../text'
import { AssetLink } from '../ui/asset-link'
import { Foreign } from '../ui/text'
import { Thumbnail } from '../ui/thumbnail'

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

function Picture({ example }: { example: Example }) {
  const id = example.asset_id ?? example.row_id
  return (
    <li>
      <AssetLink id={id}>
        <Thumbnail id={id} kind={example.resource_type} />
        <span class="name">
          <Foreign>{example.public_id}</Foreign>
        </span>
      </AssetLink>
    </li>
  )
}
