import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../ui/icon'
import { useTypedText } from '../ui/typed'
import type { FilterName, View } from './filters'

/** A filter's field. The other filter, if there is one, goes. */
export const useTyped = (view: View, name: FilterName, without?: FilterName) =>
  useTypedText(view.filters[name] ?? '', (text) =>
    view.change({ [name]: text, ...(without && { [without]: null }) }, true),
  )

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
