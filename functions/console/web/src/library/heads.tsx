import { Icon } from '../ui/icon'
import type { View } from './filters'

interface Head {
  name: string
  /** The class of the column. */
  column: string
  /** The value that the service sorts by, and the order of the first choice. */
  sort?: [by: string, first: 'asc' | 'desc']
}

const HEADS: Head[] = [
  { name: 'Name', column: 'name', sort: ['display_name', 'asc'] },
  { name: 'Folder', column: 'folder' },
  { name: 'Tags', column: 'tags' },
  { name: 'Size', column: 'size', sort: ['file_size', 'desc'] },
  { name: 'Changed', column: 'when', sort: ['updated_at', 'desc'] },
  { name: 'State', column: 'state' },
]

const WORDS: Record<string, string> = { asc: 'upwards', desc: 'downwards' }

/** The names of the list's columns. Those that the service sorts by are buttons; a second choice turns the order. */
export function Heads({ view }: { view: View }) {
  const { sort_by, sort_order = 'desc' } = view.filters
  return (
    <div class="heads">
      <span />
      {HEADS.map(({ name, column, sort }) => {
        if (!sort) {
          return (
            <span key={name} class={column}>
              {name}
            </span>
          )
        }
        const [by, first] = sort
        const isSorted = sort_by === by
        const other = sort_order === 'asc' ? 'desc' : 'asc'
        return (
          <button
            key={name}
            type="button"
            class={column}
            aria-label={isSorted ? `${name}, sorted ${WORDS[sort_order] ?? ''}` : name}
            title={`Sort by ${name.toLowerCase()}`}
            onClick={() => view.change({ sort_by: by, sort_order: isSorted ? other : first })}
          >
            {name}
            {isSorted && <Icon name={sort_order === 'asc' ? 'up' : 'down'} />}
          </button>
        )
      })}
    </div>
  )
}
