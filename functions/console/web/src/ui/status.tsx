import type { SyncState } from '../api/types'

const WORDS: Record<SyncState, string> = { synced: 'In sync', pending: 'Pending', error: 'Error' }

/** Colour never says it alone. */
export function StateBadge({ state }: { state: SyncState }) {
  return <span class={`badge ${state}`}>{WORDS[state]}</span>
}

export function Badge({
  kind,
  children,
}: {
  kind: 'synced' | 'pending' | 'error' | 'quiet'
  children: string
}) {
  return <span class={`badge ${kind}`}>{children}</span>
}
