import type { Asset } from '../api/types'

const PICTURE = 'c_fill,f_auto,g_auto,h_300,q_auto,w_300'
/** Without `f_auto`, which would deliver the film. */
const POSTER = 'c_fill,g_auto,h_300,q_auto,w_300'

/** The address of a small picture; nothing for files without one, and for guarded ones. */
export function thumbnail(asset: Asset): string | null {
  const { resource_type, delivery_type, access_mode, secure_url } = asset
  if (!secure_url || delivery_type !== 'upload' || access_mode === 'authenticated') return null
  if (resource_type === 'raw' || asset.mime_type?.startsWith('audio/')) return null
  const [before, ...rest] = secure_url.split(`/${resource_type}/upload/`)
  const name = rest.join(`/${resource_type}/upload/`)
  if (!name) return null
  if (resource_type === 'image') return `${before}/image/upload/${PICTURE}/${name}`
  return `${before}/video/upload/${POSTER}/${name.replace(/\.[^./]*$/, '')}.jpg`
}
