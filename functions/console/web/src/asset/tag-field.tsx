import { useSignal } from '@preact/signals'
import { Icon } from '../ui/icon'
import { Foreign } from '../ui/text'

interface TagFieldProps {
  tags: string[]
  onChange: (tags: string[]) => void
  id?: string
  label?: string
}

/** Enter or a comma adds a tag, Backspace in an empty field takes the last one. */
export function TagField({ tags, onChange, id = 'tags-typed', label = 'Tags' }: TagFieldProps) {
  const typed = useSignal('')
  const add = () => {
    const added = typed.value.split(',').flatMap((tag) => tag.trim() || [])
    typed.value = ''
    if (added.length > 0) onChange([...new Set([...tags, ...added])])
  }
  const listen = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ',') {
      // Enter in an empty field saves the form.
      if (typed.value.trim() === '' && event.key === 'Enter') return
      event.preventDefault()
      add()
    } else if (event.key === 'Backspace' && typed.value === '' && tags.length > 0) {
      onChange(tags.slice(0, -1))
    }
  }
  return (
    <div class="tag-field">
      <label for={id}>{label}</label>
      <div class="tag-box">
        {tags.map((tag) => (
          <button
            type="button"
            class="tag"
            key={tag}
            aria-label={`Remove the tag ${tag}`}
            onClick={() => onChange(tags.filter((other) => other !== tag))}
          >
            <Foreign>{tag}</Foreign>
            <Icon name="close" />
          </button>
        ))}
        <input
          id={id}
          dir="auto"
          maxLength={255}
          placeholder={tags.length === 0 ? 'Add a tag' : ''}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
          onKeyDown={listen}
          onBlur={add}
        />
      </div>
    </div>
  )
}
