import type { Drift } from '../api/types'
import { count, plural, words } from '../text'
import { AssetLink } from '../ui/asset-link'
import { Foreign } from '../ui/text'

/** The differences that a dry run found: first the verdict, then numbers and examples. */
export function DriftReport({ drift }: { drift: Drift }) {
  const { missing_here, missing_there, different, would_stop } = drift
  const unequal = missing_here.count + missing_there.count + different.count
  return (
    <div class="drift">
      <p>
        <strong>
          {unequal === 0
            ? 'Both sides are equal.'
            : `${plural(unequal, 'asset is', 'assets are')} not equal.`}
        </strong>{' '}
        {plural(drift.equal, 'asset is', 'assets are')} equal.
      </p>
      {unequal > 0 && <p class="fine">A change that still waits for Cloudinary counts as not equal.</p>}
      {would_stop && (
        <p class="failed-line">
          A run would stop: <Foreign>{words(would_stop)}</Foreign>.
        </p>
      )}
      <Part title="Missing here" part={missing_here} />
      <Part title="Missing in Cloudinary" part={missing_there} />
      <Part title="Different" part={different} />
    </div>
  )
}

interface Examples {
  count: number
  examples: { asset_id: string; public_id: string; fields?: string[]; newer?: string }[]
  more: boolean
}

function Part({ title, part }: { title: string; part: Examples }) {
  if (part.count === 0) return null
  return (
    <details>
      <summary>
        {title}: {count(part.count)}
      </summary>
      <ul>
        {part.examples.map(({ asset_id, public_id, fields, newer }) => (
          <li key={asset_id}>
            <AssetLink id={asset_id}>
              <Foreign>{public_id}</Foreign>
            </AssetLink>
            {fields && (
              <span class="fine">
                {' '}
                {fields.join(', ')}; newer: {newer}
              </span>
            )}
          </li>
        ))}
      </ul>
      {part.more && <p class="fine">These are the first ones.</p>}
    </details>
  )
}
