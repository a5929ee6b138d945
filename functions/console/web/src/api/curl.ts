/** A request as a person would repeat it. The token is a variable, so the text can be shared. */
export interface ShownRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Of this page's own origin, or a whole address. */
  path: string
  headers?: Record<string, string>
  body?: unknown
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

export function curl({ method, path, headers = {}, body }: ShownRequest): string {
  const parts = ['curl', '-H "Authorization: Bearer $TOKEN"']
  for (const [name, value] of Object.entries(headers)) parts.push('-H', quoted(`${name}: ${value}`))
  if (method !== 'GET') parts.push(`-X ${method}`)
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`)
  }
  parts.push(quoted(new URL(path, location.origin).href))
  return parts.join(' ')
}

/** A question's address with its query. Several values of one name are parted by commas. */
export function asked(path: string, query: object): ShownRequest {
  const values = Object.entries(query).map(([name, value]) => [name, String(value)])
  const text = new URLSearchParams(values).toString()
  return { method: 'GET', path: text ? `${path}?${text}` : path }
}
