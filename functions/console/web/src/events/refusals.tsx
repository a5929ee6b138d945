import type { Events } from '../api/types'
import { ago, moment, plural, words } from '../text'
import { Foreign } from '../ui/text'

/** Notifications that were not let in. They leave no event, only a count. */
export function Refusals({ refusals }: { refusals: Events['refusals'] }) {
  if (refusals.length === 0) return null
  return (
    <details class="refused">
      <summary>{plural(refusals.length, 'kind')} of refused notifications</summary>
      <p class="fine">
        They were not let in, and nothing of them is kept. Strangers can cause them. After a change of keys,
        look at the key that they are signed with.
      </p>
      <ul class="refusals">
        {refusals.map(({ reason, signature_key, algorithm, count, first_at, at }) => (
          <li key={`${reason} ${signature_key} ${algorithm}`}>
            <strong>
              <Foreign>{words(reason)}</Foreign>
            </strong>
            <span class="fine">
              {plural(count, 'time')}, first <time title={moment(first_at)}>{ago(first_at)}</time>, last{' '}
              <time title={moment(at)}>{ago(at)}</time>
              {signature_key && (
                <>
                  , with the key <Foreign>{signature_key}</Foreign>
                </>
              )}
              {algorithm && ` by ${algorithm}`}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
