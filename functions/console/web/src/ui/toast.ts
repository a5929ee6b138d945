import { signal } from '@preact/signals'

interface Toast {
  id: number
  /** Until it goes; it stays while somebody points at it. */
  timer: number
  text: string
  undo?: () => Promise<void>
}

/** As long as an undo is offered. */
const SHOWN = 10_000

export const toasts = signal<Toast[]>([])
let next = 1

export function toast(text: string, undo?: () => Promise<void>): void {
  const id = next++
  // Said again it is said once, so that it drives no undo away.
  const others = toasts.value.filter((other) => other.undo || other.text !== text)
  toasts.value = [...others.slice(-2), { id, text, timer: goLater(id), ...(undo && { undo }) }]
}

const goLater = (id: number) => window.setTimeout(() => dismiss(id), SHOWN)

export function keep(id: number): void {
  clearTimeout(toasts.value.find((toast) => toast.id === id)?.timer)
}

export function letGo(id: number): void {
  keep(id)
  toasts.value = toasts.value.map((toast) => (toast.id === id ? { ...toast, timer: goLater(id) } : toast))
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}
