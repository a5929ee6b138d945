import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../ui/icon'
import type { FilterName, View } from './filters'

/** Milliseconds after the last letter. */
const TYPED = 250

/** Changes a filter once nobody types any more. The other one, if there is one, goes. */
export function useLater(view: View, name: FilterName, without?: FilterName) {
  const timer = useRef<number>(0)
  useEffect(() => () => clearTimeout(timer.current), [])
  return (value: string) => {
    clearTimeout(timer.current)
    timer.current = window.setTimeout(
      () => view.change({ [name]: value, ...(without && { [without]: null }) }, true),
      TYPED,
    )
  }
}

export function SearchField({ view, hint }: { view: View; hint: string }) {
  const field = useRef<HTMLInputElement>(null)
  const later = useLater(view, 'search')
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
        value={view.filters.search ?? ''}
        onInput={(event) => later(event.currentTarget.value)}
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
