import createClient from 'openapi-fetch'
import { accessToken, renewSession } from '../session/session'
import { Problem } from './problem'
import type { paths } from './schema'

/** The token goes into a header and never into an address. A refused one is renewed once. */
export async function fetchAsUser(request: Request): Promise<Response> {
  const attempt = (token: string | null) => {
    const copy = request.clone()
    if (token) copy.headers.set('Authorization', `Bearer ${token}`)
    return fetch(copy)
  }
  const response = await attempt(await accessToken())
  if (response.status !== 401) return response
  const renewed = await renewSession()
  return renewed ? attempt(renewed) : response
}

export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: fetchAsUser,
  querySerializer: { array: { style: 'form', explode: false } },
})

api.use({
  async onResponse({ response }) {
    if (!response.ok) throw await Problem.of(response)
    return undefined
  },
})

/** The body of an answer that is no error: those were thrown before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer
  if (data === undefined) throw new Error('The service answered without a body.')
  return data
}
