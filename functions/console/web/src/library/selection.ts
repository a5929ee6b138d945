import { computed, signal } from '@preact/signals'
import type { Asset } from '../api/types'

/** The chosen assets, by their rows' ids. */
export const selection = signal<ReadonlyMap<string, Asset>>(new Map())

export const chosen = computed(() => [...selection.value.values()])

export function choose(assets: Asset[]): void {
  selection.value = new Map([...selection.value, ...assets.map((asset) => [asset.id, asset] as const)])
}

function keep(isKept: (asset: Asset) => boolean): void {
  selection.value = new Map([...selection.value].filter(([, asset]) => isKept(asset)))
}

export function letGo(assets: Asset[]): void {
  const ids = new Set(assets.map(({ id }) => id))
  keep(({ id }) => !ids.has(id))
}

/** Lets go of assets that an answer of the service names. */
export function letGoOf(cloudinaryIds: string[]): void {
  keep(({ cloudinary_asset_id }) => !cloudinary_asset_id || !cloudinaryIds.includes(cloudinary_asset_id))
}

/** Where a range begins: the row's id of the one that was chosen, or let go of, the last time. */
let latest: string | null = null

/** Chooses an asset of the list, or lets it go; with `isRange` all from the latest one to it become as it does. */
export function toggle(assets: Asset[], at: number, isRange: boolean): void {
  const asset = assets[at]
  if (!asset) return
  const from = isRange ? assets.findIndex(({ id }) => id === latest) : -1
  const range = from < 0 ? [asset] : assets.slice(Math.min(from, at), Math.max(from, at) + 1)
  if (selection.value.has(asset.id)) letGo(range)
  else choose(range)
  latest = asset.id
}

export function clearSelection(): void {
  selection.value = new Map()
  latest = null
}
