import type { AssetDetails, FieldComparison } from '../api/types'
import { ago, moment } from '../text'
import { Foreign } from '../ui/text'
import { differing } from './differing'
import { RetryButton, TakeTheirsButton } from './settle'

const NAMES: Record<FieldComparison['field'], string> = {
  cloudinary_public_id: 'Public id',
  folder: 'Folder',
  display_name: 'Display name',
  tags: 'Tags',
  context: 'Context',
  metadata: 'Metadata',
}

interface ComparisonProps {
  details: AssetDetails
  /** Why the person may not change the asset. */
  disabledReason: string | null
}

/** The values on both sides, field by field, with the moments that decide between them, and a way to make them equal. */
export function Comparison({ details, disabledReason }: ComparisonProps) {
  const { asset, comparison } = details
  return (
    <section class="comparison" aria-label="Here and in Cloudinary">
      <h3>Here ⇄ in Cloudinary</h3>
      {comparison ? (
        <Fields all={comparison} details={details} disabledReason={disabledReason} />
      ) : (
        <p class="fine">{whyNone(Boolean(asset.deleted_at))}</p>
      )}
    </section>
  )
}

const whyNone = (isDeleted: boolean) =>
  isDeleted
    ? 'Cloudinary does not have it any more, as far as it has told.'
    : 'Cloudinary has not told of it yet.'

function Fields({ all, ...rest }: ComparisonProps & { all: FieldComparison[] }) {
  const different = all.filter(isDifferent)
  const equal = all.filter((field) => !isDifferent(field))
  return (
    <>
      {different.map((field) => (
        <Difference key={field.field} of={field} {...rest} />
      ))}
      {equal.length > 0 && (
        <details>
          <summary>{different.length > 0 ? 'The other fields are equal' : 'Both sides are equal'}</summary>
          <ul class="fine">
            {equal.map((field) => (
              <li key={field.field}>
                {NAMES[field.field]}: <Moments of={field} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

export const isDifferent = (field: FieldComparison): boolean => 'here' in field

function Difference({ of, details, disabledReason }: ComparisonProps & { of: FieldComparison }) {
  return (
    <div class="difference">
      <h4>{NAMES[of.field]}</h4>
      <dl>
        {differing(of.here, of.there).map(({ key, here, there }) => (
          <div key={key}>
            {key && (
              <dt class="key">
                <Foreign>{key}</Foreign>
              </dt>
            )}
            <dt>Here</dt>
            <dd>
              <Foreign>{here}</Foreign>
            </dd>
            <dt>In Cloudinary</dt>
            <dd>
              <Foreign>{there}</Foreign>
            </dd>
          </div>
        ))}
      </dl>
      <p class="fine">
        <Moments of={of} />
      </p>
      <p class="row">
        <TakeTheirsButton of={of} details={details} disabledReason={disabledReason} />
        {of.decided_at && <RetryButton details={details} />}
      </p>
    </div>
  )
}

function Moments({ of: { told_at, changed_at, decided_at } }: { of: FieldComparison }) {
  const known: [string, string | null][] = [
    ['decided here', decided_at],
    ['changed there', changed_at],
    ['last told', told_at],
  ]
  const told = known.flatMap(([what, at]) => (at ? [{ what, at }] : []))
  if (told.length === 0) return <>nothing has told of it</>
  return (
    <>
      {told.map(({ what, at }, place) => (
        <span key={what}>
          {place > 0 && ' · '}
          {what}{' '}
          <time dateTime={at} title={moment(at)}>
            {ago(at)}
          </time>
        </span>
      ))}
    </>
  )
}
