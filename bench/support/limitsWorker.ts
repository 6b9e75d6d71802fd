import { Effect, Layer, Redacted } from "effect"
import type { Lane, Limit } from "../../src/http/contract.ts"
import { undiciTransport } from "../../src/http/exchange/undici.ts"
import { Governor } from "../../src/http/limits/Governor.ts"
import { makeProviderClient } from "../../src/http/makeClient.ts"

/** What one client process is to do: `requests` reads, as many at once as its governor lets it. */
export interface Work {
  readonly worker: string
  readonly baseUrl: string
  readonly credential: string
  readonly lane: Lane
  readonly limits: ReadonlyArray<Limit>
  readonly quotaFile: string
  readonly requests: number
  readonly concurrency: number | null
}

export interface WorkDone {
  readonly worker: string
  readonly startedAt: number
  readonly finishedAt: number
  readonly requests: number
  readonly refused: number
  readonly waitedMillis: number
  readonly cpuMillis: number
  /** When each request left, and when each refusal was known. Epoch milliseconds. */
  readonly sentAt: ReadonlyArray<number>
  readonly refusedAt: ReadonlyArray<number>
}

export const doWork = (work: Work): Effect.Effect<WorkDone, unknown> =>
  Effect.gen(function* () {
    const sentAt: Array<number> = []
    const refusedAt: Array<number> = []
    const answeredAt: Array<number> = []
    let waitedMillis = 0
    const secret = Redacted.make(work.credential)
    const client = yield* makeProviderClient({
      connection: work.worker,
      title: "Vendor",
      baseUrl: work.baseUrl,
      authorization: {
        _tag: "Fixed",
        headers: { "x-api-key": secret },
        credential: secret,
        setting: "apiKey"
      },
      lane: work.lane,
      limits: work.limits,
      quota: 1,
      concurrency: work.concurrency,
      maxWaitMillis: 3_600_000,
      observe: (event) => {
        if (event._tag === "Sent") sentAt.push(event.at)
        if (event._tag === "Answered") answeredAt.push(event.exchange.receivedAt)
        if (event._tag === "RateLimited") refusedAt.push(Date.now())
        if (event._tag === "Waited") waitedMillis += event.millis
      }
    })
    const startedAt = Date.now()
    const cpu = process.cpuUsage()
    yield* Effect.forEach(
      Array.from({ length: work.requests }),
      () =>
        client.read({
          operation: "list conversations",
          method: "GET",
          path: "/conversations",
          query: { worker: work.worker, limit: 1 }
        }),
      { concurrency: 64, discard: true }
    )
    const used = process.cpuUsage(cpu)
    return {
      worker: work.worker,
      startedAt,
      finishedAt: Date.now(),
      requests: sentAt.length,
      refused: refusedAt.length,
      sentAt,
      refusedAt,
      answeredAt,
      waitedMillis,
      cpuMillis: (used.user + used.system) / 1000
    }
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(undiciTransport, Governor.sharedIn(work.quotaFile))))

export const runWorker = (work: Work): void => {
  Effect.runPromise(doWork(work)).then(
    (done) => process.stdout.write(`${JSON.stringify(done)}\n`),
    (error) => {
      process.stderr.write(`${String(error)}\n`)
      process.exitCode = 1
    }
  )
}
