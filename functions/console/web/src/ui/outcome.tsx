import { signal } from '@preact/signals'
import type { Outcome } from '../api/changes'
import { plural } from '../text'
import { Button } from './button'
import { Dialog } from './dialog'
import { Foreign } from './text'

interface Shown {
  title: string
  outcome: Outcome
  /** Offered for assets that are in use. */
  force?: (ids: string[]) => Promise<void>
}

const shown = signal<Shown | null>(null)

/** Shows each asset that failed, with its reason. */
export function showOutcome(title: string, outcome: Outcome, force?: (ids: string[]) => Promise<void>): void {
  shown.value = { title, outcome, ...(force && { force }) }
}

export function OutcomeDialog() {
  if (!shown.value) return null
  const { title, outcome, force } = shown.value
  const close = () => {
    shown.value = null
  }
  const used = outcome.failed.flatMap(({ code, asset_id }) =>
    code === 'in_use' && asset_id ? [asset_id] : [],
  )
  return (
    <Dialog title={title} onClose={close}>
      <p>
        {plural(outcome.done.length, 'asset')} done, {outcome.failed.length} failed.
      </p>
      <ul class="outcomes">
        {outcome.failed.map((failure) => (
          <li key={failure.asset_id ?? failure.public_id}>
            <strong>
              <Foreign>{failure.public_id}</Foreign>
            </strong>
            <span>
              <Foreign>{failure.error}</Foreign>
            </span>
            {failure.references?.map(({ table, row, kind }) => (
              <span class="fine" key={`${table}/${row}/${kind}`}>
                used as <Foreign>{kind}</Foreign> by <Foreign>{`${table} ${row}`}</Foreign>
              </span>
            ))}
          </li>
        ))}
      </ul>
      <p class="row end">
        {force && used.length > 0 && (
          <Button
            kind="danger"
            onClick={() => {
              close()
              void force(used)
            }}
          >
            Delete {plural(used.length, 'used asset')} anyway
          </Button>
        )}
        <Button kind="main" onClick={close}>
          Close
        </Button>
      </p>
    </Dialog>
  )
}
