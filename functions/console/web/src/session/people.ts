import { useQuery } from '@tanstack/preact-query'
import { data } from '../api/data'
import { role, userId } from './session'

/** The Data API tells a hundred people at once. */
const AT_ONCE = 100

/** The e-mail address of a user, or null. Administrators alone are told those of others. */
export function useAddress(id: string): string | null {
  const address = useQuery({
    queryKey: ['person', id],
    queryFn: () => askTogether(id),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    enabled: role.value === 'admin' && id !== userId.value,
  })
  return address.data ?? null
}

type Answer = Promise<Map<string, string>>

let waiting: { ids: string[]; answer: Answer } | undefined

/** All who are on a page are asked for in one request. */
async function askTogether(id: string): Promise<string | null> {
  if (!waiting || waiting.ids.length === AT_ONCE) waiting = begin()
  waiting.ids.push(id)
  return (await waiting.answer).get(id) ?? null
}

function begin(): NonNullable<typeof waiting> {
  const ids: string[] = []
  const answer = new Promise((drawn) => setTimeout(drawn)).then(() => {
    if (waiting?.ids === ids) waiting = undefined
    return readPeople(ids)
  })
  return { ids, answer }
}

async function readPeople(ids: string[]): Answer {
  const body = { p_ids: ids }
  const people = await data<{ id: string; email: string }[]>({
    method: 'POST',
    path: 'rpc/media_people',
    body,
  })
  return new Map(people.map(({ id, email }) => [id, email]))
}
