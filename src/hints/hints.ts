import { Clock, Effect, Random } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import type { Address } from "../files/listening.ts"
import { Hints } from "../store/hints/Hints.ts"
import { silent } from "../sync/progress.ts"
import { type Fault, register, run, type Settled } from "../sync/run.ts"
import { retryTime } from "../sync/watch/timetable.ts"
import { type Arrivals, hintLane } from "./lane.ts"
import { listen } from "./listen.ts"
import { makeReceiver, type Receiver } from "./receive.ts"

interface HintOptions {
  /** Those without `hints` are left out. */
  readonly connections: ReadonlyArray<ConnectionConfig>
  /** Told of each run that could not do its work. */
  readonly failed?: (connection: string, fault: Fault) => Effect.Effect<void>
}

/** Milliseconds that a single wait may take: what waits longer comes with a scheduled run. */
const maxWaitMillis = 60_000

/** Milliseconds until the first new attempt after a failure; then twice as long each time. */
const pause = 60_000

const arrivalsOf = (latch: Effect.Latch): Arrivals => ({
  expect: latch.close,
  wait: (millis) => Effect.race(latch.await, Effect.sleep(Math.max(1, millis)))
})

/** Reads what webhooks of one connection name, whenever some are pending. */
const follow = (config: ConnectionConfig, latch: Effect.Latch, failed: HintOptions["failed"]) =>
  Effect.gen(function* () {
    const hints = yield* Hints
    const { name } = config
    let failures = 0
    for (;;) {
      yield* latch.close
      if ((yield* Effect.orElseSucceed(hints.earliest(name), () => "unknown")) === null) yield* latch.await
      let settled: Settled | null = null
      yield* Effect.exit(
        run({
          command: "hints",
          connections: [config],
          maxWaitMillis,
          lanes: [hintLane(arrivalsOf(latch))],
          settled: (one) =>
            Effect.sync(() => {
              settled = one
            })
        })
      )
      const ended = settled as Settled | null
      const error = ended?.report.error ?? null
      if (ended !== null && (error === null || error.kind === "quarantined")) {
        failures = 0
        continue
      }
      failures += 1
      if (error !== null && failed !== undefined) yield* failed(name, error)
      const now = yield* Clock.currentTimeMillis
      const chance = yield* Random.next
      const at = retryTime(failures, pause, { chance, now, retryAt: ended?.retryAt ?? null })
      yield* Effect.sleep(Math.max(0, at - now))
    }
  }).pipe(Effect.provide(silent))

/** Takes webhooks in, and reads what they name, for as long as the scope. */
export const receiving = Effect.fn("hints.receiving")(function* ({ connections, failed }: HintOptions) {
  const expected = connections.filter((config) => config.hints !== undefined)
  yield* Effect.forEach(expected, register)
  const latches = new Map<string, Effect.Latch>()
  for (const { name } of expected) latches.set(name, yield* Effect.makeLatch(false))
  const receiver: Receiver = yield* makeReceiver(expected, (name) => {
    latches.get(name)?.unsafeOpen()
  })
  for (const config of expected) {
    const latch = latches.get(config.name)
    if (latch !== undefined) yield* Effect.forkScoped(follow(config, latch, failed))
  }
  return receiver
})

/** The same, from an address. Gives the address that it has. */
export const receiveHints = Effect.fn("hints.receive")(function* (address: Address, options: HintOptions) {
  return yield* listen(address, yield* receiving(options))
})
