import { useLocation } from 'preact-iso'
import { useTypedText } from './typed'

/** Filters that the address keeps, and a way to change one. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const { path, query, route } = useLocation()
  const kept = names.flatMap((name) => (query[name] ? [[name, query[name]] as const] : []))
  const filters = Object.fromEntries(kept) as Partial<Record<Name, string>>
  const change = (name: string, value: string, replace = false) => {
    const now = new URLSearchParams(location.search)
    const next = new URLSearchParams([...now].filter(([kept]) => (names as readonly string[]).includes(kept)))
    if (value) next.set(name, value)
    else next.delete(name)
    const text = next.toString()
    route(text ? `${path}?${text}` : path, replace)
  }
  return { filters, change }
}

interface FieldProps {
  name: string
  label: string
  value: string | undefined
  /** Typing replaces the address, so that Back does not undo letter by letter. */
  onChange: (name: string, value: string, replace?: boolean) => void
}

export function Choice({ name, label, choices, value = '', onChange }: FieldProps & { choices: string[] }) {
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <select value={value} onChange={(event) => onChange(name, event.currentTarget.value)}>
        <option value="">{label}: all</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  )
}

export function Word({ name, label, value = '', onChange }: FieldProps) {
  const typed = useTypedText(value, (text) => onChange(name, text.trim(), true))
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <input type="text" dir="auto" placeholder={label} {...typed} />
    </label>
  )
}

/** A day, whose first or last moment counts in UTC. */
export function Day({ name, label, value = '', onChange }: FieldProps) {
  return (
    <label class="day">
      <span>{label}</span>
      <input type="date" value={value} onChange={(event) => onChange(name, event.currentTarget.value)} />
    </label>
  )
}
