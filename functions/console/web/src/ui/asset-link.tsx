import type { ComponentChildren } from 'preact'
import { useLocation } from 'preact-iso'

interface AssetLinkProps {
  /** Cloudinary's id of the asset, or its row's. */
  id: string
  title?: string
  children: ComponentChildren
}

/** Opens an asset's drawer over the page that one is on, so that Back returns to it. */
export function AssetLink({ id, title, children }: AssetLinkProps) {
  const { path, query } = useLocation()
  const address = new URLSearchParams({ ...query, asset: id })
  return (
    <a href={`${path}?${address}`} title={title} aria-current={query.asset === id || undefined}>
      {children}
    </a>
  )
}
