const PATHS = {
  library: 'M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z',
  sync: 'M5 12a7 7 0 0 1 12-4.9L19 9M19 5v4h-4M19 12a7 7 0 0 1-12 4.9L5 15M5 19v-4h4',
  issues: 'M12 4l9 15H3zM12 10v4M12 16.5h.01',
  health: 'M3 12h4l2.5-6 4 12 2.5-6h5',
  activity: 'M5 6h14M5 12h14M5 18h9',
  filter: 'M4 6h16M7 12h10M10 18h4',
  collections: 'M4 8h12v12H4zM8 8V4h12v12h-4',
  events: 'M12 4a5 5 0 0 0-5 5v4l-2 3h14l-2-3V9a5 5 0 0 0-5-5M10 19h4',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  first: 'M6 5h12M12 19V9M7 14l5-5 5 5',
  up: 'M12 18V6M7 11l5-5 5 5',
  down: 'M12 6v12M7 13l5 5 5-5',
  pencil: 'M5 19l1-4L16 5l3 3L9 18z',
  search: 'M11 5a6 6 0 1 0 0 12a6 6 0 0 0 0-12M15.5 15.5L20 20',
  upload: 'M12 16V5M7.5 9.5L12 5l4.5 4.5M5 19h14',
  close: 'M6 6l12 12M18 6L6 18',
  trash: 'M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12M10.5 10.5v5M13.5 10.5v5',
  move: 'M4 7h6l2 2h8v9H4zM10 13.5h5M13 11l2.5 2.5L13 16',
  tag: 'M4 4h8l8 8-8 8-8-8zM8 8h.01',
  copy: 'M9 9h10v10H9zM6 15H5V5h10v1',
  link: 'M10 8H7a4 4 0 0 0 0 8h3M14 8h3a4 4 0 0 1 0 8h-3M8.5 12h7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  grid: 'M5 5h5v5H5zM14 5h5v5h-5zM5 14h5v5H5zM14 14h5v5h-5z',
  rows: 'M5 7h14M5 12h14M5 17h14',
  image: 'M4 5h16v14H4zM8 9.5h.01M4 16l4.5-4 4 3.5L16 12l4 4',
  video: 'M4 6h11v12H4zM15 10.5l5-3v9l-5-3z',
  raw: 'M7 3.5h7l4 4v13H7zM14 3.5v4h4',
  restore: 'M5 9h9a5 5 0 0 1 0 10H9M5 9l4-4M5 9l4 4',
  pause: 'M9 6v12M15 6v12',
  play: 'M8 5.5l10 6.5-10 6.5z',
  more: 'M9 6l6 6-6 6',
  out: 'M14 5h5v5M19 5l-8 8M11 6H5v13h13v-6',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z',
} as const

export type IconName = keyof typeof PATHS

/** A drawing that says nothing which is not said in words beside it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
