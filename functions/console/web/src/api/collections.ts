import { type DataRequest, data } from './data'
import { queries } from './queries'

export interface Collection {
  id: string
  name: string
  description: string | null
  is_public: boolean
  owner: string
  updated_at: string
}

/** The columns that people write. */
export type CollectionDraft = Pick<Collection, 'name' | 'description' | 'is_public'>

/** A place of a collection with its asset. */
export interface Item {
  asset_id: string
  cloudinary_asset_id: string | null
  cloudinary_public_id: string
  display_name: string | null
  resource_type: 'image' | 'video' | 'raw'
  folder: string
}

/** The outcome of a change, asset by asset. */
interface Outcome {
  done: { asset_id: string }[]
  failed: { asset_id: string; error: string }[]
}

/** The most assets that one call takes. */
const CALL = 1000

export const COLLECTIONS_PAGE = 100
export const ITEMS_PAGE = 24

const COLUMNS = 'id,name,description,is_public,owner,updated_at'
const ITEM = 'asset_id,cloudinary_asset_id,cloudinary_public_id,display_name,resource_type,folder'

const page = (size: number, from: number) => `limit=${size}&offset=${from}`

/** `*` stands for any letters. */
export const collectionsRequest = (
  search: string,
  from: number,
  owner: string | null = null,
): DataRequest => ({
  method: 'GET',
  path: `media_collections?select=${COLUMNS}&order=name,id&${page(COLLECTIONS_PAGE, from)}${
    search && `&name=ilike.${encodeURIComponent(`*${search}*`)}`
  }${owner ? `&owner=eq.${owner}` : ''}`,
})

export const collectionRequest = (id: string): DataRequest => ({
  method: 'GET',
  path: `media_collections?select=${COLUMNS}&id=eq.${encodeURIComponent(id)}`,
})

const itemsRequest = (id: string, from: number): DataRequest => ({
  method: 'GET',
  path: `media_collection_assets?select=${ITEM}&collection_id=eq.${encodeURIComponent(id)}&order=position,added_at,asset_id&${page(ITEMS_PAGE, from)}`,
})

export const makeRequest = (draft: CollectionDraft): DataRequest => ({
  method: 'POST',
  path: 'media_collections',
  body: draft,
})

export const changeRequest = (id: string, draft: CollectionDraft): DataRequest => ({
  method: 'PATCH',
  path: `media_collections?id=eq.${id}`,
  body: draft,
})

export const dropRequest = (id: string): DataRequest => ({
  method: 'DELETE',
  path: `media_collections?id=eq.${id}`,
})

const call = (name: string, body: object): DataRequest => ({ method: 'POST', path: `rpc/${name}`, body })

export const addRequest = (id: string, assets: string[], place?: number): DataRequest =>
  call('media_collection_add', {
    p_collection: id,
    p_assets: assets,
    ...(place !== undefined && { p_position: place }),
  })

export const readCollections = (search: string, from: number, owner: string | null) =>
  data<Collection[]>(collectionsRequest(search, from, owner))

export const readItems = (id: string, from: number) => data<Item[]>(itemsRequest(id, from))

/** Row level security answers no row for a collection that is not there, or not the user's to see or change. */
function only<T>([row]: T[]): T {
  if (row === undefined) throw new Error('There is no such collection, or it is not yours.')
  return row
}

export const readCollection = async (id: string) => only(await data<Collection[]>(collectionRequest(id)))

/** A change of one collection shows everywhere it is named. */
async function change<T>(request: DataRequest): Promise<T> {
  try {
    return await data<T>(request)
  } finally {
    void queries.invalidateQueries({ queryKey: ['collections'] })
    // An open asset tells its collections the next time that it is looked at.
    void queries.invalidateQueries({ queryKey: ['media', 'asset'], refetchType: 'none' })
  }
}

export const makeCollection = async (draft: CollectionDraft) =>
  only(await change<Collection[]>(makeRequest(draft)))

export const changeCollection = async (id: string, draft: CollectionDraft) =>
  only(await change<Collection[]>(changeRequest(id, draft)))

export const dropCollection = async (id: string) => only(await change<Collection[]>(dropRequest(id)))

export async function addToCollection(id: string, assets: string[], place?: number): Promise<Outcome> {
  const whole: Outcome = { done: [], failed: [] }
  for (let from = 0; from < assets.length; from += CALL) {
    const at = place === undefined ? undefined : place + from
    const { done, failed } = await change<Outcome>(addRequest(id, assets.slice(from, from + CALL), at))
    whole.done.push(...done)
    whole.failed.push(...failed)
  }
  return whole
}

/** Throws the reason for an asset that was left as it is. */
async function changeItem(name: string, id: string, asset: string, more: object = {}): Promise<void> {
  const { failed } = await change<Outcome>(call(name, { p_collection: id, p_assets: [asset], ...more }))
  if (failed[0]) throw new Error(failed[0].error)
}

/** Places count from 1. */
export const moveItem = (id: string, asset: string, place: number) =>
  changeItem('media_collection_reorder', id, asset, { p_position: place })

export const removeItem = (id: string, asset: string) => changeItem('media_collection_remove', id, asset)
