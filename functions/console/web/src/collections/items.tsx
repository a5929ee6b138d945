import { useSignal } from '@preact/signals'
import { addToCollection, type Collection, type Item, moveItem, removeItem } from '../api/collections'
import { nameOf } from '../library/tile'
import { whyNoCollectionChange } from '../session/rights'
import { AssetLink } from '../ui/asset-link'
import { Button } from '../ui/button'
import { Foreign } from '../ui/text'
import { Thumbnail } from '../ui/thumbnail'
import { toast } from '../ui/toast'

interface ItemsProps {
  collection: Collection
  items: Item[]
  /** False if more follow. */
  isWhole: boolean
}

/** The assets in their order. Buttons move them, so a keyboard does it too. */
export function Items({ collection, items, isWhole }: ItemsProps) {
  const busy = useSignal(false)
  const refused = whyNoCollectionChange(collection) ?? (busy.value ? 'The last change is under way.' : null)
  const act = async (action: () => Promise<unknown>) => {
    busy.value = true
    try {
      await action()
    } catch (error) {
      toast(error instanceof Error ? error.message : 'It failed.')
    } finally {
      busy.value = false
    }
  }
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
          // Places count from 1.
          onMove={(steps) => void act(() => moveItem(collection.id, item.asset_id, at + 1 + steps))}
          onFirst={() => void act(() => moveItem(collection.id, item.asset_id, 1))}
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
  onMove: (steps: number) => void
  onFirst: () => void
  onRemove: () => void
}

function Line({ item, refused, isFirst, isLast, onMove, onFirst, onRemove }: LineProps) {
  const id = item.cloudinary_asset_id ?? item.asset_id
  const name = nameOf(item)
  const whyNotUp = isFirst ? 'It is the first one.' : null
  return (
    <li>
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
