import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

/** The one of the two dialogs of the keyboard that is open. */
export const shownHelp = signal<'commands' | 'keys' | null>(null)

/** Ctrl+K opens the commands everywhere, `?` the map of keys unless somebody is typing. */
export function useHelpKeys(): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isTyping = (event.target as HTMLElement).closest('input, textarea, select, dialog')
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) shownHelp.value = 'commands'
      else if (event.key === '?' && !isTyping) shownHelp.value = 'keys'
      else return
      event.preventDefault()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}
