import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { forgetMedia } from '../api/queries'
import { paused, setPaused } from '../live/state'
import { openPages } from '../pages'
import { signOut } from '../session/session'
import { Dialog } from '../ui/dialog'
import { shownHelp } from './open'

interface Command {
  name: string
  run: () => void
}

const ACTIONS: Command[] = [
  { name: 'Look again', run: forgetMedia },
  { name: 'Pause or go on with live updates', run: () => setPaused(!paused.value) },
  { name: 'Show the keys', run: () => (shownHelp.value = 'keys') },
  { name: 'Sign out', run: () => void signOut() },
]

/** Commands whose names hold every typed word; the last one looks for the words in the library. */
function matching(text: string, go: (path: string) => void): Command[] {
  const pages = openPages().map(({ name, path }) => ({ name: `Go to ${name}`, run: () => go(path) }))
  const words = text.toLowerCase().split(/\s+/)
  const found = [...pages, ...ACTIONS].filter(({ name }) =>
    words.every((word) => name.toLowerCase().includes(word)),
  )
  const search = text.trim()
  if (!search) return found
  const path = `/console?search=${encodeURIComponent(search)}`
  return [...found, { name: `Search the library for “${search}”`, run: () => go(path) }]
}

export function Commands({ onClose }: { onClose: () => void }) {
  const { route } = useLocation()
  const typed = useSignal('')
  const active = useSignal(0)
  const commands = matching(typed.value, route)
  const at = Math.min(active.value, commands.length - 1)
  const run = (command: Command | undefined) => {
    onClose()
    command?.run()
  }
  const listen = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) active.value = (at + step + commands.length) % commands.length
    else if (event.key === 'Enter') run(commands[at])
    else return
    event.preventDefault()
  }
  return (
    <Dialog title="Commands" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={`command-${at}`}
        autocomplete="off"
        maxLength={200}
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value
          active.value = 0
        }}
        onKeyDown={listen}
      />
      <div role="listbox" id="commands" aria-label="Commands" class="commands">
        {commands.map((command, number) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above takes the keys.
          <div
            role="option"
            tabIndex={-1}
            key={command.name}
            id={`command-${number}`}
            aria-selected={number === at}
            onClick={() => run(command)}
          >
            {command.name}
          </div>
        ))}
      </div>
    </Dialog>
  )
}
