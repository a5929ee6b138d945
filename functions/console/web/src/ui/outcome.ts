import { signal } from '@preact/signals'
import type { Outcome } from '../api/changes'

interface Shown {
  title: string
  outcome: Outcome
  /** Offered for assets that are in use. */
  force?: (ids: string[]) => Promise<void>
}

/** The outcome that a dialog shows. */
export const shownOutcome = signal<Shown | null>(null)

/** Shows each asset that failed, with its reason. */
export function showOutcome(title: string, outcome: Outcome, force?: (ids: string[]) => Promise<void>): void {
  shownOutcome.value = { title, outcome, ...(force && { force }) }
}
