import '../../styles/facets.css'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { asked } from '../../api/curl'
import type { Facets as Numbers } from '../../api/types'
import { Button } from '../../ui/button'
import { CopyCurl } from '../../ui/copy'
import { Dialog } from '../../ui/dialog'
import { FailedLine, Loading } from '../../ui/states'
import { type FilterName, listQuery, type View } from '../filters'
import { TYPES } from '../toolbar'
import { Folders } from './folders'
import { Ranges } from './ranges'
import { useFacets } from './use-facets'
import { Values } from './values'

interface FacetsProps {
  view: View
  /** True where the window has no room for them beside the list. */
  isNarrow: boolean
  /** The number of assets that match, if it is known. */
  found: string
}

/** Menus of the values that the found assets have. On narrow windows they are a dialog. */
export default function Facets({ view, isNarrow, found }: FacetsProps) {
  if (!isNarrow) {
    return (
      <aside class="facets" aria-label="Menus of filters">
        <Menus view={view} />
      </aside>
    )
  }
  const close = () => view.change({ menus: null }, true)
  return (
    <Dialog title="Filters" onClose={close}>
      <div class="facets">
        <Menus view={view} />
      </div>
      <p class="row end">
        <Button kind="main" onClick={close}>
          Show {found}
        </Button>
      </p>
    </Dialog>
  )
}

function Menus({ view }: { view: View }) {
  const { sort_by: _, sort_order: __, ...unordered } = listQuery(view.filters)
  return (
    <>
      <Menu view={view} title="Folders" own={['folder', 'below']}>
        {({ folders }) =>
          folders.length > 0 ? <Folders view={view} folders={folders} /> : <p class="fine">None.</p>
        }
      </Menu>
      <Menu view={view} title="Types" own={['resource_type']}>
        {({ resource_types }) => (
          <Values view={view} name="resource_type" values={resource_types} words={TYPES} />
        )}
      </Menu>
      <Menu view={view} title="Formats" own={['format']}>
        {({ formats }) => <Values view={view} name="format" values={formats} />}
      </Menu>
      {/* All chosen tags must be there: the numbers say how many remain. */}
      <Menu view={view} title="Tags" own={[]}>
        {({ tags }) => <Values view={view} name="tags" values={tags} />}
      </Menu>
      <Ranges view={view} />
      <CopyCurl request={asked('/api/cloudinary/media/facets', unordered)} />
    </>
  )
}

interface MenuProps {
  view: View
  title: string
  /** The filters that the menu sets. */
  own: FilterName[]
  children: (numbers: Numbers) => ComponentChildren
}

function Menu({ view, title, own, children }: MenuProps) {
  const heading = useId()
  const facets = useFacets(view.filters, own)
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      {facets.isPending && <Loading what={title.toLowerCase()} />}
      {facets.isError && (
        <>
          <FailedLine error={facets.error} />
          <Button kind="quiet" onClick={() => void facets.refetch()}>
            Try again
          </Button>
        </>
      )}
      {facets.data && children(facets.data)}
      {facets.data?.is_exact === false && <p class="fine">Of the first ten thousand assets.</p>}
    </section>
  )
}
