import { Button } from '../ui/button'

interface KeyValuesProps {
  title: string
  pairs: [string, string][]
  onChange: (pairs: [string, string][]) => void
  /** True if the keys are made elsewhere: only values change. */
  isFixed?: boolean
}

export function KeyValues({ title, pairs, onChange, isFixed = false }: KeyValuesProps) {
  if (isFixed && pairs.length === 0) return null
  const replace = (at: number, pair: [string, string]) =>
    onChange(pairs.map((old, i) => (i === at ? pair : old)))
  return (
    <fieldset class="key-values">
      <legend>{title}</legend>
      {pairs.map(([key, value], at) => (
        // A key may change while it is typed, so its place names the row.
        <div class="pair" key={at}>
          <input
            aria-label={`${title}: key`}
            dir="auto"
            value={key}
            readOnly={isFixed}
            onInput={(event) => replace(at, [event.currentTarget.value, value])}
          />
          <input
            aria-label={`${title}: value of ${key}`}
            dir="auto"
            value={value}
            maxLength={1024}
            onInput={(event) => replace(at, [key, event.currentTarget.value])}
          />
          {!isFixed && (
            <Button
              kind="quiet"
              icon="close"
              label={`Remove ${key || 'this pair'}`}
              onClick={() => onChange(pairs.filter((_, i) => i !== at))}
            />
          )}
        </div>
      ))}
      {!isFixed && (
        <Button kind="quiet" onClick={() => onChange([...pairs, ['', '']])}>
          Add a pair
        </Button>
      )}
    </fieldset>
  )
}
