import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { Plan } from '../api/types'
import { whyNotAdmin } from '../session/rights'
import { ago, count, moment, plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Approval } from './approval'
import { PlanPictures } from './plan-pictures'

/** Deletes that wait for a person: what would go, and the way to let it go. */
export function PlanCard({ plan, isHeld }: { plan: Plan; isHeld: boolean }) {
  // As it stood when the question was asked: live updates must not change it under somebody's hands.
  const asking = useSignal<Plan | null>(null)
  const approved = useRef<Plan | null>(null)
  const change = approved.current && changeBetween(approved.current, plan)
  return (
    <section class="card plan" aria-label={isHeld ? 'Held deletes' : 'Deletes of a run'}>
      <div class="page-head">
        <h2>{plural(plan.deletes, 'delete')} for you to approve</h2>
        {plan.live !== undefined && <span class="fine">of {plural(plan.live, 'asset')}</span>}
      </div>
      <p>
        {isHeld
          ? 'They were decided here, and are held back because they are many. Approved, they go in Cloudinary too. To keep some, restore them in the '
          : 'These assets are missing in Cloudinary. Approved, they are deleted here, and go to the '}
        <a href="/console/trash">trash</a>.
      </p>
      {change && (
        <p class="failed-line" role="status">
          {change}
        </p>
      )}
      <PlanPictures plan={plan} />
      <p class="fine">
        {plan.made_at && `Made ${ago(plan.made_at)}. `}
        {plan.expires_at && `It holds until ${moment(plan.expires_at)}. `}
        If others would go by the time you approve, nothing is deleted.
      </p>
      <p class="row">
        <Button
          kind="danger"
          icon="check"
          disabledReason={whyNotAdmin()}
          onClick={() => (asking.value = plan)}
        >
          Approve {plural(plan.deletes, 'delete')}
        </Button>
        <CopyCurl request={{ method: 'POST', path: '/api/cloudinary/sync', body: { apply: plan.hash } }} />
      </p>
      {asking.value && (
        <Approval
          plan={asking.value}
          onClose={() => (asking.value = null)}
          onStale={() => {
            approved.current = asking.value
          }}
        />
      )}
    </section>
  )
}

/** The difference between the plan that was approved in vain and the one that stands now, or null. */
function changeBetween(before: Plan, now: Plan): string | null {
  if (before.hash === now.hash) return null
  const old = new Set(before.examples?.map(({ row_id }) => row_id))
  const isWhole = (plan: Plan) => plan.examples?.length === plan.deletes
  const added =
    isWhole(before) && isWhole(now)
      ? (now.examples ?? []).filter(({ row_id }) => !old.has(row_id)).map(({ public_id }) => public_id)
      : []
  const names = added.length > 0 ? ` New: ${added.join(', ')}.` : ''
  return `The plan has changed, and nothing was deleted: ${count(before.deletes)} deletes before, ${count(now.deletes)} now.${names}`
}
