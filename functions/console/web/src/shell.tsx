import { useQuery } from '@tanstack/preact-query'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { ErrorBoundary, useLocation } from 'preact-iso'
import { readSync } from './api/queries'
import { Live } from './live/live'
import { openPages, PAGES } from './pages'
import { shownHelp, useHelpKeys } from './palette/open'
import { role, session, signOut } from './session/session'
import { ago, count, plural } from './text'
import { tellTitle } from './title'
import { Button } from './ui/button'
import { Icon } from './ui/icon'
import { later } from './ui/later'
import { shownOutcome } from './ui/outcome'
import { Foreign } from './ui/text'
import { Toasts } from './ui/toasts'
import { uploads } from './upload/queue'

const UploadTray = later(() => import('./upload/tray'))
const Help = later(() => import('./palette/help'))
const OutcomeDialog = later(() => import('./ui/outcome-dialog'))

export function Shell({ children }: { children: ComponentChildren }) {
  const { path } = useLocation()
  useHelpKeys()
  useEffect(() => tellTitle(PAGES.find((page) => page.path === path)?.name), [path])
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="side">
        <a class="brand" href="/console">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="28" height="28" />
          media-sync
        </a>
        <nav aria-label="Pages">
          {openPages().map((page) => (
            <a key={page.path} href={page.path} aria-current={path === page.path ? 'page' : undefined}>
              <Icon name={page.icon} />
              {page.name}
            </a>
          ))}
        </nav>
        <Standing />
        <Live />
        <Person />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <ErrorBoundary>{uploads.value.length > 0 && <UploadTray />}</ErrorBoundary>
      <ErrorBoundary>{shownHelp.value && <Help />}</ErrorBoundary>
      <ErrorBoundary>{shownOutcome.value && <OutcomeDialog />}</ErrorBoundary>
      <Toasts />
    </div>
  )
}

/** Whether both sides agree, on every page. */
function Standing() {
  const { data } = useQuery({ queryKey: ['sync'], queryFn: () => readSync(), refetchInterval: 15_000 })
  if (!data) return <div class="standing" />
  const errors = data.stats.error_assets
  const state = errors > 0 ? 'error' : data.pending_operations > 0 ? 'pending' : 'synced'
  const told = {
    error: `${plural(errors, 'asset')} in error`,
    pending: `${count(data.pending_operations)} waiting for Cloudinary`,
    synced: 'Both sides agree',
  }[state]
  const failures = role.value === 'admin' ? '/console/issues' : '/console?sync_status=error'
  return (
    <a class="standing" href={state === 'error' ? failures : '/console/sync'}>
      <span class={`dot ${state}`} aria-hidden="true" />
      <span role="status">{told}</span>
      <span class="fine">Compared {ago(data.last_sync)}</span>
    </a>
  )
}

function Person() {
  return (
    <div class="person">
      <span class="who">
        <Foreign>{session.value?.user.email ?? 'You'}</Foreign>
        <span class="fine">{role.value}</span>
      </span>
      <Button kind="quiet" onClick={() => void signOut()}>
        Sign out
      </Button>
    </div>
  )
}
