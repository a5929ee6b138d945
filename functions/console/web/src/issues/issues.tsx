import { useQuery } from '@tanstack/preact-query'
import { readIssues } from '../api/queries'
import { plural } from '../text'
import { CopyCurl } from '../ui/copy'
import { Empty, Failed, Loading } from '../ui/states'
import { IssueCard, MARKS } from './card'

export default function Issues() {
  const issues = useQuery({ queryKey: ['issues'], queryFn: readIssues, refetchInterval: 15_000 })
  const items = issues.data?.items ?? []
  const ignored = items.filter(({ state }) => state === 'ignored')
  const others = items.filter(({ state }) => state !== 'ignored')
  return (
    <div class="page">
      <div class="page-head">
        <h1>Issues</h1>
        <span class="fine">The failures that stand now, one card for each cause</span>
        <CopyCurl request={{ method: 'GET', path: '/api/cloudinary/issues' }} />
      </div>
      {issues.isPending && <Loading what="the issues" />}
      {issues.isError && <Failed error={issues.error} retry={() => void issues.refetch()} />}
      {issues.data && others.length === 0 && (
        <Empty title="Nothing fails">
          <p>
            {ignored.length > 0
              ? `Besides ${plural(ignored.length, 'issue')} that somebody has set to ignored.`
              : 'Every change has reached Cloudinary, or is on its way. What fails again comes back here.'}
          </p>
        </Empty>
      )}
      {issues.data?.complete === false && (
        <p class="failed-line" role="status">
          More than ten thousand assets fail. The numbers count ten thousand of them.
        </p>
      )}
      {others.length > 0 && (
        <p class="fine">
          Acknowledge: {MARKS.acknowledged} Ignore: {MARKS.ignored} A mark changes nothing else.
        </p>
      )}
      {others.map((issue) => (
        <IssueCard key={issue.id} issue={issue} />
      ))}
      {ignored.length > 0 && (
        <details class="ignored">
          <summary>{plural(ignored.length, 'ignored issue')}</summary>
          {ignored.map((issue) => (
            <IssueCard key={issue.id} issue={issue} />
          ))}
        </details>
      )}
    </div>
  )
}
