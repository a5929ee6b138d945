import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { useTypedText } from '../../ui/typed'
import type { FilterName, View } from '../filters'
import { useTyped } from '../search-field'
import { bytesOf, shownIn, UNITS, type Unit, unitOf } from './size'

/** Bounds of size and of the day on which an asset came into the library. */
export function Ranges({ view }: { view: View }) {
  return (
    <>
      <Range title="Size">
        <Size view={view} name="min_size" label="At least" hint="Smallest size" />
        <Size view={view} name="max_size" label="At most" hint="Largest size" />
      </Range>
      <Range title="Added">
        <Day view={view} name="date_from" label="From" />
        <Day view={view} name="date_to" label="Until" />
      </Range>
    </>
  )
}

function Range({ title, children }: { title: string; children: ComponentChildren }) {
  const heading = useId()
  return (
    <section class="range" aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      {children}
    </section>
  )
}

interface SizeProps {
  view: View
  name: FilterName
  label: string
  /** The field's name for those who do not see the heading. */
  hint: string
}

/** A number and its unit; the address keeps bytes. */
function Size({ view, name, label, hint }: SizeProps) {
  const kept = view.filters[name]
  const wish = useSignal<Unit | null>(null)
  const unit = wish.value ?? (kept ? unitOf(Number(kept)) : 'MB')
  const keep = (typed: string, unit: Unit) => {
    // The unit stays as it is while somebody types.
    wish.value = unit
    view.change({ [name]: bytesOf(typed, unit) }, true)
  }
  const shown = shownIn(unit, kept)
  const typed = useTypedText(shown, (text) => keep(text, unit))
  return (
    <div class="bound">
      <label>
        <span aria-hidden="true">{label}</span>
        <span class="unseen">{hint}</span>
        <input type="number" min="0" step="any" inputMode="decimal" {...typed} />
      </label>
      <select
        aria-label={`Unit of the ${hint.toLowerCase()}`}
        value={unit}
        onChange={(event) => keep(typed.value, event.currentTarget.value as Unit)}
      >
        {Object.keys(UNITS).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}

/** A day, whose first or last moment counts in UTC. */
function Day({ view, name, label }: { view: View; name: FilterName; label: string }) {
  const typed = useTyped(view, name)
  return (
    <label class="bound">
      <span>{label}</span>
      <input type="date" title="By the clock of Greenwich" {...typed} />
    </label>
  )
}
