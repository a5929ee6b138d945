import { keepPreviousData, useInfiniteQuery } from '@tanstack/preact-query'
import { COLLECTIONS_PAGE, readCollections } from '../api/collections'

/** Collections by a part of their names, page after page; with an owner that person's alone. */
export const useCollections = (search: string, owner: string | null = null) =>
  useInfiniteQuery({
    queryKey: ['collections', 'list', search, owner],
    queryFn: ({ pageParam }) => readCollections(search, pageParam, owner),
    initialPageParam: 0,
    getNextPageParam: (page, _, from) => (page.length < COLLECTIONS_PAGE ? null : from + COLLECTIONS_PAGE),
    placeholderData: keepPreviousData,
  })
