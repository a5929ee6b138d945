import { useQuery } from '@tanstack/preact-query'
import { readFacets } from '../api/queries'

/** The tags or folders that the most assets have, once somebody types one. The menus of filters ask the same. */
export function useKnown(of: 'tags' | 'folders', isWanted: boolean): string[] {
  const facets = useQuery({
    queryKey: ['media', 'facets', {}],
    queryFn: () => readFacets({}),
    staleTime: 15_000,
    enabled: isWanted,
  })
  return facets.data?.[of].map(({ value }) => value) ?? []
}
