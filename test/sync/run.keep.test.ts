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
import { answeringAs } from "../support/simulatedTransport.ts"
import { transportOf } from "../support/transport.ts"
import { unlimited } from "../support/unlimited.ts"

/* How long things are kept, and a clock of this machine that is wrong. What is let go may be nowhere else. */

const day = 86_400_000
const present = Date.UTC(2026, 2, 9, 8)

const sync = (config: ConnectionConfig, days: number | null, full = false) =>
  run({
    command: "sync",
    connections: [
      { ...config, keep: { messages: days === null ? null : days * day, raw: null, ledger: null } }
    ],
    maxWaitMillis: 1000,
    lanes: [syncLane({ full })]
  })

/** Messages, and those of them that are too old by the real time. */
const messages = Effect.map(
  rowsOf("SELECT count(*) AS all_of_them, sum(sent_at < '2026-02-07T08:00:00.000Z') AS old FROM messages"),
  ([row]) => row
)

/** A mirror synced at `present`, of a provider whose answers are dated by `dated`; null: it cannot be reached from then on. */
const opened = (vendor: VendorId, dated: () => number | null) =>
  Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ now: present })
    const database = join(yield* temporaryFolder, "mirror.db")
    const answer = answeringAs(simulator)
    const transport = transportOf((request) => {
      const at = dated()
      if (at === null) return Effect.fail(new Error("certificate has expired"))
      return Effect.map(answer(request), (answered) => ({
        ...answered,
        headers: { ...answered.headers, date: new Date(at).toUTCString() }
      }))
    })
    yield* layMirror(database)
    yield* TestClock.setTime(present)
    return {
      config: connection(vendor),
      layer: Layer.mergeAll(storeLayer(database), silent, unlimited, transport)
    }
  })

for (const vendor of vendorIds) {
  it.scoped(`is counted by the provider's clock where this machine's is ahead of it: ${vendor}`, () =>
    Effect.gen(function* () {
      const { config, layer } = yield* opened(vendor, () => present)
      yield* Effect.gen(function* () {
        yield* sync(config, null)
        const before = yield* messages
        expect(Number(before?.old)).toBeGreaterThan(0)
        yield* TestClock.setTime(present + 3650 * day)
        for (const full of [false, true]) {
          yield* sync(config, 30, full)
          expect(yield* messages, full ? "read again" : "let go").toEqual({
            all_of_them: Number(before?.all_of_them) - Number(before?.old),
            old: 0
          })
        }
      }).pipe(Effect.scoped, Effect.provide(layer))
    })
  )
}

it.scoped("lets nothing go in a run that no provider answered: nobody says what time it is", () =>
  Effect.gen(function* () {
    let dated: number | null = present
    const { layer, config } = yield* opened("naturalead", () => dated)
    yield* Effect.gen(function* () {
      yield* sync(config, null)
      const before = yield* messages
      dated = null
      yield* TestClock.setTime(present + 3650 * day)
      yield* Effect.raceFirst(sync(config, 30), Effect.forever(TestClock.adjust("5 seconds")))
      expect(yield* messages).toEqual(before)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
)
