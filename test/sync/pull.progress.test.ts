import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { now } from "../../src/domain/Timestamp.ts"
import type { VendorId } from "../../src/simulator/index.ts"
import { backfillLane } from "../../src/sync/lanes.ts"
import { type Committed, Progress, silent } from "../../src/sync/progress.ts"
import { run } from "../../src/sync/run.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"

/** What a person was told to expect of each of two pulls, and how many conversations came. */
const expectations = (vendor: VendorId, isWindowFirst = false) =>
  Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ conversations: 12 })
    const folder = yield* temporaryFolder
    const said: Array<number> = []
    let listed = 0
    const recording = Layer.effect(
      Progress,
      Effect.map(Progress, (progress) => ({
        ...progress,
        expected: (_: string, conversations: number) => Effect.sync(() => said.push(conversations)),
        committed: (_: string, { conversations }: Committed) =>
          Effect.sync(() => {
            listed += conversations
          })
      }))
    ).pipe(Layer.provide(silent))
    const telling = <E, R>(pull: Effect.Effect<unknown, E, R>) =>
      Effect.suspend(() => {
        said.length = 0
        listed = 0
        return Effect.map(pull, () => ({ said: [...new Set(said)], listed }))
      })
    const pulled = telling(pullRun([connection(vendor)]))
    const window = { since: null, until: now(Date.now() - 20 * 86_400_000) }
    const ofWindow = run({
      command: "backfill",
      connections: [connection(vendor)],
      maxWaitMillis: 1_000,
      lanes: [backfillLane(window)]
    })
    return yield* Effect.all([isWindowFirst ? telling(ofWindow) : pulled, pulled]).pipe(
      Effect.provide(Layer.merge(inProcess(join(folder, "mirror.db"), simulator), recording))
    )
  }).pipe(Effect.scoped)

it.live("a first pull expects what the vendor says it holds", () =>
  Effect.gen(function* () {
    const [first] = yield* expectations("empfio")
    expect(first).toEqual({ said: [12], listed: 12 })
  })
)

it.live("a later pull expects what the one before has listed, where the vendor says nothing", () =>
  Effect.gen(function* () {
    const [first, second] = yield* expectations("aelyst")
    expect(first).toEqual({ said: [], listed: 12 })
    expect(second).toEqual({ said: [12], listed: 12 })
  })
)

it.live("a window that was listed tells nothing of how long the whole list is", () =>
  Effect.gen(function* () {
    const [, second] = yield* expectations("aelyst", true)
    expect(second).toEqual({ said: [], listed: 12 })
  })
)

/** Of each of two pulls, how many pages came, in how many commits they were stored, and how many conversations in the largest. */
const storedIn = (vendor: VendorId) =>
  Effect.gen(function* () {
    const { connection, simulator } = yield* makeWorld({ conversations: { [vendor]: 250 } })
    const folder = yield* temporaryFolder
    let commits = 0
    let largest = 0
    const counting = Layer.effect(
      Progress,
      Effect.map(Progress, (progress) => ({
        ...progress,
        committed: (_: string, { conversations }: Committed) =>
          Effect.sync(() => {
            commits += 1
            largest = Math.max(largest, conversations)
          })
      }))
    ).pipe(Layer.provide(silent))
    const pulled = Effect.suspend(() => {
      commits = 0
      largest = 0
      return Effect.map(pullRun([connection(vendor)]), ({ report }) => ({
        pages: report.connections[0]?.pages,
        commits,
        largest
      }))
    })
    return yield* Effect.all([pulled, pulled]).pipe(
      Effect.provide(Layer.merge(inProcess(join(folder, "mirror.db"), simulator), counting))
    )
  }).pipe(Effect.scoped)

for (const vendor of ["empfio", "convocore"] as const) {
  it.effect(`what shows nothing new is stored together, and what cost a request each soon: ${vendor}`, () =>
    Effect.gen(function* () {
      const [first, second] = yield* storedIn(vendor)
      expect(first.commits).toBeGreaterThan(10)
      expect(second.pages).toBeGreaterThan(3)
      expect(second.commits).toBe(1)
    })
  )
}

it.effect(
  "no more conversations are stored together, each of which cost a request, than a death may cost again",
  () =>
    Effect.gen(function* () {
      const [{ largest }] = yield* storedIn("empfio")
      expect(largest).toBeLessThanOrEqual(25)
    })
)

it.live("counts each conversation once where a list of a round number is asked for again", () =>
  Effect.gen(function* () {
    const counted: Record<string, [number, number]> = {}
    for (const vendor of ["naturalead", "convocore", "empfio", "aelyst"] as const) {
      const { connection, simulator } = yield* makeWorld({ conversations: 50 })
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const { report } = yield* pullRun([connection(vendor)])
        const [held] = yield* rowsOf<{ n: number }>("SELECT count(*) AS n FROM conversations")
        counted[vendor] = [report.connections[0]?.conversations ?? 0, held?.n ?? 0]
      }).pipe(Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
    }
    expect(counted).toEqual({ naturalead: [50, 50], convocore: [47, 47], empfio: [50, 50], aelyst: [50, 50] })
  }).pipe(Effect.scoped)
)
