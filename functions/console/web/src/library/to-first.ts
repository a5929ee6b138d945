import { signal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'

/** True from Enter in the search field until the first result is there. */
const isWanted = signal(false)

export function wantFirst(wanted: boolean): void {
  isWanted.value = wanted
}

/** Goes to the first of the results, once they are those of what was typed. */
export function useFirst(results: RefObject<HTMLElement>, isCurrent: boolean): void {
  const wanted = isWanted.value
  useEffect(() => {
    const first = results.current?.querySelector<HTMLElement>('.open')
    if (!wanted || !isCurrent || !first) return
    isWanted.value = false
    first.focus()
  })
}
