import { Button } from '../ui/button'
import { Empty } from '../ui/states'
import { renewSession } from './session'

export default function OnlyAdmins() {
  return (
    <Empty title="Only administrators see this page">
      <p>If somebody has just made you one, refresh your rights.</p>
      <p class="row">
        <a href="/console">Go to the library</a>
        <Button onClick={() => void renewSession()}>Refresh my rights</Button>
      </p>
    </Empty>
  )
}
