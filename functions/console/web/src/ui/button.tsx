import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'
import { Icon, type IconName } from './icon'
import { toast } from './toast'

interface ButtonProps extends Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'label'> {
  icon?: IconName
  kind?: 'plain' | 'main' | 'danger' | 'quiet'
  /** The name of a button that shows its icon alone. */
  label?: string
  /** Why it cannot be used now. The button stays, can be reached, and says so. */
  disabledReason?: string | null
  children?: ComponentChildren
}

export function Button({
  icon,
  kind = 'plain',
  label,
  disabledReason,
  title,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  const id = useId()
  const off = Boolean(disabledReason)
  // A finger and the keyboard see no title.
  const tellWhy = (event: Event) => {
    event.preventDefault()
    if (disabledReason) toast(disabledReason)
  }
  return (
    <span class="button-frame">
      <button
        type="button"
        class={`button ${kind}`}
        aria-label={label}
        aria-disabled={off || undefined}
        aria-describedby={off ? id : undefined}
        title={disabledReason ?? title ?? label}
        onClick={off ? tellWhy : onClick}
        {...rest}
      >
        {icon && <Icon name={icon} />}
        {children}
      </button>
      {off && (
        <span id={id} class="unseen">
          {disabledReason}
        </span>
      )}
    </span>
  )
}
