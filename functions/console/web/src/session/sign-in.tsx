import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { isOffline } from '../api/problem'
import { tellTitle } from '../title'
import { signIn } from './session'

/** No form is sent: the page's policy forbids it, and the client asks Supabase Auth itself. */
export default function SignIn() {
  const refused = useSignal<string | null>(null)
  const busy = useSignal(false)
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    tellTitle('Sign in')
    first.current?.focus()
  }, [])
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    busy.value = true
    try {
      refused.value = await signIn(String(fields.get('email')), String(fields.get('password')))
    } catch (error) {
      refused.value = isOffline(error) ? 'The service cannot be reached.' : String(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="48" height="48" />
        <h1>media-sync</h1>
        <p class="fine">Sign in to look after the library.</p>
        <label>
          E-mail
          <input ref={first} name="email" type="email" autocomplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        {refused.value && (
          <p class="failed-line" role="alert">
            {refused.value}
          </p>
        )}
        <button type="submit" class="button main" disabled={busy.value}>
          {busy.value ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
