import { useSignal } from '@preact/signals'
import { bytes, plural } from '../text'
import { Button } from '../ui/button'
import { Foreign } from '../ui/text'
import { clearFinished, isUploading, retry, stop, type Upload, uploads } from './queue'

/** Stays while one walks through the pages. Finished uploads stay until somebody clears them. */
export default function UploadTray() {
  const isFolded = useSignal(false)
  const all = uploads.value
  const stored = all.filter(({ state }) => state === 'stored').length
  const failed = all.filter(({ state }) => state === 'failed').length
  return (
    <section class="tray" aria-label="Uploads">
      <div class="tray-head">
        <h2 role="status">
          {stored} of {plural(all.length, 'file')} uploaded{failed > 0 && `, ${failed} failed`}
        </h2>
        <Button
          kind="quiet"
          aria-expanded={!isFolded.value}
          onClick={() => (isFolded.value = !isFolded.value)}
        >
          {isFolded.value ? 'Show' : 'Hide'}
        </Button>
        {!isUploading.value && <Button kind="quiet" icon="close" label="Clear" onClick={clearFinished} />}
      </div>
      {!isFolded.value && (
        <ul>
          {all.map((upload) => (
            <Item key={upload.id} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  )
}

const WORDS: Record<Upload['state'], string> = {
  waiting: 'Waiting',
  sending: 'Uploading',
  stored: 'Stored',
  failed: 'Failed',
  stopped: 'Stopped',
}

function Item({ upload }: { upload: Upload }) {
  const { id, file, folder, state, sent, error, asset, mayRetry } = upload
  return (
    <li class={state}>
      <span class="name">
        {asset ? (
          <a href={`/console?asset=${encodeURIComponent(asset)}`}>
            <Foreign>{file.name}</Foreign>
          </a>
        ) : (
          <Foreign>{file.name}</Foreign>
        )}
        <span class="fine">
          {WORDS[state]} · {bytes(file.size)}
          {folder && ' · into '}
          <Foreign>{folder}</Foreign>
        </span>
        {error && (
          <span class="failed-line">
            <Foreign>{error}</Foreign>
          </span>
        )}
      </span>
      {state === 'sending' && (
        <progress aria-label={`Upload of ${file.name}`} max={file.size || 1} value={sent} />
      )}
      {(state === 'sending' || state === 'waiting') && (
        <Button kind="quiet" icon="close" label={`Stop ${file.name}`} onClick={() => stop(id)} />
      )}
      {(state === 'failed' || state === 'stopped') && mayRetry && (
        <Button kind="quiet" onClick={() => retry(id)}>
          Retry
        </Button>
      )}
    </li>
  )
}
