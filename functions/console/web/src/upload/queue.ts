import { computed, signal } from '@preact/signals'
import { mayPass } from '../api/problem'
import { forgetMedia } from '../api/queries'

/** Milliseconds after which the list is read anew: the asset is in it once Cloudinary's notification has arrived. */
const ARRIVALS = [500, 2_000, 5_000, 10_000]

/** Uploads under way at once. */
const AT_ONCE = 3

export interface Upload {
  id: number
  file: File
  folder: string
  state: 'waiting' | 'sending' | 'stored' | 'failed' | 'stopped'
  sent: number
  error: string | null
  /** False where the same file would fail again. */
  mayRetry: boolean
  /** Cloudinary's id of the stored asset. */
  asset: string | null
  stop: AbortController
}

/** They outlive the page that began them. */
export const uploads = signal<Upload[]>([])

export const isUploading = computed(() =>
  uploads.value.some(({ state }) => state === 'waiting' || state === 'sending'),
)

let next = 1

export function enqueue(files: Iterable<File>, folder: string): void {
  const added = [...files].map(
    (file): Upload => ({
      id: next++,
      file,
      folder,
      state: 'waiting',
      sent: 0,
      error: null,
      mayRetry: true,
      asset: null,
      stop: new AbortController(),
    }),
  )
  uploads.value = [...uploads.value, ...added]
  pump()
}

export function retry(id: number): void {
  update(id, { state: 'waiting', sent: 0, error: null, stop: new AbortController() })
  pump()
}

export function stop(id: number): void {
  const upload = uploads.value.find((upload) => upload.id === id)
  upload?.stop.abort()
  if (upload?.state === 'waiting') update(id, { state: 'stopped' })
}

export function clearFinished(): void {
  uploads.value = uploads.value.filter(({ state }) => state === 'waiting' || state === 'sending')
}

function update(id: number, changed: Partial<Upload>): void {
  uploads.value = uploads.value.map((upload) => (upload.id === id ? { ...upload, ...changed } : upload))
}

function pump(): void {
  const running = uploads.value.filter(({ state }) => state === 'sending').length
  const waiting = uploads.value.filter(({ state }) => state === 'waiting')
  for (const upload of waiting.slice(0, AT_ONCE - running)) void carry(upload)
}

async function carry({ id, file, folder, stop }: Upload): Promise<void> {
  update(id, { state: 'sending' })
  try {
    const { transfer } = await import('./transfer')
    const asset = await transfer({
      file,
      folder,
      signal: stop.signal,
      onProgress: (sent) => update(id, { sent }),
    })
    update(id, { state: 'stored', sent: file.size, asset })
    for (const wait of ARRIVALS) setTimeout(forgetMedia, wait)
  } catch (error) {
    const isStopped = error instanceof DOMException && error.name === 'AbortError'
    update(id, {
      state: isStopped ? 'stopped' : 'failed',
      error: isStopped || !(error instanceof Error) ? null : error.message,
      mayRetry: isStopped || mayPass(error),
    })
  } finally {
    pump()
  }
}

// A bulk upload that is left in its middle would be lost without a word.
addEventListener('beforeunload', (event) => {
  if (isUploading.value) event.preventDefault()
})
