import { useSignal } from '@preact/signals'
import { useQuery } from '@tanstack/preact-query'
import { useEffect, useRef } from 'preact/hooks'
import { ErrorBoundary } from 'preact-iso'
import { queries, readAsset } from '../api/queries'
import type { AssetDetails, WholeAsset } from '../api/types'
import { nameOf } from '../library/tile'
import { Person } from '../session/person'
import { whyNoChange, whyNoCollection } from '../session/rights'
import { bytes, moment, safeAddress, words } from '../text'
import { Button } from '../ui/button'
import { CopyCurl, copy } from '../ui/copy'
import { Icon } from '../ui/icon'
import { later } from '../ui/later'
import { Failed, Loading } from '../ui/states'
import { Badge, StateBadge } from '../ui/status'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'
import { Comparison, isDifferent } from './comparison'
import { deleteWithUndo, restore } from './delete'
import { altOf } from './draft'
import { drafted } from './drafts'
import { EditForm } from './edit-form'
import { RetryButton } from './settle'
import { Timeline } from './timeline'
import { Uses } from './uses'

const AddDialog = later(() => import('../collections/add-dialog'))

/** While something is under way it is looked at often. */
const SOON = 2_000
const LATER = 30_000

export default function Drawer({ id, onClose }: { id: string; onClose: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const asset = useQuery({
    queryKey: ['media', 'asset', id],
    queryFn: () => readAsset(id),
    refetchInterval: ({ state }) => (state.data?.asset.sync_status === 'synced' ? LATER : SOON),
  })
  const isThere = Boolean(asset.data)
  useEffect(() => {
    if (isThere) heading.current?.focus()
  }, [isThere])
  const row = asset.data?.asset
  useTellOfDraft(row?.id)
  return (
    <aside
      class="drawer"
      aria-label="Asset"
      onKeyDown={(event) => {
        // In a dialog it closes the dialog alone.
        const isInDialog = (event.target as HTMLElement).closest('dialog')
        if (event.key === 'Escape' && !isInDialog) onClose()
      }}
    >
      <div class="drawer-head">
        <h2 ref={heading} tabIndex={-1}>
          <Foreign>{asset.data ? nameOf(asset.data.asset) : 'Asset'}</Foreign>
        </h2>
        {row && !row.deleted_at && drafted.value.has(row.id) && <Badge kind="pending">Unsaved changes</Badge>}
        <Button kind="quiet" icon="close" label="Close" onClick={onClose} />
      </div>
      {asset.isPending && <Loading what="the asset" />}
      {asset.isError && <Failed error={asset.error} retry={() => void asset.refetch()} />}
      {asset.data && <Details details={asset.data} />}
    </aside>
  )
}

/** Whoever closes the drawer with unsaved changes learns where they are. */
function useTellOfDraft(id: string | undefined): void {
  useEffect(() => {
    if (!id) return undefined
    return () => {
      if (drafted.peek().has(id)) toast('Kept as a draft. Open the asset again to go on.')
    }
  }, [id])
}

function Details({ details }: { details: AssetDetails }) {
  const { asset } = details
  const refused = whyNoChange(asset)
  const assetId = asset.cloudinary_asset_id
  const unnamed = assetId ? null : 'Cloudinary has not told its id yet.'
  return (
    <div class="drawer-body">
      <Preview details={details} />
      <Standing details={details} />
      <div class="row actions">
        {asset.deleted_at ? (
          <Button
            kind="main"
            icon="restore"
            disabledReason={unnamed ?? refused}
            onClick={() => void restore(assetId ? [assetId] : [])}
          >
            Restore
          </Button>
        ) : (
          <Button
            kind="danger"
            icon="trash"
            disabledReason={unnamed ?? refused}
            onClick={() => void deleteWithUndo(assetId ? [assetId] : [])}
          >
            Delete
          </Button>
        )}
        {!asset.deleted_at && <AddButton asset={asset} />}
        <Button
          icon="link"
          onClick={() => void copy(`${location.origin}/console?asset=${assetId ?? asset.id}`, 'Link')}
        >
          Copy link
        </Button>
        <CopyCurl request={{ method: 'GET', path: `/api/cloudinary/media/${assetId ?? asset.id}` }} />
      </div>
      <Facts details={details} />
      <Uses details={details} />
      <Comparison details={details} disabledReason={unnamed ?? refused} />
      {!asset.deleted_at && (
        <EditForm key={asset.id} asset={asset} etag={details.etag} disabledReason={unnamed ?? refused} />
      )}
      <Timeline details={details} disabledReason={unnamed ?? refused} />
    </div>
  )
}

function AddButton({ asset }: { asset: WholeAsset }) {
  const isAsking = useSignal(false)
  const close = () => {
    isAsking.value = false
    // It tells its collections.
    void queries.invalidateQueries({ queryKey: ['media', 'asset'] })
  }
  return (
    <>
      <Button icon="collections" disabledReason={whyNoCollection()} onClick={() => (isAsking.value = true)}>
        Add to a collection
      </Button>
      <ErrorBoundary>{isAsking.value && <AddDialog assets={[asset]} onClose={close} />}</ErrorBoundary>
    </>
  )
}

function Preview({ details: { asset, urls } }: { details: AssetDetails }) {
  const preview = safeAddress(urls?.preview)
  const original = safeAddress(urls?.original)
  if (!preview || asset.deleted_at) {
    return (
      <div class="preview none">
        <Icon name={asset.resource_type} />
        <span>
          {asset.deleted_at ? 'Deleted' : urls ? 'No preview for this kind of file' : 'Not delivered'}
        </span>
      </div>
    )
  }
  return (
    <div class="preview">
      {asset.resource_type === 'video' ? (
        // biome-ignore lint/a11y/useMediaCaption: Cloudinary holds no captions beside a film.
        <video controls preload="none" poster={safeAddress(urls?.thumbnail)} src={preview} />
      ) : (
        <a href={original} target="_blank" rel="noreferrer">
          <img src={preview} alt={altOf(asset)} />
          <span class="unseen">Open the original file</span>
        </a>
      )}
    </div>
  )
}

function Standing({ details }: { details: AssetDetails }) {
  const { asset, explanation, comparison } = details
  return (
    <section class="why" aria-label="Why it is in this state">
      <StateBadge state={asset.sync_status} />
      <p>
        <strong>
          <Foreign>{explanation.why}</Foreign>
        </strong>{' '}
        <Foreign>{explanation.next}</Foreign>
      </p>
      {asset.sync_error_message && (
        <p class="failed-line">
          <Foreign>{asset.sync_error_message}</Foreign>
          {asset.sync_next_attempt_at && ` Next attempt: ${moment(asset.sync_next_attempt_at)}.`}
        </p>
      )}
      {/* Else it stands beside the field that waits. */}
      {!comparison?.some(isDifferent) && <RetryButton details={details} />}
    </section>
  )
}

function Facts({ details: { asset, urls } }: { details: AssetDetails }) {
  const size = asset.width && asset.height ? `${asset.width} × ${asset.height}` : null
  const facts: [string, string | null][] = [
    ['Public id', asset.cloudinary_public_id],
    ['Kind', [asset.resource_type, asset.format, words(asset.delivery_type)].filter(Boolean).join(' · ')],
    [
      'Size',
      [bytes(asset.file_size), size, asset.duration && `${asset.duration} s`].filter(Boolean).join(' · '),
    ],
    ['Made', moment(asset.cloudinary_created_at)],
    ['Changed', moment(asset.updated_at)],
    ['Last confirmed', moment(asset.last_synced_at)],
    ['Moderation', asset.moderation],
    ['Deleted', asset.deleted_at && moment(asset.deleted_at)],
  ]
  const original = urls?.original
  return (
    <dl class="facts-list">
      {facts.map(
        ([name, value]) =>
          value && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Foreign>{value}</Foreign>
              </dd>
            </div>
          ),
      )}
      {asset.uploaded_by && (
        <div>
          <dt>Owner</dt>
          <dd>
            <Person id={asset.uploaded_by} />
          </dd>
        </div>
      )}
      {original && (
        <div>
          <dt>Address</dt>
          <dd>
            <Button kind="quiet" icon="copy" onClick={() => void copy(original, 'Address')}>
              Copy the file's address
            </Button>
          </dd>
        </div>
      )}
    </dl>
  )
}
