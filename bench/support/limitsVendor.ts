import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/*
 * A vendor in a process of its own, as small as can be, so that what is measured is the client. It writes one line with
 * its port, and answers GET /log with what arrived: [milliseconds, status, worker].
 */

export interface VendorLimits {
  /** At most `requests` in any `perMillis`, counted at arrival. */
  readonly window?: { readonly requests: number; readonly perMillis: number }
  /** A bucket of `burst` tokens that is refilled `perSecond` times a second. */
  readonly bucket?: { readonly burst: number; readonly perSecond: number }
  /** Refuses one request, the first after so many milliseconds, and everything for `seconds` after it. */
  readonly refuse?: { readonly afterMillis: number; readonly seconds: number }
  /** Seconds in Retry-After; left out: until there is room, rounded up. */
  readonly retryAfter?: string
  /** Milliseconds until each answer. */
  readonly answerAfter?: number
}

export const runVendor = (limits: VendorLimits): void => {
  const log: Array<readonly [at: number, status: number, worker: string]> = []
  const served: Array<number> = []
  const { window, bucket, refuse } = limits
  let gone = 0
  let tokens = bucket?.burst ?? 0
  let refilled = performance.now()
  let firstAt: number | null = null
  let refusedUntil = 0

  /** Milliseconds until there is room; 0: there is, and it is taken. */
  const wait = (now: number): number => {
    firstAt ??= now
    if (refuse !== undefined) {
      if (refusedUntil === 0 && now - firstAt >= refuse.afterMillis)
        refusedUntil = now + refuse.seconds * 1000
      if (now < refusedUntil) return refusedUntil - now
    }
    if (window !== undefined) {
      while (gone < served.length && (served[gone] ?? 0) <= now - window.perMillis) gone += 1
      if (served.length - gone >= window.requests) return (served[gone] ?? now) + window.perMillis - now
      served.push(now)
    }
    if (bucket !== undefined) {
      tokens = Math.min(bucket.burst, tokens + ((now - refilled) / 1000) * bucket.perSecond)
      refilled = now
      if (tokens < 1) return (1000 * (1 - tokens)) / bucket.perSecond
      tokens -= 1
    }
    return 0
  }

  const body = JSON.stringify({ items: [{ id: "1", status: "active" }] })
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (request.url === "/log") {
      response.end(JSON.stringify(log))
      return
    }
    const now = performance.timeOrigin + performance.now()
    const millis = wait(now)
    const worker = new URL(request.url ?? "/", "http://vendor").searchParams.get("worker") ?? ""
    log.push([now, millis > 0 ? 429 : 200, worker])
    if (millis > 0) {
      response.writeHead(429, { "retry-after": limits.retryAfter ?? String(Math.ceil(millis / 1000)) })
      response.end('{"error":"too many requests"}')
      return
    }
    const answer = () => {
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body)
      })
      response.end(body)
    }
    if (limits.answerAfter === undefined) answer()
    else setTimeout(answer, limits.answerAfter)
  })
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
  })
  process.on("disconnect", () => process.exit(0))
}
