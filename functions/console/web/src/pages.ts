import { role } from './session/session'
import type { IconName } from './ui/icon'

interface Page {
  path: string
  name: string
  icon: IconName
  /** True where the service answers administrators alone. */
  isForAdmins?: boolean
}

export const PAGES: Page[] = [
  { path: '/console', name: 'Library', icon: 'library' },
  { path: '/console/collections', name: 'Collections', icon: 'collections' },
  { path: '/console/trash', name: 'Trash', icon: 'trash' },
  { path: '/console/sync', name: 'Sync', icon: 'sync' },
  { path: '/console/issues', name: 'Issues', icon: 'issues', isForAdmins: true },
  { path: '/console/events', name: 'Events', icon: 'events', isForAdmins: true },
  { path: '/console/health', name: 'Health', icon: 'health' },
  { path: '/console/activity', name: 'Activity', icon: 'activity', isForAdmins: true },
]

/** The pages that the person may see. */
export const openPages = (): Page[] => PAGES.filter((page) => !page.isForAdmins || role.value === 'admin')
