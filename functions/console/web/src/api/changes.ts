import { api, body } from './client'
import { forgetMedia, queries, startRun } from './queries'
import type { Edit, Failure, Issue, QueueName, Replay } from './types'

/** The most assets that one request may name. */
const REQUEST = 200

/** The outcome of a change, asset by asset. */
export interface Outcome {
  done: { asset_id: string | null; public_id: string }[]
  failed: Failure[]
  /** What ended it in the middle: the assets that neither list names were not asked for. */
  brokenBy?: unknown
}

/** Cloudinary's ids of the assets that are done. */
export const doneOf = ({ done }: Outcome): string[] => done.flatMap(({ asset_id }) => asset_id ?? [])

const slices = <T>(all: T[], size = REQUEST) =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))

/** Requests follow one another: the service takes one large request of a user at a time. */
async function inSlices<T>(
  all: T[],
  change: (some: T[]) => Promise<{ assets: Outcome['done']; failed: Failure[] }>,
) {
  const outcome: Outcome = { done: [], failed: [] }
  try {
    for (const some of slices(all)) {
      const answer = await change(some)
      outcome.done.push(...answer.assets)
      outcome.failed.push(...answer.failed)
    }
  } catch (error) {
    // What is done can still be taken back.
    if (outcome.done.length + outcome.failed.length === 0) throw error
    outcome.brokenBy = error
  } finally {
    forgetMedia()
  }
  return outcome
}

const once = () => ({ header: { 'Idempotency-Key': crypto.randomUUID() } })

export const editAssets = (edits: Edit[]) =>
  inSlices(edits, (items) => body(api.PATCH('/api/cloudinary/media', { params: once(), body: { items } })))

export const deleteAssets = (ids: string[], force = false) =>
  inSlices(ids, (asset_ids) =>
    body(api.DELETE('/api/cloudinary/media', { params: once(), body: { asset_ids, force } })),
  )

export const restoreAssets = (ids: string[]) =>
  inSlices(ids, (asset_ids) =>
    body(api.POST('/api/cloudinary/media/restore', { params: once(), body: { asset_ids } })),
  )

const ofIssue = (issue: string) => ({ params: { path: { issue } } })

export async function markIssue(id: string, state: Issue['state']): Promise<void> {
  await body(api.PATCH('/api/cloudinary/issues/{issue}', { ...ofIssue(id), body: { state } }))
  await queries.invalidateQueries({ queryKey: ['issues'] })
}

/** A call takes some of the assets: it is repeated while it helps. */
export async function retryIssue(id: string, told: (retried: number) => void): Promise<number> {
  let retried = 0
  try {
    for (;;) {
      const answer = await body(api.POST('/api/cloudinary/issues/{issue}/retry', ofIssue(id)))
      retried += answer.retried
      told(retried)
      if (answer.remaining === 0 || answer.retried === 0) return retried
    }
  } finally {
    forgetMedia()
    void queries.invalidateQueries({ queryKey: ['issues'] })
  }
}

/** Has the wish that waits of an asset sent to Cloudinary again. Its name finds it, also while a new one waits. */
export async function retryAsset(public_id: string): Promise<void> {
  const answer = await startRun({ public_ids: [public_id] }).finally(forgetMedia)
  if (answer.errors[0]) throw new Error(answer.errors[0].message)
}

/** The most events that one request may name. */
const EVENTS = 20

/** Answers how many notifications will be applied again. */
async function replay(request: Replay): Promise<number> {
  const { notifications } = await body(api.POST('/api/cloudinary/events/replay', { body: request }))
  return notifications
}

export async function replayEvents(ids: string[]): Promise<number> {
  let all = 0
  for (const some of slices(ids, EVENTS)) all += await replay({ ids: some })
  return all
}

export const replaySince = (since: string, asset_id: string | null) =>
  replay({ since, ...(asset_id && { asset_id }) })

/** A call works for some seconds: it is repeated while it helps. Answers how many messages are in their queue again. */
export async function redrive(queue: QueueName, told: (sent: number) => void): Promise<number> {
  let sent = 0
  try {
    for (;;) {
      const answer = await body(api.POST('/api/cloudinary/events/redrive', { body: { queue } }))
      sent += answer.sent
      told(sent)
      if (answer.left === 0 || answer.sent === 0) return sent
    }
  } finally {
    void queries.invalidateQueries({ queryKey: ['given-up'] })
    void queries.invalidateQueries({ queryKey: ['events'] })
  }
}
