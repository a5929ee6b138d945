import { useSignal } from '@preact/signals'
import { Button } from '../ui/button'
import type { IconName } from '../ui/icon'
import { tellOutcome } from './carry-out'

interface ActionButtonProps {
  icon: IconName
  kind?: 'plain' | 'quiet'
  disabledReason: string | null
  /** Answers what is said of it afterwards. */
  action: () => Promise<string>
  children: string
}

/** A button that does one thing about the asset, once at a time, and says what came of it. */
export function ActionButton({ disabledReason, action, ...rest }: ActionButtonProps) {
  const busy = useSignal(false)
  const act = async () => {
    busy.value = true
    await tellOutcome(action)
    busy.value = false
  }
  return (
    <Button
      {...rest}
      disabledReason={disabledReason ?? (busy.value ? 'It is being done.' : null)}
      onClick={() => void act()}
    />
  )
}
