import type { FacetValue } from '../../api/types'

/** A folder of the menu, with the number of its assets and of all below it. */
export interface Folder {
  path: string
  name: string
  count: number
  isExact: boolean
  below: Folder[]
}

/** The tree of folders. One that holds only folders has no count of its own, and is made from their paths. */
export function treeOf(folders: FacetValue[]): Folder[] {
  const root: Folder = { path: '', name: '', count: 0, isExact: true, below: [] }
  const known = new Map([['', root]])
  for (const { value, count, is_exact } of folders) {
    if (value === '') continue
    let folder = root
    for (const name of value.split('/')) {
      folder = child(known, folder, name)
      folder.count += count
      folder.isExact &&= is_exact
    }
  }
  return root.below
}

function child(known: Map<string, Folder>, parent: Folder, name: string): Folder {
  const path = parent.path ? `${parent.path}/${name}` : name
  const found = known.get(path)
  if (found) return found
  const made: Folder = { path, name, count: 0, isExact: true, below: [] }
  known.set(path, made)
  parent.below.push(made)
  return made
}

export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`)
