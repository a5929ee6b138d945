import { fetchAsUser } from './client'
import type { ShownRequest } from './curl'
import { Problem } from './problem'
import { settings } from './settings'

export interface DataRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the Data API, with its query. */
  path: string
  body?: unknown
}

const address = (path: string) => `${settings().supabase_url}/rest/v1/${path}`

/** Asks Supabase's Data API in the name of the user. Changed rows are in the answer. */
export async function data<T>({ method, path, body }: DataRequest): Promise<T> {
  const headers = new Headers({ apikey: settings().publishable_key, Prefer: 'return=representation' })
  if (body !== undefined) headers.set('Content-Type', 'application/json')
  const request = new Request(address(path), {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  })
  const response = await fetchAsUser(request)
  if (!response.ok) throw await Problem.of(response)
  return response.json()
}

/** The same request for a person to repeat. The publishable key is no secret. */
export const shownData = ({ method, path, body }: DataRequest): ShownRequest => ({
  method,
  path: address(path),
  headers: { apikey: settings().publishable_key },
  ...(body !== undefined && { body }),
})
