import type { AuditHour } from '../api/types'

const format = new Intl.DateTimeFormat('en', { weekday: 'short', hour: '2-digit', minute: '2-digit' })

/** An hour's beginning, in the person's own time. */
export const beginning = ({ hour }: AuditHour): string => format.format(new Date(hour))
