import { role, userId } from './session'

const READER = 'Your role is reader: you may look, not change.'
const NOT_YOURS = 'Only its owner, editors and administrators may change this asset.'
const NOT_ADMIN = 'Only administrators may do that.'

/** Reasons why an action is not offered, or null. The service decides; this only saves a refused request. */
export const whyNoChange = (asset: { uploaded_by: string | null }): string | null => {
  if (role.value === 'reader') return READER
  if (role.value === 'user' && asset.uploaded_by !== userId.value) return NOT_YOURS
  return null
}

export const whyNoUpload = (): string | null => (role.value === 'reader' ? READER : null)

export const whyNotAdmin = (): string | null => (role.value === 'admin' ? null : NOT_ADMIN)

const NOT_YOUR_COLLECTION = 'Only its owner and administrators may change this collection.'

export const whyNoCollection = (): string | null => (role.value === 'reader' ? READER : null)

export const whyNoCollectionChange = ({ owner }: { owner: string }): string | null => {
  if (role.value === 'admin' || (role.value !== 'reader' && owner === userId.value)) return null
  return whyNoCollection() ?? NOT_YOUR_COLLECTION
}

/** The owner whose collections alone the person may change; null where it is all of them. */
export const changeableBy = (): string | null => (role.value === 'admin' ? null : userId.value)
