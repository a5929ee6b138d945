import { visible } from '../text'

/** A text that somebody else wrote: as text, in a direction of its own. */
export function Foreign({ children }: { children: string | null | undefined }) {
  return <bdi>{visible(children ?? '')}</bdi>
}
