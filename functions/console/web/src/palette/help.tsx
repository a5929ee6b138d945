import { Dialog } from '../ui/dialog'
import { Commands } from './commands'
import { shownHelp } from './open'

const KEYS: [string, string][] = [
  ['Ctrl K', 'all commands'],
  ['?', 'this list'],
  ['/', 'go to the search'],
  ['← ↑ → ↓', 'walk through the assets'],
  ['Enter', 'open the asset'],
  ['Space', 'choose the asset'],
  ['Shift Space', 'choose all from the last chosen one; Shift and a click do it too'],
  ['Escape', 'close the drawer, then let go of the chosen assets'],
]

export default function Help() {
  const close = () => {
    shownHelp.value = null
  }
  if (shownHelp.value === 'commands') return <Commands onClose={close} />
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="keys">
        {KEYS.map(([key, told]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{told}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
