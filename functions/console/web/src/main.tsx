import './styles/base.css'
import './styles/parts.css'
import './styles/shell.css'
import './styles/library.css'
import './styles/asset.css'
import './styles/pages.css'
import { render } from 'preact'
import { readSettings } from './api/settings'
import { App } from './app'
import { beginSession } from './session/session'
import { BrokenStart } from './ui/states'

const root = document.getElementById('app')

async function start(into: HTMLElement): Promise<void> {
  try {
    const settings = await readSettings()
    await beginSession(settings)
    render(<App />, into)
    const { followLibrary } = await import('./live/follow')
    followLibrary(settings)
  } catch (error) {
    render(<BrokenStart error={error} />, into)
  }
}

if (root) void start(root)
