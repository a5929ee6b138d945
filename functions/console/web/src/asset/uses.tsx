import type { AssetDetails } from '../api/types'
import { plural } from '../text'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'

/** Rows that show the asset, and collections that hold it, of those that the person may see. */
export function Uses({ details }: { details: AssetDetails }) {
  const { references, reference_count, collections } = details
  const more = reference_count - references.length
  return (
    <section class="uses" aria-label="Where it is used">
      <h3>Where it is used</h3>
      {references.length + collections.length === 0 && (
        <p class="fine">No use is recorded, and no collection that you may see holds it.</p>
      )}
      <ul>
        {references.map(({ table, row, kind }) => (
          <li key={`${table}/${row}/${kind}`}>
            <Foreign>{`${table} ${row}`}</Foreign>{' '}
            <span class="fine">
              as <Foreign>{kind}</Foreign>
            </span>
          </li>
        ))}
        {more > 0 && <li class="fine">and {plural(more, 'other use')}</li>}
        {collections.map(({ collection_id, name, is_public }) => (
          <li key={collection_id}>
            <a href={`/console/collections?collection=${collection_id}`}>
              <Foreign>{name}</Foreign>
            </a>{' '}
            <span class="fine">a collection</span> {is_public && <Badge kind="quiet">public</Badge>}
          </li>
        ))}
      </ul>
    </section>
  )
}
