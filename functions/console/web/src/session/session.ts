import { computed, signal } from '@preact/signals'
import { GoTrueClient, type Session } from '@supabase/auth-js'
import { queries } from '../api/queries'
import type { Settings } from '../api/settings'

type Role = 'admin' | 'editor' | 'reader' | 'user'

const ROLES: readonly string[] = ['admin', 'editor', 'reader']

let auth: GoTrueClient | undefined

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

export async function beginSession(settings: Settings): Promise<void> {
  auth = new GoTrueClient({
    url: `${settings.supabase_url}/auth/v1`,
    headers: { apikey: settings.publishable_key },
    storageKey: 'media-sync-console',
    detectSessionInUrl: false,
  })
  auth.onAuthStateChange((_, now) => {
    // Another user must not see what the first one has read.
    if (now?.user.id !== session.value?.user.id) queries.clear()
    session.value = now
  })
  const { data } = await auth.getSession()
  session.value = data.session
}

const client = (): GoTrueClient => {
  if (!auth) throw new Error('The session has not begun.')
  return auth
}

/** A token that is still good; an old one is renewed before. */
export async function accessToken(): Promise<string | null> {
  const { data } = await client().getSession()
  return data.session?.access_token ?? null
}

/** A new token, with the roles of now; null if the session has ended. */
export async function renewSession(): Promise<string | null> {
  const { data } = await client().refreshSession()
  return data.session?.access_token ?? null
}

/** Answers why it was refused, or null. */
export async function signIn(email: string, password: string): Promise<string | null> {
  const { error } = await client().signInWithPassword({ email, password })
  return error ? error.message : null
}

export async function signOut(): Promise<void> {
  await client().signOut({ scope: 'local' })
}
