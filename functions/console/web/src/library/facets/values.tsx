import { useSignal } from '@preact/signals'
import type { FacetValue } from '../../api/types'
import { Button } from '../../ui/button'
import { type FilterName, type View, valuesOf } from '../filters'
import { Value } from './value'

/** Values that are shown before somebody asks for all. */
const FEW = 10

interface ValuesProps {
  view: View
  name: FilterName
  values: FacetValue[]
  words?: Record<string, string>
}

/** The values of a filter, the most frequent first. Chosen ones stay, also where nothing has them. */
export function Values({ view, name, values, words = {} }: ValuesProps) {
  const isWhole = useSignal(false)
  const chosen = valuesOf(view.filters[name])
  const known = [...values].sort((one, other) => other.count - one.count)
  const missing = chosen
    .filter((value) => !values.some((one) => one.value === value))
    .map((value) => ({ value, count: 0, is_exact: true }))
  const all = [...missing, ...known]
  const shown = isWhole.value ? all : all.filter(({ value }, at) => at < FEW || chosen.includes(value))
  const toggle = (value: string) => {
    const others = chosen.filter((one) => one !== value)
    const next = chosen.includes(value) ? others : [...others, value]
    view.change({ [name]: next.join(',') || null })
  }
  if (all.length === 0) return <p class="fine">None.</p>
  return (
    <>
      <ul>
        {shown.map(({ value, count, is_exact }) => (
          <li key={value}>
            <Value
              text={words[value] ?? value}
              count={count}
              isExact={is_exact}
              isChosen={chosen.includes(value)}
              onClick={() => toggle(value)}
            />
          </li>
        ))}
      </ul>
      {all.length > FEW && (
        <Button kind="quiet" aria-expanded={isWhole.value} onClick={() => (isWhole.value = !isWhole.value)}>
          {isWhole.value ? 'Show fewer' : `Show all ${all.length}`}
        </Button>
      )}
    </>
  )
}
