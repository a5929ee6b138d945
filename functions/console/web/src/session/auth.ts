import { GoTrueClient, type Session } from '@supabase/auth-js'
import type { Settings } from '../api/settings'

/** Opens Supabase Auth's client. `hear` is told the session now, and each time that it changes. */
export async function connect(
  { supabase_url, publishable_key }: Settings,
  storageKey: string,
  hear: (session: Session | null) => void,
): Promise<GoTrueClient> {
  const auth = new GoTrueClient({
    url: `${supabase_url}/auth/v1`,
    headers: { apikey: publishable_key },
    storageKey,
    // The page itself reads the one address to which people come back.
    detectSessionInUrl: false,
    flowType: 'pkce',
  })
  auth.onAuthStateChange((_, now) => hear(now))
  const { data } = await auth.getSession()
  hear(data.session)
  return auth
}
