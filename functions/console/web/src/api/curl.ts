/** A request as a person would repeat it. The token is a variable, so the text can be shared. */
export interface ShownRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: unknown
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

export function curl({ method, path, body }: ShownRequest): string {
  const parts = ['curl', '-H "Authorization: Bearer $TOKEN"']
  if (method !== 'GET') parts.push(`-X ${method}`)
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`)
  }
  parts.push(quoted(`${location.origin}${path}`))
  return parts.join(' ')
}
