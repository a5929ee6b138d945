import { useSignal } from '@preact/signals'
import { addToCollection, type Collection, type Item, moveItem, removeItem } from '../api/collections'
import { nameOf } from '../library/tile'
import { whyNoCollectionChange } from '../session/rights'
import { AssetLink } from '../ui/asset-link'
import { Button } from '../ui/button'
import { Icon } from '../ui/icon'
import { Foreign } from '../ui/text'
import { Thumbnail } from '../ui/thumbnail'
import { toast } from '../ui/toast'
import { moved } from './places'
import { useDrag } from './use-drag'

interface ItemsProps {
  collection: Collection
  items: Item[]
  /** False if more follow. */
  isWhole: boolean
}

const orderOf = (items: Item[]): string => items.map(({ asset_id }) => asset_id).join()

/** The assets in their order. A pointer drags them, and buttons move them, so a keyboard does it too. */
export function Items({ collection, items: told, isWhole }: ItemsProps) {
  const busy = useSignal(false)
  // A dropped asset stays where it was dropped until the service tells another order.
  const dropped = useSignal<{ before: string; items: Item[] } | null>(null)
  const items = dropped.value?.before === orderOf(told) ? dropped.value.items : told
  const refused = whyNoCollectionChange(collection) ?? (busy.value ? 'The last change is under way.' : null)
  const act = async (action: () => Promise<unknown>) => {
    busy.value = true
    try {
      await action()
    } catch (error) {
      dropped.value = null
      toast(error instanceof Error ? error.message : 'It failed.')
    } finally {
      busy.value = false
    }
  }
  // Places count from 1.
  const place = (item: Item, at: number) => void act(() => moveItem(collection.id, item.asset_id, at + 1))
  const { holds, offsetOf, handle } = useDrag((from, to) => {
    const item = items[from]
    if (!item) return
    dropped.value = { before: orderOf(told), items: moved(items, from, to) }
    place(item, to)
  })
  const remove = (asset: string, place: number) =>
    act(async () => {
      await removeItem(collection.id, asset)
      toast('1 asset removed from the collection.', () =>
        act(() => addToCollection(collection.id, [asset], place)),
      )
    })
  return (
    <ol class="collection-items" aria-label="Assets of the collection">
      {items.map((item, at) => (
        <Line
          key={item.asset_id}
          item={item}
          refused={refused}
          isFirst={at === 0}
          isLast={isWhole && at === items.length - 1}
          isHeld={holds(at)}
          offset={offsetOf(at)}
          handle={handle(at)}
          onMove={(steps) => place(item, at + steps)}
          onFirst={() => place(item, 0)}
          onRemove={() => void remove(item.asset_id, at + 1)}
        />
      ))}
    </ol>
  )
}

interface LineProps {
  item: Item
  refused: string | null
  isFirst: boolean
  isLast: boolean
  isHeld: boolean
  /** Pixels from its place, while a pointer holds it or it makes way. */
  offset: number | null
  handle: ReturnType<ReturnType<typeof useDrag>['handle']>
  onMove: (steps: number) => void
  onFirst: () => void
  onRemove: () => void
}

function Line(props: LineProps) {
  const { item, refused, isFirst, isLast, isHeld, offset, handle, onMove, onFirst, onRemove } = props
  const id = item.cloudinary_asset_id ?? item.asset_id
  const name = nameOf(item)
  const whyNotUp = isFirst ? 'It is the first one.' : null
  return (
    <li
      class={isHeld ? 'held' : undefined}
      style={offset === null ? undefined : { transform: `translateY(${offset}px)` }}
    >
      {/* The buttons do the same for those who do not use a pointer. */}
      <span class="grip" aria-hidden="true" title="Drag it to another place" {...(refused ? {} : handle)}>
        <Icon name="grip" />
      </span>
      <Thumbnail id={id} kind={item.resource_type} />
      <span class="what">
        <AssetLink id={id}>
          <Foreign>{name}</Foreign>
        </AssetLink>
        <span class="fine">
          <Foreign>{item.folder || '/'}</Foreign>
        </span>
      </span>
      <span class="moves">
        <Button
          kind="quiet"
          icon="first"
          label={`Move ${name} to the first place`}
          disabledReason={refused ?? whyNotUp}
          onClick={onFirst}
        />
        <Button
          kind="quiet"
          icon="up"
          label={`Move ${name} up`}
          disabledReason={refused ?? whyNotUp}
          onClick={() => onMove(-1)}
        />
        <Button
          kind="quiet"
          icon="down"
          label={`Move ${name} down`}
          disabledReason={refused ?? (isLast ? 'It is the last one.' : null)}
          onClick={() => onMove(1)}
        />
        <Button
          kind="quiet"
          icon="close"
          label={`Remove ${name}`}
          disabledReason={refused}
          onClick={onRemove}
        />
      </span>
    </li>
  )
}
