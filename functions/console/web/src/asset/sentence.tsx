import type { AssetEntry } from '../api/types'
import { Person } from '../session/person'
import { words } from '../text'
import { Foreign } from '../ui/text'
import { differing, NOTHING, type Part } from './differing'
import { changeOf } from './put-back'

/** Operations of people, behind their names. */
const DEEDS: Record<string, string> = {
  edit_requested: 'changed ',
  described: 'changed ',
  delete_requested: 'deleted the asset',
  restore_requested: 'restored the asset',
  retry_requested: 'had the change tried again',
  replay_requested: "had Cloudinary's reports applied again",
  upload_requested: 'uploaded the file',
  upload_signed: 'began an upload',
  owner_changed: 'gave the asset another owner',
  deletes_allowed: 'let the held delete go',
}

/** News, behind the name of their teller. */
const NEWS: Record<string, string> = {
  created: ' a new asset',
  updated: ' a change: ',
  renamed: ' a change: ',
  deleted: ' that the asset was deleted',
  revived: ' that the asset is back',
}

/** Operations that happen by themselves. */
const EVENTS: Record<string, string> = {
  edit_confirmed: 'Cloudinary has the change',
  edit: 'Cloudinary did not take the change',
  delete_confirmed: 'Cloudinary has deleted the asset',
  delete: 'Cloudinary did not delete the asset',
  delete_cancelled: 'The delete was called off, because newer content had come',
  restore_confirmed: 'Cloudinary has restored the asset',
  restore: 'Cloudinary did not restore the asset',
  restore_cancelled: 'The restore was called off, because another asset has the name',
  upload_failed: 'The upload failed',
  conflict: 'Both sides had changed the same value',
  value_kept: 'Cloudinary took a value, and shows another',
}

const TELLERS: Partial<Record<AssetEntry['source'], string>> = {
  webhook: 'Cloudinary reported',
  outbound: 'Cloudinary answered with',
}

/** An entry of the trail as a person would tell it. */
export function Sentence({ of: entry }: { of: AssetEntry }) {
  const { operation, source, actor } = entry
  const deed = DEEDS[operation]
  const news = NEWS[operation]
  if (!deed && !news) return <>{EVENTS[operation] ?? words(operation)}</>
  return (
    <>
      {news && (TELLERS[source] ?? 'A comparison found')}
      {!news && (actor ? <Person id={actor} isFirst /> : 'Somebody in the database')}
      {news ?? ` ${deed}`}
      <Changes of={entry} />
    </>
  )
}

const NAMES: Record<string, string> = {
  cloudinary_version: 'a new version of the file',
  cloudinary_public_id: 'the public id',
  folder: 'the folder',
  display_name: 'the display name',
  tags: 'the tags',
  context: 'the context',
  metadata: 'the metadata',
  description: 'the description',
  alt_text: 'the alternative text',
}

function Changes({ of }: { of: AssetEntry }) {
  const change = changeOf(of)
  if (!change) return null
  const columns = Object.keys(NAMES).filter((column) => column in change.from)
  if (columns.length === 0) return <>other properties</>
  return (
    <>
      {columns.map((column, at) => (
        <span key={column}>
          {at > 0 && '; '}
          {NAMES[column]}
          {column !== 'cloudinary_version' &&
            differing(change.from[column], change.to[column]).map((part, at) => (
              <span key={part.key}>
                {at > 0 ? ', ' : ': '}
                <Became of={part} isSet={column === 'tags'} />
              </span>
            ))}
        </span>
      ))}
    </>
  )
}

/** The change of one value, or of all tags. */
function Became({ of: { key, here: from, there: to }, isSet }: { of: Part; isSet: boolean }) {
  const [isNew, isGone] = [from === NOTHING, to === NOTHING]
  return (
    <>
      {key && (
        <>
          <Foreign>{key}</Foreign>{' '}
        </>
      )}
      {!isSet && !isNew && !isGone ? (
        <>
          <Quoted>{from}</Quoted> became <Quoted>{to}</Quoted>
        </>
      ) : (
        <>
          {!isNew && (
            <>
              removed <Quoted>{from}</Quoted>
            </>
          )}
          {!isNew && !isGone && ', '}
          {!isGone && (
            <>
              added <Quoted>{to}</Quoted>
            </>
          )}
        </>
      )}
    </>
  )
}

/** Characters of a value that are shown; all of them are among the particulars. */
const SHOWN = 100

function Quoted({ children }: { children: string }) {
  const isLong = children.length > SHOWN
  return (
    <q>
      <Foreign>{isLong ? `${children.slice(0, SHOWN)}…` : children}</Foreign>
    </q>
  )
}

const REPORTS: Record<string, string> = {
  upload: 'an upload',
  delete: 'a delete',
  restore: 'a restore',
  rename: 'another public id',
  move: 'another folder',
  resource_display_name_changed: 'another display name',
  resource_tags_changed: 'other tags',
  resource_context_changed: 'another context',
  resource_metadata_changed: 'other metadata',
}

export const reported = (type: string | null): string =>
  `Cloudinary reported ${REPORTS[type ?? ''] ?? `“${words(type ?? 'nothing known')}”`}`
