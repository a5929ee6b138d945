import { isWithin } from '../library/facets/tree'
import { SuggestField } from '../ui/suggest-field'
import { Foreign } from '../ui/text'
import { useOwnFolder } from '../upload/target'
import { useKnown } from './known-values'

interface FolderFieldProps {
  id: string
  value: string
  isChanged: boolean
  onChange: (folder: string) => void
}

/** The folder of an asset, with those that are there and the one that binds the person. */
export function FolderField({ id, value, isChanged, onChange }: FolderFieldProps) {
  const own = useOwnFolder()
  const known = useKnown('folders', isChanged)
  return (
    <div class="field">
      <label for={id}>Folder</label>
      <SuggestField
        id={id}
        type="text"
        name="folder"
        maxLength={500}
        aria-describedby={`${id}-hint`}
        value={value}
        known={known.filter((folder) => own === '' || isWithin(folder, own))}
        onType={onChange}
        onTake={onChange}
      />
      <span class="fine" id={`${id}-hint`}>
        {own ? (
          <>
            Your files stay within <Foreign>{own}</Foreign>, or a folder below it.
          </>
        ) : (
          'Empty for the root.'
        )}{' '}
        A folder that is not there yet is made.
      </span>
    </div>
  )
}
