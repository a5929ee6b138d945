import { useSignal } from '@preact/signals'
import { Problem } from '../api/problem'
import { queries, startRun } from '../api/queries'
import type { Plan, SyncAnswer } from '../api/types'
import { plural } from '../text'
import { Button } from '../ui/button'
import { Dialog } from '../ui/dialog'
import { FailedLine } from '../ui/states'
import { toast } from '../ui/toast'

interface ApprovalProps {
  plan: Plan
  onClose: () => void
  /** Called if others would go by now than the plan says. */
  onStale: () => void
}

/** Asks for the number, typed: these deletes are many. */
export function Approval({ plan, onClose, onStale }: ApprovalProps) {
  const typed = useSignal('')
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const isRight = typed.value.trim() === String(plan.deletes)
  const approve = async (event: Event) => {
    event.preventDefault()
    if (!isRight || busy.value) return
    busy.value = true
    failed.value = null
    try {
      const answer = await startRun({ apply: plan.hash })
      if (isStale(answer)) onStale()
      toast(told(answer))
      onClose()
    } catch (error) {
      if (error instanceof Problem && error.code === 'plan_stale') onStale()
      failed.value = error
    } finally {
      busy.value = false
      void queries.invalidateQueries()
    }
  }
  return (
    <Dialog title={`Approve ${plural(plan.deletes, 'delete')}?`} onClose={onClose}>
      <form onSubmit={approve}>
        <label>
          <span>
            Type <strong>{plan.deletes}</strong>, the number of assets, to delete them.
          </span>
          <input
            inputMode="numeric"
            autocomplete="off"
            value={typed.value}
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
        </label>
        <FailedLine error={failed.value} />
        <p class="row end">
          <Button onClick={onClose}>Keep them</Button>
          <button type="submit" class="button danger" disabled={!isRight || busy.value}>
            {busy.value ? 'Deleting …' : `Delete ${plural(plan.deletes, 'asset')}`}
          </button>
        </p>
      </form>
    </Dialog>
  )
}

const isStale = ({ errors }: SyncAnswer) => errors.some(({ code }) => code === 'plan_stale')

function told(answer: SyncAnswer): string {
  if (answer.released_deletes) return `${plural(answer.released_deletes, 'held delete')} released.`
  if (answer.errors[0]) return answer.errors[0].message
  if (answer.status === 'running') return 'The run goes on with it.'
  return `${plural(answer.deleted_items, 'asset')} deleted.`
}
