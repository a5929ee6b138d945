import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { tellTitle } from '../title'
import { AuthForm } from './auth-form'
import { type Methods, providerName, readMethods } from './methods'
import { leaveFor, mailCode, refusedElsewhere, signIn, signInWithCode } from './session'

/** What a person has: a password, nothing yet, or a mail with a code. */
type Step = 'password' | 'mail' | 'code'

/** Sign-in in the ways that the project's Auth offers. */
export default function SignIn() {
  const methods = useSignal<Methods>({ email: true, providers: [] })
  const step = useSignal<Step>('password')
  const email = useSignal('')
  useEffect(() => {
    tellTitle('Sign in')
    readMethods().then(
      (found) => {
        methods.value = found
      },
      // Whoever tries to sign in hears what is wrong.
      () => undefined,
    )
  }, [])
  const turnTo = (next: Step, words: string) => (
    <button
      type="button"
      class="button quiet"
      onClick={() => {
        step.value = next
      }}
    >
      {words}
    </button>
  )
  const address = (
    <label>
      E-mail
      <input
        name="email"
        type="email"
        autocomplete="username"
        required
        value={email}
        onInput={({ currentTarget }) => {
          email.value = currentTarget.value
        }}
      />
    </label>
  )
  const sendCode = async () => {
    const refused = await mailCode(email.value)
    if (refused === null) step.value = 'code'
    return refused
  }
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="48" height="48" />
        <h1>media-sync</h1>
        <p class="fine">
          {step.value === 'code'
            ? `If ${email.value} has an account, a code and a link are on their way there.`
            : 'Sign in to look after the library.'}
        </p>
        {refusedElsewhere.value && (
          <p class="failed-line" role="alert">
            {refusedElsewhere.value}
          </p>
        )}
        {methods.value.email && step.value === 'password' && (
          <AuthForm
            key="password"
            verb="Sign in"
            doing="Signing in …"
            act={(fields) => signIn(email.value, String(fields.get('password')))}
          >
            {address}
            <label>
              Password
              <input name="password" type="password" autocomplete="current-password" required />
            </label>
          </AuthForm>
        )}
        {step.value === 'mail' && (
          <AuthForm key="mail" verb="Mail me a code" doing="Sending …" act={sendCode}>
            {address}
          </AuthForm>
        )}
        {step.value === 'code' && (
          <AuthForm
            key="code"
            verb="Sign in"
            doing="Signing in …"
            act={(fields) => signInWithCode(email.value, String(fields.get('code')).trim())}
          >
            <label>
              Code
              <input name="code" inputmode="numeric" autocomplete="one-time-code" required />
            </label>
          </AuthForm>
        )}
        {methods.value.email && (
          <div class="sign-in-ways">
            {step.value === 'password' && turnTo('mail', 'Sign in with a mailed code')}
            {step.value === 'code' && turnTo('mail', 'Send another code')}
            {step.value !== 'password' && turnTo('password', 'Sign in with a password')}
          </div>
        )}
        {step.value === 'password' &&
          methods.value.providers.map((provider) => (
            <AuthForm
              key={provider}
              verb={`Continue with ${providerName(provider)}`}
              doing="Leaving …"
              act={() => leaveFor(provider)}
            />
          ))}
      </div>
    </main>
  )
}
