import './styles/base.css'
import './styles/parts.css'
import './styles/shell.css'
import './styles/library.css'
import './styles/asset.css'
import { render } from 'preact'
import { readSettings } from './api/settings'
import { App } from './app'
import { beginSession } from './session/session'
import { BrokenStart } from './ui/states'

const root = document.getElementById('app')

async function start(into: HTMLElement): Promise<void> {
  try {
    await beginSession(await readSettings())
    render(<App />, into)
  } catch (error) {
    render(<BrokenStart error={error} />, into)
  }
}

if (root) void start(root)
