import { lazy } from 'preact-iso'
import { Button } from './button'

/** A component that comes when it is first shown. Where it does not come, the page says so and goes on without it. */
export const later = <T,>(load: () => Promise<{ default: T }>) =>
  lazy(() => load().catch(() => ({ default: Missing as T })))

/** After a new release the parts of an older page are gone, so the whole page has to come anew. */
function Missing() {
  return (
    <div class="failed" role="alert">
      <p>A part of this page did not load.</p>
      <p>
        <Button onClick={() => location.reload()}>Load the page again</Button>
      </p>
    </div>
  )
}
