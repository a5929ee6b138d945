import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { isOffline } from '../api/problem'
import { refusedElsewhere } from './session'

/** Answers why it was refused, or null. */
type Act = (fields: FormData) => Promise<string | null>

interface Props {
  act: Act
  verb: string
  doing: string
  /** The form's fields. */
  children?: ComponentChildren
}

/** No form is sent: the page's policy forbids it, and the client asks Supabase Auth itself. */
export function AuthForm({ act, verb, doing, children }: Props) {
  const refused = useSignal<string | null>(null)
  const busy = useSignal(false)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    form.current?.querySelector('input')?.focus()
  }, [])
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    busy.value = true
    // It was about the attempt before.
    refusedElsewhere.value = null
    try {
      refused.value = await act(fields)
    } catch (error) {
      refused.value = isOffline(error) ? 'The service cannot be reached.' : String(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <form ref={form} onSubmit={submit}>
      {children}
      {refused.value && (
        <p class="failed-line" role="alert">
          {refused.value}
        </p>
      )}
      <button type="submit" class="button main" disabled={busy.value}>
        {busy.value ? doing : verb}
      </button>
    </form>
  )
}
