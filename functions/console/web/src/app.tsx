import { QueryClientProvider } from '@tanstack/preact-query'
import type { FunctionComponent } from 'preact'
import { ErrorBoundary, LocationProvider, Route, Router } from 'preact-iso'
import { queries } from './api/queries'
import { withDrawer } from './asset/beside'
import { Library } from './library/library'
import { role, session } from './session/session'
import { Shell } from './shell'
import { later } from './ui/later'
import { Empty } from './ui/states'

const SignIn = later(() => import('./session/sign-in'))
const Collections = withDrawer(later(() => import('./collections/collections')))
const Trash = withDrawer(later(() => import('./trash/trash')))
const Sync = withDrawer(later(() => import('./sync/sync')))
const Health = later(() => import('./health/health'))
const OnlyAdmins = later(() => import('./session/only-admins'))

/** The service would refuse others; a sentence tells it better than a refusal. */
const forAdmins = (Page: FunctionComponent) => () => (role.value === 'admin' ? <Page /> : <OnlyAdmins />)

const Issues = forAdmins(withDrawer(later(() => import('./issues/issues'))))
const Events = forAdmins(withDrawer(later(() => import('./events/events'))))
const Activity = forAdmins(withDrawer(later(() => import('./activity/activity'))))

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
