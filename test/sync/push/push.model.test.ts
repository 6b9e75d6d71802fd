import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Mirror } from "../../../src/store/mirror/Mirror.ts"
import { emptyMirror } from "../../support/outboxMirror.ts"
import { live, type ModelOptions } from "../../support/pushModel.ts"

/** Histories for each kind of vendor. */
const histories = Number(process.env.PARLEY_MODEL_HISTORIES ?? 150)

const vendors: ReadonlyArray<readonly [string, ModelOptions]> = [
  [
    "shows what it holds, and when it last changed, in its answer",
    { versioned: true, echo: true, delay: 0, edits: true, queues: false }
  ],
  [
    "answers a write with nothing, and keeps the time of its last change",
    { versioned: true, echo: false, delay: 0, edits: true, queues: false }
  ],
  [
    "keeps no times, queues, and shows a write only seconds later",
    { versioned: false, echo: false, delay: 9_000, edits: true, queues: true }
  ],
  ["is changed by nobody but us", { versioned: false, echo: false, delay: 3_000, edits: false, queues: true }]
]

const world = Layer.provideMerge(Mirror.Default, emptyMirror)

describe.each(vendors)("a vendor that %s", (name, options) => {
  it.scoped(
    `sees each change exactly once, and nothing of its own overwritten, in ${histories} random histories`,
    () =>
      Effect.gen(function* () {
        const ends: Record<string, number> = {}
        let applied = 0
        for (let seed = 0; seed < histories; seed += 1) {
          const outcome = yield* live(seed, "desk", options)
          expect(outcome.violations, `seed ${seed}, a vendor that ${name}`).toEqual([])
          applied += outcome.applied
          for (const { state } of outcome.changes) ends[state] = (ends[state] ?? 0) + 1
        }
        // The histories are worth something: every end is reached, often.
        expect(applied).toBeGreaterThan(histories / 4)
        for (const state of ["confirmed", "rejected", "cancelled", ...(options.edits ? ["conflict"] : [])]) {
          expect(ends[state] ?? 0, state).toBeGreaterThan(histories / 60)
        }
      }).pipe(Effect.provide(world)),
    1_200_000
  )
})
