import type { Failure } from './types'

/** An answer that is an error, by RFC 9457, or a message of the gateway. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | null
  /** Seconds, where the answer says when to come back. */
  readonly retryAfter: number | null

  constructor(
    status: number,
    code: string,
    detail: string,
    requestId: string | null,
    retryAfter: number | null,
  ) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.requestId = requestId
    this.retryAfter = retryAfter
  }

  static async of(response: Response): Promise<Problem> {
    const body: unknown = await response.json().catch(() => null)
    const text = (name: string) => {
      const value = body && typeof body === 'object' ? (body as Record<string, unknown>)[name] : null
      return typeof value === 'string' ? value : null
    }
    const wait = Number(response.headers.get('retry-after'))
    return new Problem(
      response.status,
      text('code') ?? 'gateway',
      text('detail') ?? text('message') ?? `The service answered ${response.status}.`,
      text('request_id') ?? response.headers.get('x-request-id'),
      Number.isFinite(wait) && wait > 0 ? wait : null,
    )
  }

  /** The failure of one asset among several. */
  static ofAsset({ code, error }: Failure): Problem {
    return new Problem(code === 'forbidden' ? 403 : 422, code, error, null, null)
  }
}

/** True if no answer came at all: the network, or the service, is away. */
export function isOffline(error: unknown): boolean {
  return error instanceof TypeError
}

/** Whether a question is worth repeating without a person. */
export function isPassing(error: unknown): boolean {
  return isOffline(error) || (error instanceof Problem && error.status >= 500)
}

/** Cloudinary answers 420, the service 429, where there were too many requests. */
const TOO_MANY = [420, 429]

/** Whether a person who tries again may have more luck. */
export function mayPass(error: unknown): boolean {
  return isPassing(error) || (error instanceof Problem && TOO_MANY.includes(error.status))
}
