import { Button } from '../ui/button'
import { link, paused, setPaused } from './state'

const WORDS = { live: 'Live', joining: 'Connecting …', polling: 'Looks every 15 seconds' }

/** The way in which changes of others come to this page, and a pause of it. */
export function Live() {
  const isPaused = paused.value
  return (
    <div class="live">
      <span
        class={`dot ${isPaused ? 'quiet' : link.value === 'live' ? 'synced' : 'pending'}`}
        aria-hidden="true"
      />
      <span role="status">{isPaused ? 'Paused' : WORDS[link.value]}</span>
      <Button
        kind="quiet"
        icon={isPaused ? 'play' : 'pause'}
        label={isPaused ? 'Go on with live updates' : 'Pause live updates'}
        onClick={() => setPaused(!isPaused)}
      />
    </div>
  )
}
