import { useSignal } from '@preact/signals'
import type { JSX, Ref } from 'preact'
import { useId } from 'preact/hooks'
import { Foreign } from './text'

interface SuggestFieldProps
  extends Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'value' | 'onInput' | 'ref'> {
  value: string
  /** Values that are known; those that hold the typed text are shown. */
  known: string[]
  field?: Ref<HTMLInputElement>
  onType: (text: string) => void
  onTake: (text: string) => void
}

/** As many as a person reads at a glance. */
const SHOWN = 6

/** The known values that hold the text; first those that begin with it. */
function matching(known: string[], text: string): string[] {
  const typed = text.trim().toLowerCase()
  if (typed === '') return []
  const found = known.filter((value) => value.toLowerCase().includes(typed) && value !== text)
  const begins = (value: string) => Number(value.toLowerCase().startsWith(typed))
  return found.sort((one, other) => begins(other) - begins(one)).slice(0, SHOWN)
}

/** A field that shows known values while one types. Arrows choose, Enter takes, Escape hides them. */
export function SuggestField({ value, known, field, onType, onTake, onKeyDown, ...rest }: SuggestFieldProps) {
  const list = useId()
  const isTyping = useSignal(false)
  const chosen = useSignal(-1)
  const shown = isTyping.value ? matching(known, value) : []
  const end = () => {
    isTyping.value = false
    chosen.value = -1
  }
  const take = (text: string) => {
    end()
    onTake(text)
  }
  const listen = (event: JSX.TargetedKeyboardEvent<HTMLInputElement>) => {
    const [at, last] = [chosen.value, shown.length - 1]
    const text = shown[at]
    if (last >= 0 && event.key === 'ArrowDown') {
      chosen.value = at < last ? at + 1 : 0
    } else if (last >= 0 && event.key === 'ArrowUp') {
      chosen.value = at > 0 ? at - 1 : last
    } else if (text && event.key === 'Enter') {
      take(text)
    } else if (last >= 0 && event.key === 'Escape') {
      // What is around stays open.
      event.stopPropagation()
      end()
    } else {
      return onKeyDown?.(event)
    }
    event.preventDefault()
  }
  return (
    <>
      <input
        {...rest}
        ref={field}
        dir="auto"
        autocomplete="off"
        role="combobox"
        aria-autocomplete="list"
        aria-controls={list}
        aria-expanded={shown.length > 0}
        aria-activedescendant={shown[chosen.value] && `${list}-${chosen.value}`}
        value={value}
        onInput={(event) => {
          isTyping.value = true
          chosen.value = -1
          onType(event.currentTarget.value)
        }}
        onKeyDown={listen}
        onBlur={end}
      />
      <div class="suggestions" role="listbox" id={list} aria-label="Suggestions">
        {shown.map((text, at) => (
          <div
            key={text}
            class="chip"
            role="option"
            tabIndex={-1}
            id={`${list}-${at}`}
            aria-selected={at === chosen.value}
            onMouseDown={(event) => {
              // The field keeps the focus.
              event.preventDefault()
              take(text)
            }}
          >
            <Foreign>{text}</Foreign>
          </div>
        ))}
      </div>
    </>
  )
}
