import { useQuery } from '@tanstack/preact-query'
import { readIssues, readSync } from '../api/queries'
import { plural } from '../text'
import { CopyCurl } from '../ui/copy'
import { Empty, Failed, Loading } from '../ui/states'
import { IssueCard, MARKS } from './card'
import { Retries } from './retries'

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
      <Retries />
      {issues.data && others.length === 0 && <Nothing ignored={ignored.length} />}
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
        <IssueCard key={issue.id} issue={issue} all={items} />
      ))}
      {ignored.length > 0 && (
        <details class="ignored">
          <summary>{plural(ignored.length, 'ignored issue')}</summary>
          {ignored.map((issue) => (
            <IssueCard key={issue.id} issue={issue} all={items} />
          ))}
        </details>
      )}
    </div>
  )
}

/** No failure stands. What waits for Cloudinary may still fail. */
function Nothing({ ignored }: { ignored: number }) {
  const sync = useQuery({ queryKey: ['sync'], queryFn: () => readSync() })
  const waiting = sync.data?.pending_operations
  return (
    <Empty title={waiting ? 'Nothing fails now' : 'Nothing fails'}>
      {waiting === 0 && <p>Every change has reached Cloudinary.</p>}
      {waiting ? (
        <p>{plural(waiting, 'change waits', 'changes wait')} for Cloudinary. What fails shows here.</p>
      ) : null}
      {ignored > 0 && <p>{plural(ignored, 'issue')} that somebody ignores stand below.</p>}
    </Empty>
  )
}
