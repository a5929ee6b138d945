/** Names the page in the browser's tabs and history. */
export function tellTitle(name?: string): void {
  document.title = name ? `${name} – media-sync` : 'media-sync'
}
