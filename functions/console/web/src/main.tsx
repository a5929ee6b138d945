import './styles/base.css'
import './styles/parts.css'
import './styles/shell.css'
import './styles/library.css'
import './styles/asset.css'
import './styles/pages.css'
import { render } from 'preact'
import { readSettings } from './api/settings'
import { App } from './app'
import { link } from './live/state'
import { beginSession, client, comeBack } from './session/session'
import { BrokenStart } from './ui/states'

const root = document.getElementById('app')

async function start(into: HTMLElement): Promise<void> {
  try {
    await readSettings()
    if (!(await comeBack())) await beginSession()
    // The line that stands there until the program has come.
    into.replaceChildren()
    render(<App />, into)
  } catch (error) {
    into.replaceChildren()
    render(<BrokenStart error={error} />, into)
    return
  }
  await follow()
}

/** Comes after the first picture. Without it the page looks by itself. */
async function follow(): Promise<void> {
  void import('./ui/keep-place').then(({ keepPlace }) => keepPlace())
  try {
    await client()
    const { followLibrary } = await import('./live/follow')
    followLibrary()
  } catch {
    link.value = 'polling'
  }
}

if (root) void start(root)
