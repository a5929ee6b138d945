import { forgetMedia } from '../api/queries'
import { count } from '../text'
import { Button } from '../ui/button'
import { forgetNews, hasNews, news } from './state'

/** Says that others have changed the list, which moves only when a person says so. */
export function NewsBar() {
  const { ids, isMany } = news.value
  return (
    <span role="status" class="news">
      {hasNews.value && (
        <Button
          icon="sync"
          onClick={() => {
            forgetNews()
            forgetMedia()
          }}
        >
          {isMany ? 'Many changed, show' : `${count(ids.size)} changed, show`}
        </Button>
      )}
    </span>
  )
}
