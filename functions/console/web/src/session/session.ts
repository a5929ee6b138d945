import { computed, signal } from '@preact/signals'
import type { GoTrueClient, Provider, Session } from '@supabase/auth-js'
import { queries } from '../api/queries'
import { settings } from '../api/settings'

type Role = 'admin' | 'editor' | 'reader' | 'user'

const ROLES: readonly string[] = ['admin', 'editor', 'reader']

/** The name under which the browser keeps the session. */
const KEPT = 'media-sync-console'

/** Milliseconds that a token must be good for. Supabase's client renews it in its last 90 seconds. */
const FRESH = 120_000

let auth: Promise<GoTrueClient> | undefined

export const session = signal<Session | null>(null)

/** The role counts that the token carries: a grant comes with the next one. */
export const role = computed<Role>(() => {
  const granted: unknown = claims(session.value?.access_token)?.app_metadata?.role
  return typeof granted === 'string' && ROLES.includes(granted) ? (granted as Role) : 'user'
})

export const userId = computed(() => session.value?.user.id ?? null)

function claims(token: string | undefined): { app_metadata?: { role?: unknown } } | null {
  const payload = token?.split('.')[1]
  if (!payload) return null
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
    c.charCodeAt(0),
  )
  return JSON.parse(new TextDecoder().decode(bytes))
}

/** A good token of an earlier visit opens the page before Supabase's client has loaded. */
export async function beginSession(): Promise<void> {
  const text = localStorage.getItem(KEPT)
  if (text === null) return
  const kept = parseSession(text)
  if (isFresh(kept)) session.value = kept
  else await client()
}

function parseSession(text: string): Session | null {
  try {
    const kept: Session | null = JSON.parse(text)
    return kept?.user?.id && kept.access_token ? kept : null
  } catch {
    return null
  }
}

const isFresh = (kept: Session | null): boolean => (kept?.expires_at ?? 0) * 1000 - Date.now() > FRESH

function hear(now: Session | null): void {
  // Another user must not see what the first one has read.
  if (now?.user.id !== session.value?.user.id) queries.clear()
  session.value = now
}

/** Supabase's client, which renews the session from then on. A failed load is tried again by the next caller. */
export function client(): Promise<GoTrueClient> {
  auth ??= import('./auth')
    .then(({ connect }) => connect(settings(), KEPT, hear))
    .catch((error: unknown) => {
      auth = undefined
      throw error
    })
  return auth
}

/** A token that is still good; an old one is renewed before. */
export async function accessToken(): Promise<string | null> {
  if (!session.value || isFresh(session.value)) return session.value?.access_token ?? null
  const { data } = await (await client()).getSession()
  return data.session?.access_token ?? null
}

/** A new token, with the roles of now; null if the session has ended. */
export async function renewSession(): Promise<string | null> {
  const { data } = await (await client()).refreshSession()
  return data.session?.access_token ?? null
}

/** What people are told where Auth's own words are a program's. */
const OLD_CODE = 'The code is wrong or too old: ask for another.'
const OTHER_BROWSER = 'Open the link in the browser in which you asked for it, within five minutes.'
const REFUSALS: Record<string, string> = {
  invalid_credentials: 'The e-mail address or the password is wrong.',
  otp_expired: OLD_CODE,
  bad_code_verifier: OTHER_BROWSER,
  flow_state_not_found: OTHER_BROWSER,
  flow_state_expired: OTHER_BROWSER,
  pkce_code_verifier_not_found: OTHER_BROWSER,
  over_email_send_rate_limit: 'Too many codes were mailed: try again in an hour.',
  signup_disabled: 'There is no account for you here: ask an administrator to invite you.',
}

const told = (error: { code?: string; message: string } | null): string | null =>
  error && (REFUSALS[error.code ?? ''] ?? error.message)

/** Answers why it was refused, or null. So do the others. */
export async function signIn(email: string, password: string): Promise<string | null> {
  const { error } = await (await client()).signInWithPassword({ email, password })
  return told(error)
}

/** The page to which others send people back; Auth has to know it. */
const CALLBACK = '/console/callback'
const callback = () => location.origin + CALLBACK

/** Mails a code and a link. Nobody hears whether an address has an account. */
export async function mailCode(email: string): Promise<string | null> {
  const options = { shouldCreateUser: false, emailRedirectTo: callback() }
  const { error } = await (await client()).signInWithOtp({ email, options })
  return error?.code === 'otp_disabled' ? null : told(error)
}

export async function signInWithCode(email: string, token: string): Promise<string | null> {
  const { error } = await (await client()).verifyOtp({ email, token, type: 'email' })
  return told(error)
}

/** The page on which somebody was who left for another's sign-in. */
const LEFT = 'media-sync-console-left'

/** Leaves for the provider's page. */
export async function leaveFor(provider: string): Promise<string | null> {
  sessionStorage.setItem(LEFT, location.pathname + location.search)
  const options = { redirectTo: callback() }
  const { error } = await (await client()).signInWithOAuth({ provider: provider as Provider, options })
  return told(error)
}

/** Why the sign-in on another's page came to nothing. */
export const refusedElsewhere = signal<string | null>(null)

/** Signs somebody in who comes back with a code, and goes on where they were. */
export async function comeBack(): Promise<boolean> {
  if (location.pathname !== CALLBACK) return false
  const query = new URLSearchParams(location.search)
  history.replaceState(null, '', sessionStorage.getItem(LEFT) ?? '/console')
  sessionStorage.removeItem(LEFT)
  const code = query.get('code')
  if (code) {
    const { error } = await (await client()).exchangeCodeForSession(code)
    refusedElsewhere.value = told(error)
  } else {
    refusedElsewhere.value = REFUSALS[query.get('error_code') ?? ''] ?? query.get('error_description')
  }
  return true
}

export async function signOut(): Promise<void> {
  await (await client()).signOut({ scope: 'local' })
}
