import { api, body } from '../api/client'
import { Problem } from '../api/problem'
import type { Signed } from '../api/types'
import { bytes } from '../text'

/** Cloudinary takes larger files in parts only from 100 MB on; smaller parts lose less when a line breaks. */
const CHUNK = 20_000_000

export interface Transfer {
  file: File
  folder: string
  signal: AbortSignal
  onProgress: (sent: number) => void
}

/** Sends a file straight to Cloudinary, signed by the API. Answers the stored asset's id. */
export async function transfer({ file, folder, signal, onProgress }: Transfer): Promise<string | null> {
  const paramsToSign = { source: 'uw', ...(folder && { folder }) }
  const signed = await body(
    api.POST('/api/cloudinary/upload', { body: { paramsToSign, filename: file.name }, signal }),
  )
  if (!('signature' in signed)) throw new Error('The service signed nothing.')
  const most = signed.upload.max_bytes
  if (file.size > most)
    throw new Error(`The file is too large: ${bytes(most)} are the most. Make it smaller first.`)
  const id = crypto.randomUUID()
  let stored: Answer = {}
  for (let from = 0; from === 0 || from < file.size; from += CHUNK) {
    const part = file.slice(from, from + CHUNK)
    const range = `bytes ${from}-${from + part.size - 1}/${file.size}`
    const headers: Record<string, string> =
      file.size > CHUNK ? { 'X-Unique-Upload-Id': id, 'Content-Range': range } : {}
    stored = await send(signed, part, file.name, headers, signal, (sent) => onProgress(from + sent))
  }
  return stored.asset_id ?? null
}

interface Answer {
  asset_id?: string
  error?: { message?: string }
}

/** Every signed field goes along unchanged: Cloudinary refuses the signature otherwise. */
function form(signed: Signed, part: Blob, name: string): FormData {
  const form = new FormData()
  const { upload: _, cloud_name: __, ...fields } = signed
  for (const [field, value] of Object.entries(fields)) form.set(field, value)
  form.set('file', part, name)
  return form
}

function send(
  signed: Signed,
  part: Blob,
  name: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  onProgress: (sent: number) => void,
): Promise<Answer> {
  const { promise, resolve, reject } = withResolvers<Answer>()
  // `fetch` tells no progress of what it sends.
  const request = new XMLHttpRequest()
  request.open('POST', signed.upload.url)
  request.responseType = 'json'
  for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value)
  request.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, part.size))
  request.onload = () => {
    const answer: Answer = request.response ?? {}
    if (request.status < 300) resolve(answer)
    else reject(refusal(request.status, answer))
  }
  // As `fetch` tells it.
  request.onerror = () => reject(new TypeError('The connection to Cloudinary broke.'))
  request.onabort = () => reject(new DOMException('Stopped.', 'AbortError'))
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(form(signed, part, name))
  return promise
}

const refusal = (status: number, { error }: Answer): Problem =>
  new Problem(status, 'cloudinary', error?.message ?? `Cloudinary answered ${status}.`, null, null)

/** As `Promise.withResolvers`, which browsers have only since 2024. */
function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { promise, resolve, reject }
}
