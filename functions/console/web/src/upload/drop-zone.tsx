import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { whyNoUpload } from '../session/rights'
import { Foreign } from '../ui/text'
import { toast } from '../ui/toast'
import { enqueue } from './queue'
import type { Target } from './target'

/** Takes files that are dropped anywhere on it, into the folder that it tells. */
export function DropZone({ target: { folder }, children }: { target: Target; children: ComponentChildren }) {
  const isOver = useSignal(false)
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  const over = (event: DragEvent) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    isOver.value = true
  }
  const leave = (event: DragEvent & { currentTarget: HTMLElement }) => {
    const to = event.relatedTarget
    if (!(to instanceof Node && event.currentTarget.contains(to))) isOver.value = false
  }
  const drop = (event: DragEvent) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    isOver.value = false
    const refused = whyNoUpload()
    if (refused) toast(refused)
    else enqueue(event.dataTransfer?.files ?? [], folder)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button beside it does the same without a pointer.
    <div class="drop-zone" onDragOver={over} onDragLeave={leave} onDrop={drop}>
      {children}
      {isOver.value && (
        <div class="drop-here">
          Drop to upload{folder && ' into '}
          <Foreign>{folder}</Foreign>
        </div>
      )}
    </div>
  )
}
