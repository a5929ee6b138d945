import { userId } from './session'

/** A person by the start of the user's id; the whole id shows as one points at it. */
export function Person({ id }: { id: string }) {
  return <span title={id}>{id === userId.value ? 'you' : `user ${id.slice(0, 8)}`}</span>
}
