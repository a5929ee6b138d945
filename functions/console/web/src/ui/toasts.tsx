import { Button } from './button'
import { dismiss, keep, letGo, toasts } from './toast'

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, text, undo }) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only keeps it.
        <div
          class="toast"
          key={id}
          onMouseEnter={() => keep(id)}
          onMouseLeave={() => letGo(id)}
          onFocusIn={() => keep(id)}
          onFocusOut={() => letGo(id)}
        >
          <span>{text}</span>
          {undo && (
            <Button
              kind="quiet"
              onClick={() => {
                dismiss(id)
                void undo()
              }}
            >
              Undo
            </Button>
          )}
          <Button kind="quiet" icon="close" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  )
}
