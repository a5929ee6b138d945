import { signal } from '@preact/signals'
import { Button } from './button'

interface Toast {
  id: number
  /** Until it goes; it stays while somebody points at it. */
  timer: number
  text: string
  undo?: () => Promise<void>
}

/** As long as an undo is offered. */
const SHOWN = 10_000

const toasts = signal<Toast[]>([])
let next = 1

export function toast(text: string, undo?: () => Promise<void>): void {
  const id = next++
  toasts.value = [...toasts.value.slice(-2), { id, text, timer: goLater(id), ...(undo && { undo }) }]
}

const goLater = (id: number) => window.setTimeout(() => dismiss(id), SHOWN)

function keep(id: number): void {
  clearTimeout(toasts.value.find((toast) => toast.id === id)?.timer)
}

function letGo(id: number): void {
  keep(id)
  toasts.value = toasts.value.map((toast) => (toast.id === id ? { ...toast, timer: goLater(id) } : toast))
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

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
