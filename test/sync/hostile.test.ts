import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, ManagedRuntime, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import { type Finding, type Trial, trial } from "../support/hostile/trial.ts"
import { makeWorld } from "../support/inProcess.ts"
import { unlimited } from "../support/unlimited.ts"

/*
 * Vendors that lie, in seeded sequences of runs. PARLEY_HOSTILE: how many sequences at all four vendors together;
 * PARLEY_HOSTILE_FROM: the first seed; PARLEY_HOSTILE_SEEDS: only these; PARLEY_HOSTILE_VENDOR: one vendor alone. A seed
 * that fails is tried again with ever fewer of its changes, and what is left is reported; PARLEY_HOSTILE_TRACE: with every
 * answer of it.
 */

const sequences = Number(process.env.PARLEY_HOSTILE ?? 120)
const from = Number(process.env.PARLEY_HOSTILE_FROM ?? 0)
const chosen = process.env.PARLEY_HOSTILE_SEEDS?.split(",").map(Number)
const mostTold = Number(process.env.PARLEY_HOSTILE_TELL ?? 5)
const isTraced = process.env.PARLEY_HOSTILE_TRACE !== undefined
const vendors = vendorIds.filter((id) => (process.env.PARLEY_HOSTILE_VENDOR ?? id) === id)

/** Memory, where the system offers it as a folder: thousands of small commits need no disk. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

const memoryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(memory, "parley-hostile-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const layer = (folder: string) => Layer.mergeAll(storeLayer(join(folder, "mirror.db")), silent, unlimited)

/** Runs trials in a mirror that they share, each with a connection of its own. */
const inMirror = <A>(
  use: (attempt: (seed: number, spared?: ReadonlySet<string>) => Promise<Trial>) => Promise<A>,
  vendor: VendorId
) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld({ conversations: 0 })
        const folder = yield* memoryFolder
        const scope = yield* Scope.Scope
        const runtime = ManagedRuntime.make(layer(folder))
        yield* Scope.addFinalizer(
          scope,
          Effect.promise(() => runtime.dispose())
        )
        let attempts = 0
        const attempt = (seed: number, spared?: ReadonlySet<string>) => {
          attempts += 1
          const name = `h${seed}-${attempts}`
          return runtime.runPromise(
            trial(
              world.connection,
              world.simulator
            )({
              vendor,
              seed,
              name,
              ...(spared === undefined ? {} : { spared })
            })
          )
        }
        return yield* Effect.promise(() => use(attempt))
      })
    )
  )

/** What kind of finding it is, without the ids and words of this one. */
const kindOf = (finding: Finding | undefined): string =>
  (finding?.what ?? "").replace(/\S*[\d"]\S*|:.*/gs, "").slice(0, 60)

/** The fewest changes that still lead to a finding, told with what was found. */
const shrunk = async (
  seed: number,
  first: Trial,
  attempt: (seed: number, spared: ReadonlySet<string>) => Promise<Trial>
) => {
  const spared = new Set<string>()
  const kind = kindOf(first.findings[0])
  let last = first
  for (const [key] of first.changed) {
    const without = new Set(spared).add(key)
    const tried = await attempt(seed, without)
    if (!tried.findings.some((finding) => kindOf(finding) === kind)) continue
    spared.add(key)
    last = tried
  }
  const left = last.changed.map(([key, mutation]) => `  ${mutation} in ${key}`)
  const found = last.findings.map(({ after, what }) => `  ${after}: ${what}`)
  const begins = last.served[0]?.from ?? 0
  const trace = last.served.map(({ from, key, mutation, run, says, status, to }) => {
    const words = says.map(({ id, isCertain, word }) => `${id}${isCertain ? "" : "?"}=${word}`).join(" ")
    return `  ${run} ${from - begins}-${to - begins} ${status} ${key} ${mutation ?? ""} ${words}`
  })
  return [
    `seed ${seed}`,
    ...(isTraced ? trace : []),
    ...last.runs.map((one) => `  . ${one}`),
    ...left,
    ...found.slice(0, 6)
  ].join("\n")
}

describe("a hostile vendor", () => {
  for (const vendor of vendors) {
    it(`${vendor}: what the mirror holds was served, or the run says that it is not complete`, async () => {
      const count = Math.ceil(sequences / vendors.length)
      const failures: Array<string> = []
      let changed = 0
      for (let begin = from; begin < from + count; begin += 100) {
        await inMirror(async (attempt) => {
          for (let seed = begin; seed < Math.min(begin + 100, from + count); seed += 1) {
            if (chosen !== undefined && !chosen.includes(seed)) continue
            // The test runner would not hear of us otherwise.
            await new Promise((done) => setTimeout(done, 0))
            const result = await attempt(seed)
            changed += result.changed.length
            if (result.findings.length > 0) {
              failures.push(
                failures.length < mostTold
                  ? await shrunk(seed, result, attempt)
                  : `seed ${seed}: ${result.findings[0]?.what.slice(0, 400)}`
              )
            }
          }
        }, vendor)
      }
      if (process.env.PARLEY_HOSTILE !== undefined)
        process.stdout.write(
          `${vendor}: ${chosen?.length ?? count} sequences, ${changed} changes, ${failures.length} failures\n`
        )
      expect(failures.join("\n\n")).toBe("")
      if (chosen === undefined) expect(changed).toBeGreaterThan(count)
    }, 36_000_000)
  }
})
