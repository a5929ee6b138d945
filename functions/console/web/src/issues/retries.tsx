import { signal } from '@preact/signals'
import { useQuery } from '@tanstack/preact-query'
import { readIssues, readSync } from '../api/queries'
import type { Issue } from '../api/types'
import { count, plural } from '../text'
import { Button } from '../ui/button'

interface Retry {
  title: string
  operation: string
  /** The assets that are tried again. */
  assets: number
  /** Those that failed in the same operation for other causes. */
  others: number
}

/** The retries that somebody has begun on this page, until they are put away. */
const retries = signal<Retry[]>([])

const failing = (issues: Issue[], operation: string): number =>
  issues.filter((issue) => issue.operation === operation).reduce((sum, { assets }) => sum + assets, 0)

/** To be called before the retry: what fails again shows by what has failed already. */
export function beginRetry(issue: Issue, title: string, issues: Issue[]): (assets: number) => void {
  const others = failing(issues, issue.operation) - issue.assets
  return (assets) => {
    const retry = { title, operation: issue.operation, assets, others }
    retries.value = [...retries.value.filter((other) => other.title !== title), retry]
  }
}

/** Read one after the other: what no longer waits by the first answer has failed again by the second, if it has. */
async function readCourse() {
  const { pending_operations: waiting } = await readSync()
  const { items } = await readIssues()
  return { waiting, items }
}

/** What became of the retries. */
export function Retries() {
  const course = useQuery({
    queryKey: ['issues', 'retries', retries.value],
    queryFn: readCourse,
    refetchInterval: 2_000,
    enabled: retries.value.length > 0,
  })
  return (
    <>
      {retries.value.map((retry) => (
        <section class="card" key={retry.title} aria-label={`Tried again: ${retry.title}`}>
          <p class="row" role="status">
            <strong>{retry.title}</strong>
            <span>
              {course.data ? told(retry, course.data.waiting, course.data.items) : soon(retry.assets)}
            </span>
            <Button
              kind="quiet"
              icon="close"
              label="Put this away"
              onClick={() => (retries.value = retries.value.filter((other) => other !== retry))}
            />
          </p>
        </section>
      ))}
    </>
  )
}

const soon = (assets: number) => `${plural(assets, 'asset is', 'assets are')} being tried again.`

function told({ operation, assets, others }: Retry, waiting: number, items: Issue[]): string {
  const again = Math.min(assets, Math.max(0, failing(items, operation) - others))
  const failed = again > 0 ? ` ${count(again)} failed again and stand below.` : ''
  if (waiting > 0 && again < assets) {
    return `${soon(assets)} ${plural(waiting, 'change waits', 'changes wait')} for Cloudinary now.${failed}`
  }
  const done = assets - again
  return `${plural(assets, 'asset was', 'assets were')} tried again, and ${
    again === 0 ? 'nothing fails any more.' : `${count(done)} no longer fail.${failed}`
  }`
}
