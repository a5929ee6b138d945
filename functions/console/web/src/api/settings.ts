/** The publishable values that the console's own function tells. */
export interface Settings {
  supabase_url: string
  publishable_key: string
  cloud_name: string
}

let known: Settings | undefined

/** The settings, which the page has read before it draws anything. */
export function settings(): Settings {
  if (!known) throw new Error('The settings have not been read.')
  return known
}

export async function readSettings(): Promise<void> {
  const response = await fetch('/console/config.json', { cache: 'no-store' })
  if (!response.ok) throw new Error(`The console's settings could not be read (${response.status}).`)
  known = await response.json()
}
