import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import { type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { syncLane } from "../../src/sync/lanes.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { run } from "../../src/sync/run.ts"
import { makeWorld, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { layMirror } from "../support/mirrorTemplate.ts"
import { answeringAs, inProcessOrigins } from "../support/simulatedTransport.ts"
import { transportOf } from "../support/transport.ts"
import { unlimited } from "../support/unlimited.ts"

/* How long things are kept, and a clock of this machine that is wrong. What is let go may be nowhere else. */

const day = 86_400_000
const present = Date.UTC(2026, 2, 9, 8)

const sync = (configs: ReadonlyArray<ConnectionConfig>, days: number | null, full = false) =>
  run({
    command: "sync",
    connections: configs.map((config) => ({
      ...config,
      keep: { messages: days === null ? null : days * day, raw: null, ledger: null }
    })),
    maxWaitMillis: 1000,
    lanes: [syncLane({ full })]
  })

/** Messages, and those of them that are too old by the real time. */
const messages = Effect.map(
  rowsOf("SELECT count(*) AS all_of_them, sum(sent_at < '2026-02-07T08:00:00.000Z') AS old FROM messages"),
  ([row]) => row
)

/** A mirror synced at `present`, of a provider whose answers are dated by `dated`; null: it cannot be reached from then on. */
const opened = (
  vendor: VendorId,
  dated: (origin: string) => number | null,
  more: () => Readonly<Record<string, string>> = () => ({})
) =>
  Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ now: present })
    const database = join(yield* temporaryFolder, "mirror.db")
    const answer = answeringAs(simulator)
    const transport = transportOf((request) => {
      const at = dated(request.origin)
      if (at === null) return Effect.fail(new Error("certificate has expired"))
      return Effect.map(answer(request), (answered) => ({
        ...answered,
        headers: { ...answered.headers, date: new Date(at).toUTCString(), ...more() }
      }))
    })
    yield* layMirror(database)
    yield* TestClock.setTime(present)
    return {
      config: connection(vendor),
      others: vendorIds.filter((id) => id !== vendor).map((id) => connection(id)),
      layer: Layer.mergeAll(storeLayer(database), silent, unlimited, transport)
    }
  })

for (const vendor of vendorIds) {
  it.scoped(`is counted by the provider's clock where this machine's is ahead of it: ${vendor}`, () =>
    Effect.gen(function* () {
      const { config, layer } = yield* opened(vendor, () => present)
      yield* Effect.gen(function* () {
        yield* sync([config], null)
        const before = yield* messages
        expect(Number(before?.old)).toBeGreaterThan(0)
        yield* TestClock.setTime(present + 3650 * day)
        for (const full of [false, true]) {
          yield* sync([config], 30, full)
          expect(yield* messages, full ? "read again" : "let go").toEqual({
            all_of_them: Number(before?.all_of_them) - Number(before?.old),
            old: 0
          })
        }
      }).pipe(Effect.scoped, Effect.provide(layer))
    })
  )
}

const answers: ReadonlyArray<readonly [name: string, headers: Record<string, string>, isTold: boolean]> = [
  ["undated", { date: "" }, false],
  ["dated by what is no date", { date: "yesterday" }, false],
  ["kept by something between", { age: "60" }, false],
  ["a cache's, and new", { age: "0" }, true]
]

for (const [name, headers, isTold] of answers) {
  it.scoped(
    `lets ${isTold ? "old messages" : "nothing"} go, and stores alike, where all answers are ${name}`,
    () =>
      Effect.gen(function* () {
        let more = {}
        const { config, layer } = yield* opened(
          "naturalead",
          () => present,
          () => more
        )
        yield* Effect.gen(function* () {
          yield* sync([config], null)
          const before = yield* messages
          more = headers
          yield* TestClock.setTime(present + 3650 * day)
          for (const full of [false, true]) {
            yield* sync([config], 30, full)
            expect(yield* messages).toEqual(
              isTold ? { all_of_them: Number(before?.all_of_them) - Number(before?.old), old: 0 } : before
            )
          }
        }).pipe(Effect.scoped, Effect.provide(layer))
      })
  )
}

it.scoped("is counted by the provider by which this machine's clock is furthest ahead", () =>
  Effect.gen(function* () {
    let now = present
    const { config, layer, others } = yield* opened("naturalead", (origin) =>
      origin === inProcessOrigins.naturalead ? present : now
    )
    yield* Effect.gen(function* () {
      const all = [config, ...others]
      yield* sync(all, null)
      const before = yield* messages
      now = present + 3650 * day
      yield* TestClock.setTime(now)
      yield* sync(all, 30)
      expect(yield* messages).toEqual({
        all_of_them: Number(before?.all_of_them) - Number(before?.old),
        old: 0
      })
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
)

it.scoped("lets nothing go in a run that no provider answered: nobody says what time it is", () =>
  Effect.gen(function* () {
    let dated: number | null = present
    const { layer, config } = yield* opened("naturalead", () => dated)
    yield* Effect.gen(function* () {
      yield* sync([config], null)
      const before = yield* messages
      dated = null
      yield* TestClock.setTime(present + 3650 * day)
      yield* Effect.raceFirst(sync([config], 30), Effect.forever(TestClock.adjust("5 seconds")))
      expect(yield* messages).toEqual(before)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
)
