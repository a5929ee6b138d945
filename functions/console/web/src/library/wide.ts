import { useEffect, useState } from 'preact/hooks'

/** True while the window has this width at least. */
export function useWide(pixels: number): boolean {
  const question = `(min-width: ${pixels}px)`
  const [isWide, setWide] = useState(() => matchMedia(question).matches)
  useEffect(() => {
    const media = matchMedia(question)
    const listen = () => setWide(media.matches)
    listen()
    media.addEventListener('change', listen)
    return () => media.removeEventListener('change', listen)
  }, [question])
  return isWide
}
