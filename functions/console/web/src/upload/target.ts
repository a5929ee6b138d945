import { useQuery } from '@tanstack/preact-query'
import { readUploadRules } from '../api/queries'
import { role } from '../session/session'

/** Rules seldom change, and the service refuses what they forbid. */
const FRESH = 300_000

export interface Target {
  /** The folder that files go into; empty for the root, or the one that the service chooses. */
  folder: string
  /** True where the rules allow none in the folder that one stands in. */
  isElsewhere: boolean
}

/** The folder below which the person's files have to lie; empty for anywhere. */
export function useOwnFolder(): string {
  const { data } = useQuery({
    queryKey: ['upload-rules'],
    queryFn: readUploadRules,
    staleTime: FRESH,
    enabled: role.value !== 'reader',
  })
  return data?.limits.public_id_prefix?.replace(/\/$/, '') ?? ''
}

/** The folder for uploads of somebody who stands in this one: their own where the rules forbid it. */
export function useTarget(standing: string): Target {
  const own = useOwnFolder()
  const folder = standing === '/' ? '' : standing
  const isAllowed = `${folder}/`.startsWith(own && `${own}/`)
  return isAllowed ? { folder, isElsewhere: false } : { folder: own, isElsewhere: folder !== '' }
}
