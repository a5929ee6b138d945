import { userId } from '../session/session'
import { Button } from '../ui/button'
import { Icon } from '../ui/icon'
import { ActiveFilters } from './active-filters'
import type { FilterName, View } from './filters'
import { SearchField, useTyped } from './search-field'
import { wantFirst } from './to-first'

export function Toolbar({ view, hasMenus }: { view: View; hasMenus: boolean }) {
  return (
    <div class="toolbar">
      <SearchField view={view} hint="Search names, tags and texts" onEnter={wantFirst} />
      <div class="filters">
        <Button
          icon="filter"
          aria-expanded={hasMenus}
          onClick={() => view.change({ menus: hasMenus ? 'hide' : 'show' })}
        >
          Filters
        </Button>
        <Choice view={view} name="resource_type" label="Type" choices={TYPES} />
        <Choice view={view} name="sync_status" label="State" choices={STATES} />
        <Word view={view} name="folder" label="Folder" hint="Exactly this folder" without="below" />
        <Word view={view} name="tags" label="Tags" hint="All of them, parted by commas" />
        <Sort view={view} />
        <label class="check">
          <input
            type="checkbox"
            checked={Boolean(view.filters.uploaded_by)}
            onChange={(event) =>
              view.change({ uploaded_by: event.currentTarget.checked ? userId.value : null })
            }
          />
          Mine
        </label>
        <fieldset class="layouts" aria-label="Layout">
          {(['grid', 'list'] as const).map((layout) => (
            <button
              key={layout}
              type="button"
              class="button quiet"
              aria-pressed={view.layout === layout}
              aria-label={layout === 'grid' ? 'Grid' : 'List'}
              onClick={() => view.change({ view: layout === 'list' ? 'list' : null }, true)}
            >
              <Icon name={layout === 'grid' ? 'grid' : 'rows'} />
            </button>
          ))}
        </fieldset>
      </div>
      <ActiveFilters view={view} />
    </div>
  )
}

export const TYPES = { image: 'Images', video: 'Videos', raw: 'Raw files' }
const STATES = { synced: 'In sync', pending: 'Pending', error: 'Error' }

function Choice(props: { view: View; name: FilterName; label: string; choices: Record<string, string> }) {
  const { view, name, label, choices } = props
  const value = view.filters[name] ?? ''
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <select value={value} onChange={(event) => view.change({ [name]: event.currentTarget.value })}>
        <option value="">{label}: all</option>
        {value && !(value in choices) && <option value={value}>{value}</option>}
        {Object.entries(choices).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

interface WordProps {
  view: View
  name: FilterName
  label: string
  hint: string
  /** A filter that this one replaces. */
  without?: FilterName
}

function Word({ view, name, label, hint, without }: WordProps) {
  const typed = useTyped(view, name, without)
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <input type="text" dir="auto" placeholder={label} title={hint} {...typed} />
    </label>
  )
}

const SORTS: Record<string, string> = {
  'created_at desc': 'Newest first',
  'created_at asc': 'Oldest first',
  'updated_at desc': 'Last changed',
  'updated_at asc': 'Longest unchanged',
  'file_size desc': 'Largest first',
  'file_size asc': 'Smallest first',
  'public_id asc': 'By public id',
  'display_name asc': 'By name',
  'display_name desc': 'By name, from the end',
}

function Sort({ view }: { view: View }) {
  const { sort_by = 'created_at', sort_order = 'desc' } = view.filters
  return (
    <label class="filter order">
      <span class="unseen">Order</span>
      <select
        value={`${sort_by} ${sort_order}`}
        onChange={(event) => {
          const [by = null, order = null] = event.currentTarget.value.split(' ')
          view.change({ sort_by: by, sort_order: order })
        }}
      >
        {Object.entries(SORTS).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}
