import type { FunctionComponent } from 'preact'
import { ErrorBoundary } from 'preact-iso'
import { useView } from '../library/filters'
import { later } from '../ui/later'

const Drawer = later(() => import('./drawer'))

/** A page that has the drawer of an asset beside it, where the address names one. */
export const withDrawer = (Page: FunctionComponent) => () => {
  const { asset, change } = useView()
  const close = () => {
    const link = document.querySelector<HTMLElement>('#main a[aria-current]')
    change({ asset: null })
    link?.focus()
  }
  return (
    <div class={asset ? 'beside with-drawer' : 'beside'}>
      <Page />
      <ErrorBoundary>{asset && <Drawer key={asset} id={asset} onClose={close} />}</ErrorBoundary>
    </div>
  )
}
