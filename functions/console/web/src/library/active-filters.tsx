import { userId } from '../session/session'
import { bytes } from '../text'
import { Button } from '../ui/button'
import { copy } from '../ui/copy'
import { Icon } from '../ui/icon'
import { Foreign } from '../ui/text'
import type { FilterName, View } from './filters'

const SHOWN: Partial<Record<FilterName, string>> = {
  search: 'Text',
  resource_type: 'Type',
  format: 'Format',
  sync_status: 'State',
  error_code: 'Cause',
  folder: 'Folder',
  below: 'In and below',
  tags: 'Tags',
  uploaded_by: 'Owner',
  date_from: 'From',
  date_to: 'Until',
  min_size: 'At least',
  max_size: 'At most',
}

/** A filter's value for a person. */
function told(name: FilterName, value: string | undefined): string | undefined {
  if (name === 'uploaded_by' && value === userId.value) return 'me'
  const isSize = name === 'min_size' || name === 'max_size'
  return isSize && Number.isFinite(Number(value)) ? bytes(Number(value)) : value
}

/** What narrows the list, and a way out of each. */
export function ActiveFilters({ view }: { view: View }) {
  const active = (Object.keys(SHOWN) as FilterName[]).filter((name) => view.filters[name])
  if (active.length === 0) return null
  return (
    <ul class="chips" aria-label="Active filters">
      {active.map((name) => (
        <li key={name}>
          <button type="button" class="chip" onClick={() => view.change({ [name]: null })}>
            {SHOWN[name]}: <Foreign>{told(name, view.filters[name])}</Foreign>
            <Icon name="close" />
            <span class="unseen">, remove</span>
          </button>
        </li>
      ))}
      <li>
        <Button
          kind="quiet"
          onClick={() => view.change(Object.fromEntries(active.map((name) => [name, null])))}
        >
          Clear all
        </Button>
        <Button kind="quiet" icon="link" onClick={() => void copy(location.href, 'Link')}>
          Copy link
        </Button>
      </li>
    </ul>
  )
}
