import { computed, signal } from '@preact/signals'
import { focusManager } from '@tanstack/preact-query'

/** `live`: changes are told as they happen. `polling`: the page asks now and then. */
export const link = signal<'joining' | 'live' | 'polling'>('joining')

export const paused = signal(false)

interface News {
  /** Rows that came, went, or came to match. */
  ids: ReadonlySet<string>
  /** True if more changed than was told one by one. */
  isMany: boolean
}

const NONE: News = { ids: new Set(), isMany: false }

/** Changes that the list does not show yet. */
export const news = signal<News>(NONE)

export const hasNews = computed(() => news.value.isMany || news.value.ids.size > 0)

export function noteNews(id: string | null): void {
  const { ids, isMany } = news.value
  news.value = id === null ? { ids, isMany: true } : { ids: new Set(ids).add(id), isMany }
}

export function forgetNews(): void {
  if (hasNews.value) news.value = NONE
}

/** While it is paused, nothing is asked for either, but what a person asks for. */
export function setPaused(wanted: boolean): void {
  paused.value = wanted
  focusManager.setFocused(wanted ? false : undefined)
}
