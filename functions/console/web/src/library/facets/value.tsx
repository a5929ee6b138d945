import { count as told, visible } from '../../text'
import { Foreign } from '../../ui/text'

interface ValueProps {
  text: string
  /** Shown as one points at it. */
  hint?: string
  count: number
  isExact: boolean
  isChosen: boolean
  onClick: () => void
}

/** A value of a menu, with the number of assets that have it. Chosen again, it is let go. */
export function Value({ text, hint, count, isExact, isChosen, onClick }: ValueProps) {
  return (
    <button
      type="button"
      class="facet-value"
      aria-pressed={isChosen}
      title={visible(hint ?? text)}
      onClick={onClick}
    >
      <span class="name">
        <Foreign>{text}</Foreign>
      </span>
      <span class="fine">
        {told(count)}
        {!isExact && <abbr title="or more">+</abbr>}
      </span>
    </button>
  )
}
