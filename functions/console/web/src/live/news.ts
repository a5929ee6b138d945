import type { InfiniteData } from '@tanstack/preact-query'
import { queries, type readPage } from '../api/queries'
import type { Asset } from '../api/types'
import { noteNews } from './state'

type Pages = InfiniteData<Awaited<ReturnType<typeof readPage>>>

const LISTS = { queryKey: ['media', 'list'] }

const isListed = (id: string) =>
  queries
    .getQueriesData<Pages>({ ...LISTS, type: 'active' })
    .some(([, list]) => list?.pages.some(({ items }) => items.some((item) => item.id === id)))

/** The record where the list shows it: nothing moves. Addresses of pictures are not told, and stay. */
function showInPlace(record: Asset): void {
  queries.setQueriesData<Pages>(LISTS, (list) => {
    if (!list) return list
    // The other pages stay the same objects: nothing is compared or drawn for them.
    const pages = list.pages.map((page) => {
      const at = page.items.findIndex(({ id }) => id === record.id)
      const item = page.items[at]
      return item ? { ...page, items: page.items.with(at, { ...item, ...record }) } : page
    })
    return { ...list, pages }
  })
}

function partOf(payload: unknown, name: string): Asset | null {
  const part = (payload as Record<string, unknown> | null)?.[name]
  return part && typeof part === 'object' && 'id' in part ? (part as Asset) : null
}

/** Takes in a message: a changed asset changes where it stands, and what would move the others is noted. */
export function hearAsset(event: string, payload: unknown): void {
  const record = partOf(payload, 'record')
  const gone = partOf(payload, 'old_record')
  if (event === 'REFRESH') noteNews(null)
  if (event === 'UPDATE' && record && isListed(record.id)) showInPlace(record)
  if (event === 'INSERT' && record && !isListed(record.id)) noteNews(record.id)
  if (event === 'DELETE' && gone && isListed(gone.id)) noteNews(gone.id)
  lookAgain()
}

/** Milliseconds in which many messages are one reason to look. */
const SOON = 300

let timer = 0

/** Reads anew what is small: the open asset, the trash, the numbers, the issues. */
function lookAgain(): void {
  clearTimeout(timer)
  timer = window.setTimeout(() => {
    for (const queryKey of [['media', 'asset'], ['media', 'trash'], ['sync'], ['issues']]) {
      void queries.invalidateQueries({ queryKey })
    }
  }, SOON)
}
