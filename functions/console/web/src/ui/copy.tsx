import { curl, type ShownRequest } from '../api/curl'
import { Button } from './button'
import { toast } from './toast'

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    toast(`${what} copied.`)
  } catch {
    toast('The browser does not allow copying here.')
  }
}

/** The call that an action makes, for people who want to make it themselves. */
export function CopyCurl({ request, kind = 'quiet' }: { request: ShownRequest; kind?: 'quiet' | 'plain' }) {
  return (
    <Button kind={kind} icon="copy" onClick={() => void copy(curl(request), 'Command')}>
      Copy as curl
    </Button>
  )
}
