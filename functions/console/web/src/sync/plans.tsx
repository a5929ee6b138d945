import { useQuery } from '@tanstack/preact-query'
import { readSync } from '../api/queries'
import type { Plan, Run, SyncOverview } from '../api/types'
import { PlanCard } from './plan-card'

/** The plans that an administrator can approve. */
export function Plans({ overview }: { overview: SyncOverview }) {
  const run = waiting(overview.recent_runs)
  return (
    <>
      {overview.held_plan && <PlanCard key="held" plan={overview.held_plan} isHeld />}
      {run?.plan && <PlanOfRun key="run" run={run} plan={run.plan} />}
    </>
  )
}

/** The last run that left a plan, unless the plan has ended: with time, or with a later run over everything. */
function waiting(runs: Run[], now = Date.now()): Run | undefined {
  const at = runs.findIndex((run) => run.plan)
  const isOver = runs
    .slice(0, Math.max(at, 0))
    .some((run) => run.mode === 'full' && !run.dry_run && run.status === 'succeeded')
  const run = runs[at]
  const end = run?.plan?.expires_at
  return isOver || (end && Date.parse(end) < now) ? undefined : run
}

/** Lists tell a run's plan without its examples. */
function PlanOfRun({ run, plan }: { run: Run; plan: Plan }) {
  const whole = useQuery({ queryKey: ['sync', run.run_id], queryFn: () => readSync(run.run_id) })
  return <PlanCard plan={whole.data?.run?.plan ?? plan} isHeld={false} />
}
