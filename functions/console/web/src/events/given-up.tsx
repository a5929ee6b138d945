import { useSignal } from '@preact/signals'
import { useQuery } from '@tanstack/preact-query'
import { useId } from 'preact/hooks'
import { redrive } from '../api/changes'
import { readGivenUp } from '../api/queries'
import type { GivenUp, QueueName } from '../api/types'
import { plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { FailedLine } from '../ui/states'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'

const PATH = '/api/cloudinary/events/redrive'

const ABOUT: Record<QueueName, string> = {
  notifications: 'Notifications of Cloudinary that nobody could handle.',
  outbound: 'Wake-ups to carry out changes. The changes themselves wait in the database.',
  continuation: 'The next steps of runs and of replays.',
}

/** Messages that were given up after several attempts. Where there are none, nothing is shown. */
export function GivenUpMessages() {
  const list = useQuery({ queryKey: ['given-up'], queryFn: readGivenUp })
  if (list.isError) return <FailedLine error={list.error} />
  const some = list.data?.items.filter(({ dead_letters }) => messages(dead_letters) > 0) ?? []
  return (
    <>
      {some.map((queue) => (
        <Queue key={queue.queue} of={queue} />
      ))}
    </>
  )
}

const messages = ({ visible, in_flight, delayed }: GivenUp['dead_letters']): number =>
  (visible ?? 0) + (in_flight ?? 0) + (delayed ?? 0)

function Queue({ of: { queue, dead_letters, samples } }: { of: GivenUp }) {
  const heading = useId()
  return (
    <section class="card given-up" aria-labelledby={heading}>
      <h2 id={heading}>
        {plural(messages(dead_letters), 'message')} given up: {queue}
      </h2>
      <p>{ABOUT[queue]} Remove the cause first, or they are given up again.</p>
      {samples.length > 0 && (
        <details>
          <summary>Some of them</summary>
          <ul class="fine">
            {samples.map(({ kind, about }, at) => (
              <li key={at}>
                <Foreign>{kind}</Foreign>: <Foreign>{about}</Foreign>
              </li>
            ))}
          </ul>
        </details>
      )}
      <Redrive queue={queue} />
    </section>
  )
}

function Redrive({ queue }: { queue: QueueName }) {
  const failed = useSignal<unknown>(null)
  const busy = useSignal<string | null>(null)
  const start = async () => {
    busy.value = 'Sending them …'
    failed.value = null
    try {
      const sent = await redrive(queue, (so_far) => {
        busy.value = `${plural(so_far, 'message')} so far …`
      })
      toast(`${plural(sent, 'message')} sent again.`)
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = null
    }
  }
  return (
    <>
      <FailedLine error={failed.value} />
      <p class="row">
        <Button icon="sync" disabledReason={busy.value} onClick={() => void start()}>
          Send them again
        </Button>
        <CopyCurl request={{ method: 'POST', path: PATH, body: { queue } }} />
        {busy.value && <span role="status">{busy.value}</span>}
      </p>
    </>
  )
}
