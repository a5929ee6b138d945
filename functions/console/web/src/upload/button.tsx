import { useRef } from 'preact/hooks'
import { whyNoUpload } from '../session/rights'
import { Button } from '../ui/button'
import { enqueue } from './queue'
import type { Target } from './target'

export function UploadButton({ target: { folder, isElsewhere } }: { target: Target }) {
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
          enqueue(event.currentTarget.files ?? [], folder)
          event.currentTarget.value = ''
        }}
      />
      <Button kind="main" icon="upload" disabledReason={whyNoUpload()} onClick={() => field.current?.click()}>
        {isElsewhere ? 'Upload into your own folder' : folder ? 'Upload into this folder' : 'Upload'}
      </Button>
    </span>
  )
}
