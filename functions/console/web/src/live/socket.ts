import { RealtimeClient } from '@supabase/realtime-js'
import { settings } from '../api/settings'
import { accessToken } from '../session/session'

interface Ears {
  asset: (event: string, payload: unknown) => void
  run: () => void
  /** Told at each join, and when the topics cannot be heard. */
  state: (isJoined: boolean) => void
}

const EVENTS = ['INSERT', 'UPDATE', 'DELETE', 'REFRESH'] as const

/** Listens to the topics of assets and runs. Answers a function that ends it. */
export function listen(ears: Ears): () => void {
  const { supabase_url, publishable_key } = settings()
  const address = `${supabase_url.replace(/^http/, 'ws')}/realtime/v1`
  const client = new RealtimeClient(address, { params: { apikey: publishable_key }, accessToken })
  let isOver = false
  void client
    .setAuth()
    .then(() => {
      if (isOver) return
      const topic = (name: string) => client.channel(name, { config: { private: true } })
      const assets = topic('media_sync:assets')
      for (const event of EVENTS) {
        assets.on('broadcast', { event }, ({ payload }) => ears.asset(event, payload))
      }
      assets.subscribe((status) => {
        if (!isOver) ears.state(status === 'SUBSCRIBED')
      })
      const runs = topic('media_sync:runs')
      for (const event of ['INSERT', 'UPDATE']) runs.on('broadcast', { event }, () => ears.run())
      runs.subscribe()
    })
    .catch(() => {
      if (!isOver) ears.state(false)
    })
  return () => {
    isOver = true
    void client.removeAllChannels()
    void client.disconnect()
  }
}
