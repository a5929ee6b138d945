import { useRef } from 'preact/hooks'
import { Button } from '../ui/button'
import { Icon } from '../ui/icon'
import { SuggestField } from '../ui/suggest-field'
import { Foreign } from '../ui/text'
import { wholeTags } from './draft'
import { useKnown } from './known-values'

interface TagFieldProps {
  tags: string[]
  /** What stands in the field and is no tag yet. */
  typed: string
  onChange: (tags: string[], typed: string) => void
  id?: string
  label?: string
}

/** Enter, a comma or the button adds a tag, Backspace in an empty field takes the last one. */
export function TagField({ tags, typed, onChange, id = 'tags-typed', label = 'Tags' }: TagFieldProps) {
  const field = useRef<HTMLInputElement>(null)
  const isEmpty = typed.trim() === ''
  const known = useKnown('tags', !isEmpty)
  const add = () => {
    onChange(wholeTags(tags, typed), '')
    field.current?.focus()
  }
  const listen = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ',') {
      // Enter in an empty field saves the form.
      if (isEmpty && event.key === 'Enter') return
      event.preventDefault()
      add()
    } else if (event.key === 'Backspace' && typed === '' && tags.length > 0) {
      onChange(tags.slice(0, -1), '')
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
            onClick={() =>
              onChange(
                tags.filter((other) => other !== tag),
                typed,
              )
            }
          >
            <Foreign>{tag}</Foreign>
            <Icon name="close" />
          </button>
        ))}
        <SuggestField
          field={field}
          id={id}
          maxLength={255}
          placeholder={tags.length === 0 ? 'Add a tag' : ''}
          value={typed}
          known={known.filter((tag) => !tags.includes(tag))}
          onType={(text) => onChange(tags, text)}
          onTake={(tag) => onChange(wholeTags(tags, tag), '')}
          onKeyDown={listen}
        />
        {!isEmpty && (
          <Button kind="quiet" onClick={add}>
            Add
          </Button>
        )}
      </div>
    </div>
  )
}
