import type { ComponentChildren } from 'preact'
import { isOffline, Problem } from '../api/problem'
import { renewSession } from '../session/session'
import { Button } from './button'

/** Something to show where there is nothing to show. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  )
}

function told(error: unknown): { title: string; advice: string } {
  if (isOffline(error)) {
    return {
      title: 'No connection',
      advice: 'The service cannot be reached. Check the network, then try again.',
    }
  }
  if (!(error instanceof Problem)) {
    return { title: 'Something went wrong', advice: error instanceof Error ? error.message : 'Try again.' }
  }
  if (error.status === 401) return { title: 'Signed out', advice: 'Your session has ended. Sign in again.' }
  if (error.status === 403) return { title: 'Not allowed', advice: error.message }
  if (error.status === 404) return { title: 'Not found', advice: error.message }
  if (error.status === 429) {
    const when = error.retryAfter ? `in ${error.retryAfter} seconds` : 'in a moment'
    return { title: 'Too many requests', advice: `${error.message} Try again ${when}.` }
  }
  return { title: error.status >= 500 ? 'The service has a problem' : 'Refused', advice: error.message }
}

/** What failed, why, and a way on. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { title, advice } = told(error)
  const problem = error instanceof Problem ? error : null
  return (
    <div class="empty failed" role="alert">
      <h2>{title}</h2>
      <p>{advice}</p>
      <p class="row">
        {retry && (
          <Button kind="main" onClick={retry}>
            Try again
          </Button>
        )}
        {problem?.status === 403 && (
          <Button onClick={() => void renewSession().then(() => retry?.())}>Refresh my rights</Button>
        )}
      </p>
      {problem?.requestId && (
        <p class="fine">
          {problem.code} · request {problem.requestId}
        </p>
      )}
    </div>
  )
}

/** The same in one line, for a form. */
export function FailedLine({ error }: { error: unknown }) {
  if (!error) return null
  const { title, advice } = told(error)
  return (
    <p class="failed-line" role="alert">
      {title}: {advice}
    </p>
  )
}

export function BrokenStart({ error }: { error: unknown }) {
  return (
    <main class="broken">
      <Failed error={error} retry={() => location.reload()} />
    </main>
  )
}
