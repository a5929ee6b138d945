import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { markIssue, retryIssue } from '../api/changes'
import type { Issue } from '../api/types'
import { Person } from '../session/person'
import { ago, count, moment, plural } from '../text'
import { AssetLink } from '../ui/asset-link'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { FailedLine } from '../ui/states'
import { Badge } from '../ui/status'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'
import { beginRetry } from './retries'
import { placeOf, titleOf } from './titles'

/** What the two marks say. */
export const MARKS = {
  acknowledged: 'Somebody looks after it. It stays in the list.',
  ignored: 'It is of no interest. It moves to the end of the page.',
}

/** A cause, with its assets, its mend, and what can be done about all of them. */
export function IssueCard({ issue, all }: { issue: Issue; all: Issue[] }) {
  const heading = useId()
  const { address, name } = placeOf(issue)
  return (
    <section class="card issue" aria-labelledby={heading}>
      <div class="page-head">
        <h2 id={heading}>{titleOf(issue)}</h2>
        <Badge kind="error">{plural(issue.assets, 'asset')}</Badge>
        {issue.state !== 'open' && <Badge kind="quiet">{issue.state}</Badge>}
      </div>
      <p>
        <Foreign>{issue.advice}</Foreign>
      </p>
      {issue.message && (
        <p class="failed-line">
          <Foreign>{issue.message}</Foreign>
        </p>
      )}
      <Moments issue={issue} />
      <Examples issue={issue} />
      <p>
        <a href={address}>{name}</a>
      </p>
      <Actions issue={issue} all={all} />
    </section>
  )
}

function Moments({ issue }: { issue: Issue }) {
  const { first_seen, last_seen, next_attempt_at, refused } = issue
  return (
    <p class="fine">
      First seen <time title={moment(first_seen)}>{ago(first_seen)}</time>, last{' '}
      <time title={moment(last_seen)}>{ago(last_seen)}</time>.
      {next_attempt_at && ` Next attempt ${ago(next_attempt_at)}.`}
      {refused > 0 && ` Cloudinary has refused ${count(refused)} for good: nobody retries them.`}
      {issue.marked_by && (
        <>
          {' '}
          Marked by <Person id={issue.marked_by} /> {ago(issue.marked_at)}.
        </>
      )}{' '}
      Its id is <code>{issue.id}</code>.
    </p>
  )
}

/** As many as are shown without being asked for. */
const FEW = 3

function Examples({ issue: { examples, assets } }: { issue: Issue }) {
  return (
    <details open={assets <= FEW}>
      <summary>
        {examples.length < assets ? `The first ${examples.length} of ${count(assets)}` : 'The assets'}
      </summary>
      <ul class="examples">
        {examples.map(({ row_id, asset_id, public_id, message }) => (
          <li key={row_id}>
            <AssetLink id={asset_id ?? row_id}>
              <Foreign>{public_id}</Foreign>
            </AssetLink>
            {message && (
              <span class="fine">
                <Foreign>{message}</Foreign>
              </span>
            )}
          </li>
        ))}
      </ul>
    </details>
  )
}

function Actions({ issue, all }: { issue: Issue; all: Issue[] }) {
  const failed = useSignal<unknown>(null)
  const busy = useSignal<string | null>(null)
  const act = async (what: string, action: () => Promise<string>) => {
    busy.value = what
    failed.value = null
    try {
      toast(await action())
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = null
    }
  }
  // What Cloudinary has refused for good is mended first.
  const isHopeless = issue.refused >= issue.assets
  const mark = (state: Issue['state']) =>
    void act('Marking …', async () => {
      await markIssue(issue.id, state)
      return state === 'open' ? 'The mark is taken back.' : `The issue is ${state}.`
    })
  const retry = () =>
    void act('Trying again …', async () => {
      const begun = beginRetry(issue, titleOf(issue), all)
      const retried = await retryIssue(issue.id, (done) => {
        busy.value = `${plural(done, 'asset')} so far …`
      })
      if (retried > 0) begun(retried)
      return `${plural(retried, 'asset')} will be tried again within a minute. What fails again comes back here.`
    })
  return (
    <>
      <FailedLine error={failed.value} />
      <p class="row">
        <Button kind={isHopeless ? 'plain' : 'main'} icon="sync" disabledReason={busy.value} onClick={retry}>
          Try all again
        </Button>
        {issue.state === 'open' ? (
          <>
            <Button
              icon="check"
              title={MARKS.acknowledged}
              disabledReason={busy.value}
              onClick={() => mark('acknowledged')}
            >
              Acknowledge
            </Button>
            <Button title={MARKS.ignored} disabledReason={busy.value} onClick={() => mark('ignored')}>
              Ignore
            </Button>
          </>
        ) : (
          <Button disabledReason={busy.value} onClick={() => mark('open')}>
            Take the mark back
          </Button>
        )}
        <CopyCurl request={{ method: 'POST', path: `/api/cloudinary/issues/${issue.id}/retry` }} />
        {busy.value && <span role="status">{busy.value}</span>}
      </p>
    </>
  )
}
