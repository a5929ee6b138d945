import { effect, signal } from '@preact/signals'
import { forgetMedia, queries } from '../api/queries'
import { userId } from '../session/session'
import { hearAsset } from './news'
import { listen } from './socket'
import { forgetNews, link, paused } from './state'

/** Milliseconds until the page looks by itself. */
const PATIENCE = 5_000

/** Follows the library while somebody is signed in and looks at the page. */
export function followLibrary(): void {
  const isHidden = signal(document.hidden)
  document.addEventListener('visibilitychange', () => {
    isHidden.value = document.hidden
  })
  queries.getQueryCache().subscribe((event) => {
    // A list that was read anew shows all of it. (What is set by hand was told by a message.)
    const isRead = event.type === 'updated' && event.action.type === 'success' && !event.action.manual
    if (isRead && event.query.queryKey[1] === 'list') forgetNews()
  })
  let hasMissed = false
  effect(() => {
    if (!userId.value || paused.value || isHidden.value) return undefined
    link.value = 'joining'
    // A project without Realtime may refuse the socket, or say nothing at all. The client tries on.
    const patience = setTimeout(() => {
      link.value = 'polling'
    }, PATIENCE)
    const end = listen({
      asset: hearAsset,
      run: () => void queries.invalidateQueries({ queryKey: ['sync'] }),
      state: (isJoined) => {
        clearTimeout(patience)
        link.value = isJoined ? 'live' : 'polling'
        if (isJoined && hasMissed) forgetMedia()
        hasMissed = true
      },
    })
    return () => {
      clearTimeout(patience)
      end()
    }
  })
}
