import { Foreign } from '../ui/text'
import { useAddress } from './people'
import { userId } from './session'

/** A person by address where that may be told, else by the start of the user's id. The id shows as one points at it. A sentence may begin with it. */
export function Person({ id, isFirst = false }: { id: string; isFirst?: boolean }) {
  const address = useAddress(id)
  const told = id === userId.value ? (isFirst ? 'You' : 'you') : (address ?? `user ${id.slice(0, 8)}`)
  return (
    <span title={id}>
      <Foreign>{told}</Foreign>
    </span>
  )
}
