import { useSignal } from '@preact/signals'
import type { Asset, Edit } from '../api/types'
import { wholeTags } from '../asset/draft'
import { TagField } from '../asset/tag-field'
import { plural } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { Dialog } from '../ui/dialog'
import { FailedLine } from '../ui/states'
import { Foreign } from '../ui/text'
import { editMany } from './edit-many'
import { NotShown } from './not-shown'
import { letGoOf } from './selection'

interface Wish {
  added: string[]
  removed: string[]
}

const editOf = (asset_id: string, { added, removed }: Wish): Edit => ({
  asset_id,
  ...(added.length > 0 && { add_tags: added }),
  ...(removed.length > 0 && { remove_tags: removed }),
})

/** The edits that carry out a wish, and those that take back what it changes of each asset. */
function editsOf(assets: Asset[], wish: Wish): { edits: Edit[]; undo: Edit[] } {
  const known = assets.flatMap(({ cloudinary_asset_id: id, tags }) => (id ? [{ id, tags }] : []))
  const back = known.map(({ id, tags }) => ({
    id,
    added: wish.removed.filter((tag) => tags.includes(tag)),
    removed: wish.added.filter((tag) => !tags.includes(tag)),
  }))
  return {
    edits: known.map(({ id }) => editOf(id, wish)),
    undo: back
      .filter(({ added, removed }) => added.length + removed.length > 0)
      .map(({ id, ...changed }) => editOf(id, changed)),
  }
}

interface TagDialogProps {
  assets: Asset[]
  notShown: Asset[]
  onClose: () => void
}

/** Adds tags to many assets and removes others. What else they have, they keep. */
export function TagDialog({ assets, notShown, onClose }: TagDialogProps) {
  const added = useSignal<string[]>([])
  const typed = useSignal('')
  const removed = useSignal<string[]>([])
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const present = [...new Set(assets.flatMap(({ tags }) => tags))].sort()
  const all = wholeTags(added.value, typed.value)
  const wish = { added: all, removed: removed.value.filter((tag) => !all.includes(tag)) }
  const isEmpty = wish.added.length + wish.removed.length === 0
  const save = async (event: Event) => {
    event.preventDefault()
    if (isEmpty || busy.value) return
    busy.value = true
    failed.value = null
    const edits = editsOf(assets, wish)
    try {
      const { done, brokenBy } = await editMany({
        title: 'Tags',
        ...edits,
        done: (assets) => `Tags of ${assets} changed.`,
        takenBack: (assets) => `Tags of ${assets} taken back.`,
      })
      if (brokenBy) failed.value = brokenBy
      else onClose()
      // Those that failed stay chosen, for another try.
      if (done.length < edits.edits.length) letGoOf(done)
    } catch (error) {
      failed.value = error
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog title={`Tags of ${plural(assets.length, 'asset')}`} onClose={onClose}>
      <form onSubmit={save}>
        <NotShown assets={notShown} />
        <TagField
          id="tags-added"
          label="Add"
          tags={added.value}
          typed={typed.value}
          onChange={(tags, text) => {
            added.value = tags
            typed.value = text
            removed.value = removed.value.filter((tag) => !tags.includes(tag))
          }}
        />
        {present.length > 0 && (
          <fieldset class="present-tags">
            <legend>Remove</legend>
            {present.map((tag) => (
              <label class="check" key={tag}>
                <input
                  type="checkbox"
                  checked={removed.value.includes(tag)}
                  onChange={(event) => {
                    const others = removed.value.filter((other) => other !== tag)
                    removed.value = event.currentTarget.checked ? [...others, tag] : others
                    added.value = added.value.filter((other) => other !== tag)
                  }}
                />
                <Foreign>{tag}</Foreign>
              </label>
            ))}
          </fieldset>
        )}
        <FailedLine error={failed.value} />
        <p class="row end">
          <CopyCurl
            request={{
              method: 'PATCH',
              path: '/api/cloudinary/media',
              body: { items: editsOf(assets, wish).edits },
            }}
          />
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" class="button main" disabled={isEmpty || busy.value}>
            Change the tags
          </button>
        </p>
      </form>
    </Dialog>
  )
}
