import { settings } from '../api/settings'

/** The ways in which people may sign in: Supabase Auth tells them to everybody. */
export interface Methods {
  email: boolean
  providers: string[]
}

/** Ways in that are no pages of somebody else's. */
const OWN = ['email', 'phone', 'anonymous_users']

const NAMES: Record<string, string> = {
  azure: 'Microsoft',
  github: 'GitHub',
  gitlab: 'GitLab',
  linkedin_oidc: 'LinkedIn',
  slack_oidc: 'Slack',
  workos: 'WorkOS',
}

export const providerName = (provider: string): string =>
  NAMES[provider] ?? provider.charAt(0).toUpperCase() + provider.slice(1)

export async function readMethods(): Promise<Methods> {
  const { supabase_url, publishable_key } = settings()
  const response = await fetch(`${supabase_url}/auth/v1/settings`, { headers: { apikey: publishable_key } })
  if (!response.ok) throw new Error(`Supabase Auth's settings could not be read (${response.status}).`)
  const { external }: { external: Record<string, unknown> } = await response.json()
  const providers = Object.keys(external).filter((name) => external[name] === true && !OWN.includes(name))
  return { email: external.email === true, providers: providers.sort() }
}
