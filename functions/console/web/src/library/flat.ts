import type { Asset } from '../api/types'

interface Page {
  items: Asset[]
}

/** The assets of all pages in one row. It is lengthened where it stands, for a copy takes longer with each page. */
export interface Flat {
  pages: readonly Page[]
  assets: Asset[]
  /** Where each asset stands. */
  places: Map<string, number>
}

export const NONE: Flat = { pages: [], assets: [], places: new Map() }

/** Adds the pages that have come since; begins anew where an earlier one has changed. */
export function flatten(before: Flat, pages: readonly Page[]): Flat {
  const isLonger = before !== NONE && before.pages.every((page, at) => page === pages[at])
  const { assets, places } = isLonger ? before : { assets: [], places: new Map<string, number>() }
  for (const { items } of pages.slice(isLonger ? before.pages.length : 0)) {
    for (const asset of items) add(assets, places, asset)
  }
  return { pages, assets, places }
}

/** Between two pages an asset may move in the order, and be told twice. */
function add(assets: Asset[], places: Map<string, number>, asset: Asset): void {
  const at = places.get(asset.id) ?? assets.length
  assets[at] = asset
  places.set(asset.id, at)
}
