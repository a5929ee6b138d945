import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../ui/icon'
import type { FilterName, View } from './filters'

/** Milliseconds after the last letter. */
const TYPED = 250

/** A filter's field, whose text counts once nobody types any more. The other filter, if there is one, goes. */
export function useTyped(view: View, name: FilterName, without?: FilterName) {
  const timer = useRef<number>(0)
  // What is typed and not in the address yet: no other change of the page may take it away.
  const typed = useSignal<string | null>(null)
  useEffect(() => () => clearTimeout(timer.current), [])
  const apply = () => {
    view.change({ [name]: typed.peek(), ...(without && { [without]: null }) }, true)
    typed.value = null
  }
  return {
    value: typed.value ?? view.filters[name] ?? '',
    onInput: (event: Event) => {
      typed.value = (event.currentTarget as HTMLInputElement).value
      clearTimeout(timer.current)
      timer.current = window.setTimeout(apply, TYPED)
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || typed.peek() === null) return
      clearTimeout(timer.current)
      apply()
    },
  }
}

interface SearchFieldProps {
  view: View
  hint: string
  /** Told true on Enter, and false once somebody types on. */
  onEnter?: (isDone: boolean) => void
}

export function SearchField({ view, hint, onEnter }: SearchFieldProps) {
  const field = useRef<HTMLInputElement>(null)
  const { value, onInput, onKeyDown } = useTyped(view, 'search')
  useSlash(field)
  return (
    <label class="search">
      <Icon name="search" />
      <span class="unseen">{hint}</span>
      <input
        ref={field}
        type="search"
        placeholder={hint}
        maxLength={200}
        value={value}
        onInput={(event) => {
          onEnter?.(false)
          onInput(event)
        }}
        onKeyDown={(event) => {
          onKeyDown(event)
          if (event.key === 'Enter') onEnter?.(true)
        }}
      />
      <span class="key" aria-hidden="true">
        /
      </span>
    </label>
  )
}

/** `/` goes to the search field, unless somebody is typing. */
function useSlash(search: { current: HTMLInputElement | null }) {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isTyping = (event.target as HTMLElement).closest('input, textarea, select, dialog')
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping) return
      event.preventDefault()
      search.current?.focus()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [search])
}
