/** The publishable values that the console's own function tells. */
export interface Settings {
  supabase_url: string
  publishable_key: string
  cloud_name: string
}

export async function readSettings(): Promise<Settings> {
  const response = await fetch('/console/config.json', { cache: 'no-store' })
  if (!response.ok) throw new Error(`The console's settings could not be read (${response.status}).`)
  return response.json()
}
