import { QueryClientProvider } from '@tanstack/preact-query'
import { ErrorBoundary, LocationProvider, lazy, Route, Router } from 'preact-iso'
import { queries } from './api/queries'
import { Library } from './library/library'
import { session } from './session/session'
import { Shell } from './shell'
import { Empty } from './ui/states'

const SignIn = lazy(() => import('./session/sign-in'))
const Collections = lazy(() => import('./collections/collections'))
const Trash = lazy(() => import('./trash/trash'))
const Sync = lazy(() => import('./sync/sync'))
const Issues = lazy(() => import('./issues/issues'))
const Events = lazy(() => import('./events/events'))
const Health = lazy(() => import('./health/health'))
const Activity = lazy(() => import('./activity/activity'))

export function App() {
  if (!session.value) {
    return (
      <ErrorBoundary>
        <SignIn />
      </ErrorBoundary>
    )
  }
  return (
    <QueryClientProvider client={queries}>
      <LocationProvider scope="/console">
        <Shell>
          <ErrorBoundary>
            <Router>
              <Route path="/console" component={Library} />
              <Route path="/console/collections" component={Collections} />
              <Route path="/console/trash" component={Trash} />
              <Route path="/console/sync" component={Sync} />
              <Route path="/console/issues" component={Issues} />
              <Route path="/console/events" component={Events} />
              <Route path="/console/health" component={Health} />
              <Route path="/console/activity" component={Activity} />
              <Route default component={Nowhere} />
            </Router>
          </ErrorBoundary>
        </Shell>
      </LocationProvider>
    </QueryClientProvider>
  )
}

function Nowhere() {
  return (
    <Empty title="There is no such page">
      <p>
        <a href="/console">Go to the library</a>
      </p>
    </Empty>
  )
}
