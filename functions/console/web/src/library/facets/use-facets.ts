import { keepPreviousData, useQuery } from '@tanstack/preact-query'
import { type FacetsQuery, readFacets } from '../../api/queries'
import type { FilterName, Filters } from '../filters'
import { listQuery } from '../filters'

/** Filters that say nothing about the numbers. */
const ORDER: FilterName[] = ['sort_by', 'sort_order']

/** The filters but for some of them. */
const without = (filters: Filters, names: FilterName[]): Filters =>
  Object.fromEntries(Object.entries(filters).filter(([name]) => !names.includes(name as FilterName)))

/**
 * The numbers under all filters but a menu's own: else a menu would show only what is chosen already.
 * Menus without a choice share one question.
 */
export function useFacets(filters: Filters, own: FilterName[]) {
  const others = without(filters, [...ORDER, ...own])
  return useQuery({
    queryKey: ['media', 'facets', others],
    queryFn: () => readFacets(listQuery(others) as FacetsQuery),
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  })
}
