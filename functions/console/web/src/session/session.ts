import { computed, signal } from '@preact/signals'
import type { GoTrueClient, Session } from '@supabase/auth-js'
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
const REFUSALS: Record<string, string> = {
  invalid_credentials: 'The e-mail address or the password is wrong.',
}

/** Answers why it was refused, or null. */
export async function signIn(email: string, password: string): Promise<string | null> {
  const { error } = await (await client()).signInWithPassword({ email, password })
  return error ? (REFUSALS[error.code ?? ''] ?? error.message) : null
}

export async function signOut(): Promise<void> {
  await (await client()).signOut({ scope: 'local' })
}
