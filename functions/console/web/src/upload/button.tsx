import { useRef } from 'preact/hooks'
import { whyNoUpload } from '../session/rights'
import { Button } from '../ui/button'
import { enqueue } from './queue'

export function UploadButton({ folder }: { folder: string }) {
  const field = useRef<HTMLInputElement>(null)
  return (
    <span class="upload">
      <input
        ref={field}
        class="unseen"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files to upload"
        onChange={(event) => {
          enqueue(event.currentTarget.files ?? [], folder === '/' ? '' : folder)
          event.currentTarget.value = ''
        }}
      />
      <Button kind="main" icon="upload" disabledReason={whyNoUpload()} onClick={() => field.current?.click()}>
        {folder ? 'Upload into this folder' : 'Upload'}
      </Button>
    </span>
  )
}
