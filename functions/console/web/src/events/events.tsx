import '../styles/events.css'
import { useInfiniteQuery } from '@tanstack/preact-query'
import { useState } from 'preact/hooks'
import { asked } from '../api/curl'
import { type EventsQuery, readEvents } from '../api/queries'
import type { Event } from '../api/types'
import { plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Choice, Day, useFilters, Word } from '../ui/filter-fields'
import { Empty, Failed, Loading } from '../ui/states'
import { EventLine, whyNoReplay } from './event'
import { GivenUpMessages } from './given-up'
import { Refusals } from './refusals'
import { ReplayBar } from './replay'

const FILTERS = ['verdict', 'asset_id', 'date_from', 'date_to'] as const

const VERDICTS = ['applied', 'superseded', 'parked']

export default function Events() {
  const { filters, change } = useFilters(FILTERS)
  const list = useInfiniteQuery({
    queryKey: ['events', filters],
    queryFn: ({ pageParam }) => readEvents(filters as EventsQuery, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.pagination.next_cursor,
  })
  const events = list.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <div class="page">
      <div class="page-head">
        <h1>Events</h1>
        <span class="fine">Cloudinary's notifications, and what became of them</span>
        <CopyCurl request={asked('/api/cloudinary/events', filters)} />
      </div>
      <div class="filters">
        <Choice name="verdict" label="Verdict" choices={VERDICTS} value={filters.verdict} onChange={change} />
        <Word name="asset_id" label="Asset id" value={filters.asset_id} onChange={change} />
        <Day name="date_from" label="From" value={filters.date_from} onChange={change} />
        <Day name="date_to" label="Until" value={filters.date_to} onChange={change} />
        <Button kind="quiet" onClick={() => void list.refetch()}>
          Look again
        </Button>
      </div>
      {list.isPending && <Loading what="the events" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.data && <GivenUpMessages />}
      {list.data && <Refusals refusals={list.data.pages[0]?.refusals ?? []} />}
      {list.data && (
        <Recorded key={JSON.stringify(filters)} events={events} asset={filters.asset_id ?? null} />
      )}
      {list.hasNextPage && (
        <p class="row end">
          <Button onClick={() => void list.fetchNextPage()}>Older events</Button>
        </p>
      )}
    </div>
  )
}

/** The recorded notifications, of which some are chosen to be applied again. */
function Recorded({ events, asset }: { events: Event[]; asset: string | null }) {
  const [wanted, setWanted] = useState<ReadonlySet<string>>(new Set())
  const chosen = events.filter(({ id }) => wanted.has(id)).map(({ id }) => id)
  const open = events.filter((event) => whyNoReplay(event) === null)
  const toggle = (id: string) => {
    const next = new Set(wanted)
    if (!next.delete(id)) next.add(id)
    setWanted(next)
  }
  return (
    <>
      <ReplayBar chosen={chosen} asset={asset} onDone={() => setWanted(new Set())}>
        <Button
          disabledReason={open.length === 0 ? 'None of them can be applied again.' : null}
          onClick={() => setWanted(new Set(open.map(({ id }) => id)))}
        >
          Choose all {open.length} shown
        </Button>
        {chosen.length > 0 && (
          <Button kind="quiet" onClick={() => setWanted(new Set())}>
            Clear {plural(chosen.length, 'event')}
          </Button>
        )}
      </ReplayBar>
      {events.length === 0 && (
        <Empty title="No event matches">
          <p>A notification appears here once it has been received and judged.</p>
        </Empty>
      )}
      {events.length > 0 && (
        <ol class="events" aria-label="Events">
          {events.map((event) => (
            <EventLine
              key={event.id}
              event={event}
              isChosen={wanted.has(event.id)}
              onChoose={() => toggle(event.id)}
            />
          ))}
        </ol>
      )}
    </>
  )
}
