import { useSignal } from '@preact/signals'
import type { FacetValue } from '../../api/types'
import { Button } from '../../ui/button'
import { folderOf, type View } from '../filters'
import { isWithin, type Folder as TreeFolder, treeOf } from './tree'
import { Value } from './value'

/** The tree of folders. A choice shows the folder with all below it, as its number says. */
export function Folders({ view, folders }: { view: View; folders: FacetValue[] }) {
  const chosen = folderOf(view.filters)
  const root = folders.find(({ value }) => value === '')
  const change = (path: string) =>
    view.change(
      path === '/'
        ? { folder: chosen === '/' ? null : '/', below: null }
        : { folder: null, below: chosen === path ? null : path },
    )
  return (
    <ul class="folder-tree">
      {root && (
        <li>
          <Value
            text="In no folder"
            count={root.count}
            isExact={root.is_exact}
            isChosen={chosen === '/'}
            onClick={() => change('/')}
          />
        </li>
      )}
      {treeOf(folders).map((folder) => (
        <Folder key={folder.path} folder={folder} chosen={chosen} onChoose={change} />
      ))}
    </ul>
  )
}

interface FolderProps {
  folder: TreeFolder
  chosen: string
  onChoose: (path: string) => void
}

function Folder({ folder, chosen, onChoose }: FolderProps) {
  const { path, name, count, isExact, below } = folder
  const isAbove = chosen !== path && isWithin(chosen, path)
  const wish = useSignal<boolean | null>(null)
  const isOpen = wish.value ?? (isAbove || chosen === path)
  return (
    <li>
      <span class="folder-line">
        {below.length > 0 ? (
          <Button
            kind="quiet"
            icon="more"
            label={`Folders in ${name}`}
            aria-expanded={isOpen}
            onClick={() => (wish.value = !isOpen)}
          />
        ) : (
          <span class="no-fold" />
        )}
        <Value
          text={name}
          hint={path}
          count={count}
          isExact={isExact}
          isChosen={chosen === path}
          onClick={() => onChoose(path)}
        />
      </span>
      {isOpen && below.length > 0 && (
        <ul>
          {below.map((inner) => (
            <Folder key={inner.path} folder={inner} chosen={chosen} onChoose={onChoose} />
          ))}
        </ul>
      )}
    </li>
  )
}
