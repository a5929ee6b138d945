import { plural } from '../text'
import { Button } from './button'
import { Dialog } from './dialog'
import { shownOutcome } from './outcome'
import { Foreign } from './text'

export default function OutcomeDialog() {
  if (!shownOutcome.value) return null
  const { title, outcome, force } = shownOutcome.value
  const close = () => {
    shownOutcome.value = null
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
