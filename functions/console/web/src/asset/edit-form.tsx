import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect } from 'preact/hooks'
import { Problem } from '../api/problem'
import { queries, readAsset } from '../api/queries'
import type { Edit, WholeAsset } from '../api/types'
import { words } from '../text'
import { Button } from '../ui/button'
import { CopyCurl } from '../ui/copy'
import { FailedLine } from '../ui/states'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'
import { carryOut, takeBack } from './carry-out'
import { altOf, type Draft, draftOf, editBetween, isKeptHere, same, settled } from './draft'
import { beginEditing, keepDraft, overtakenFields } from './drafts'
import { FolderField } from './folder-field'
import { KeyValues } from './key-values'
import { TagField } from './tag-field'

type TextField = 'display_name' | 'public_id' | 'description' | 'alt_text'

const FIELDS: { name: TextField; label: string; most: number; hint?: string; long?: boolean }[] = [
  { name: 'display_name', label: 'Display name', most: 255 },
  { name: 'public_id', label: 'Public id', most: 255, hint: 'A rename changes the delivery address.' },
  {
    name: 'alt_text',
    label: 'Alternative text',
    most: 1024,
    hint: 'Says what the picture shows, for people who cannot see it. Cloudinary gets it, too.',
    long: true,
  },
  { name: 'description', label: 'Description', most: 10_000, hint: 'Kept here only.', long: true },
]

interface EditFormProps {
  asset: WholeAsset
  /** The tag of the state that is shown. */
  etag: string
  disabledReason: string | null
}

export function EditForm({ asset, etag, disabledReason }: EditFormProps) {
  const begun = beginEditing(asset)
  // What the person saw when they began: only their changes are sent, whatever arrives meanwhile.
  const base = useSignal<Draft>(begun.base)
  const draft = useSignal<Draft>(begun.draft)
  const failed = useSignal<unknown>(null)
  const busy = useSignal(false)
  const edit = editBetween(asset.cloudinary_asset_id ?? '', base.value, draft.value)
  const overtaken = edit && !busy.value ? overtakenFields(edit, base.value, draftOf(asset)) : []
  const isTouched = edit !== null || busy.value || draft.value.typed_tags !== ''
  useEffect(() => {
    if (isTouched) return
    base.value = draftOf(asset)
    draft.value = base.value
  }, [asset, isTouched, base, draft])
  // Before the next key: Escape may be it.
  useLayoutEffect(() => {
    keepDraft(asset.id, edit && { base: base.value, draft: draft.value })
  })

  const change = (changed: Partial<Draft>) => {
    draft.value = { ...draft.value, ...changed }
  }

  const save = async (event: Event) => {
    event.preventDefault()
    if (!edit || disabledReason || busy.value) return
    busy.value = true
    failed.value = null
    // What is typed meanwhile is an edit of its own.
    const sent = settled(draft.value)
    draft.value = sent
    const undo = editBetween(edit.asset_id, sent, base.value)
    try {
      await carryOutUnlessOvertaken(edit, base.value, etag)
      // Else the form would show the values of before until the next look.
      await queries.invalidateQueries({ queryKey: ['media', 'asset'] })
      base.value = sent
      // The drawer may be closed by now, and nobody else would take the draft away.
      if (same(draft.value, sent)) keepDraft(asset.id, null)
      toast(
        isKeptHere(edit) ? 'Saved.' : 'Saved. Cloudinary follows.',
        undo ? () => takeBack(undo) : undefined,
      )
    } catch (error) {
      // Then the form tells which fields somebody else has changed.
      if (isOvertaken(error)) await queries.invalidateQueries({ queryKey: ['media', 'asset'] })
      else failed.value = error
    } finally {
      busy.value = false
    }
  }

  return (
    <form class="edit" onSubmit={save} aria-label="Edit">
      <h3>Edit</h3>
      {disabledReason && <p class="fine">{disabledReason}</p>}
      <fieldset disabled={Boolean(disabledReason)}>
        {FIELDS.map(({ name, label, most, hint, long }) => {
          const Field = long ? 'textarea' : 'input'
          return (
            <div class="field" key={name}>
              <label for={`edit-${name}`}>{label}</label>
              <Field
                id={`edit-${name}`}
                name={name}
                dir="auto"
                maxLength={most}
                aria-describedby={hint && `hint-${name}`}
                value={draft.value[name]}
                onInput={(event: Event) =>
                  change({ [name]: (event.currentTarget as HTMLInputElement).value })
                }
              />
              {hint && (
                <span class="fine" id={`hint-${name}`}>
                  {hint}
                </span>
              )}
              {name === 'alt_text' && asset.alt_text && asset.alt_text !== altOf(asset) && (
                <span class="fine">
                  The database has another one: <Foreign>{asset.alt_text}</Foreign>. What you save replaces
                  both.
                </span>
              )}
            </div>
          )
        })}
        <FolderField
          id="edit-folder"
          value={draft.value.folder}
          isChanged={draft.value.folder !== base.value.folder}
          onChange={(folder) => change({ folder })}
        />
        <TagField
          tags={draft.value.tags}
          typed={draft.value.typed_tags}
          onChange={(tags, typed_tags) => change({ tags, typed_tags })}
        />
        <KeyValues title="Context" pairs={draft.value.context} onChange={(context) => change({ context })} />
        <KeyValues
          title="Metadata"
          isFixed
          pairs={draft.value.metadata}
          onChange={(metadata) => change({ metadata })}
        />
      </fieldset>
      {edit && !disabledReason && (
        <div class="save">
          <FailedLine error={failed.value} />
          {overtaken.length > 0 && (
            <p class="failed-line" role="alert">
              Somebody has changed this meanwhile: {overtaken.map(words).join(', ')}. Save replaces it,
              Discard shows it.
            </p>
          )}
          <p class="row end">
            <CopyCurl request={{ method: 'PATCH', path: '/api/cloudinary/media', body: edit }} />
            <Button
              onClick={() => {
                draft.value = base.value
                failed.value = null
              }}
            >
              Discard
            </Button>
            <button type="submit" class="button main" aria-disabled={busy.value || undefined}>
              {busy.value ? 'Saving …' : 'Save'}
            </button>
          </p>
        </div>
      )}
      {asset.original_filename && (
        <p class="fine">
          Uploaded as <Foreign>{asset.original_filename}</Foreign>
        </p>
      )}
    </form>
  )
}

/** Others' changes of other fields stay as they are. */
async function carryOutUnlessOvertaken(edit: Edit, base: Draft, etag: string): Promise<void> {
  try {
    await carryOut({ ...edit, if_match: etag })
  } catch (error) {
    if (!isOvertaken(error)) throw error
    const now = await readAsset(edit.asset_id)
    if (overtakenFields(edit, base, draftOf(now.asset)).length > 0) throw error
    await carryOut({ ...edit, if_match: now.etag })
  }
}

const isOvertaken = (error: unknown): boolean =>
  error instanceof Problem && error.code === 'precondition_failed'
