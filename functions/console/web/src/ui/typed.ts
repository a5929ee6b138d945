import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** Milliseconds after the last letter. */
const TYPED = 250

/** A field whose text counts once nobody types any more, or on Enter. */
export function useTypedText(kept: string, apply: (text: string) => void) {
  const timer = useRef<number>(0)
  // What is typed and not applied yet: no other change of the page may take it away.
  const typed = useSignal<string | null>(null)
  useEffect(() => () => clearTimeout(timer.current), [])
  const end = () => {
    apply(typed.peek() ?? '')
    typed.value = null
  }
  return {
    value: typed.value ?? kept,
    onInput: (event: Event) => {
      typed.value = (event.currentTarget as HTMLInputElement).value
      clearTimeout(timer.current)
      timer.current = window.setTimeout(end, TYPED)
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || typed.peek() === null) return
      clearTimeout(timer.current)
      end()
    },
  }
}
