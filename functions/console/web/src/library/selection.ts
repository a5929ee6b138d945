import { computed, signal } from '@preact/signals'
import type { Asset } from '../api/types'

/** The chosen assets, by their rows' ids. */
export const selection = signal<ReadonlyMap<string, Asset>>(new Map())

export const chosen = computed(() => [...selection.value.values()])

export function toggle(asset: Asset): void {
  const next = new Map(selection.value)
  if (!next.delete(asset.id)) next.set(asset.id, asset)
  selection.value = next
}

export function choose(assets: Asset[]): void {
  selection.value = new Map([...selection.value, ...assets.map((asset) => [asset.id, asset] as const)])
}

export function clearSelection(): void {
  selection.value = new Map()
}
