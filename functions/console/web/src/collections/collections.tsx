import '../styles/collections.css'
import { useLocation } from 'preact-iso'
import { List } from './list'
import { OneCollection } from './one'

/** The list, or the collection that the address names. */
export default function Collections() {
  const { query } = useLocation()
  return query.collection ? <OneCollection key={query.collection} id={query.collection} /> : <List />
}
