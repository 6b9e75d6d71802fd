import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { expect, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import { now } from "../../../src/domain/Timestamp.ts"
import { Ledger } from "../../../src/store/ledger/Ledger.ts"
import { SeenSet } from "../../../src/store/mirror/Mirror.ts"
import { CommitScript } from "../../../src/store/mirror/thread/CommitScript.ts"
import { at, page, sighting, started, storeLayer, temporaryFile, values } from "../fixtures.ts"

/** The built thread that writes, as the command line starts it. */
const threadScript = Layer.succeed(CommitScript, pathToFileURL(resolve("dist/commitWorker.js")))
const onAThread = Layer.unwrapScoped(Effect.map(temporaryFile, (path) => storeLayer(path))).pipe(
  Layer.provide(threadScript)
)

const scan = { scope: "everything", startedAt: at(100) }
const broken = sighting({ providerId: "broken", status: "nonsense" as never })

it.scopedLive("keeps nothing of a scan that was asked for after a commit of it that failed", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const ledger = yield* Ledger
    yield* commit([page(101, [], { cursor: "a" })], { scan })
    const replies = yield* Effect.forEach(
      [
        commit([page(102, [broken], { cursor: "b" })], { scan }),
        commit([page(103, [sighting({ providerId: "after" })], { cursor: "c" })], { scan }),
        commit([page(104, [sighting({ providerId: "by itself" })])])
      ],
      Effect.either,
      { concurrency: mirror.commitsAtOnce + 1 }
    )
    expect(replies.map(Either.isRight)).toEqual([false, false, true])
    expect(yield* values("SELECT provider_id FROM remote_conversations")).toEqual(["by itself"])
    expect((yield* mirror.unfinishedScan("leads", "sync"))?.cursor).toBe("a")

    const runId = yield* ledger.startRun("sync")
    yield* commit([page(105, [sighting({ providerId: "after" })], { cursor: "c" })], { scan, runId })
    expect((yield* mirror.unfinishedScan("leads", "sync"))?.cursor).toBe("c")
  }).pipe(Effect.provide(onAThread))
)

it.scopedLive("keeps nothing of a scan after a commit that brought nothing new and failed", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const nothing = page(101, [{ _tag: "Filtered", providerId: "c1" }], { cursor: "a" })
    const unkept = { ...nothing, exchange: { ...nothing.exchange, method: null as never } }
    const replies = yield* Effect.forEach(
      [
        commit([unkept], { scan }),
        commit([page(102, [], { cursor: "b" })], { scan }),
        commit([page(103, [sighting({ providerId: "after" })], { cursor: "c" })], { scan })
      ],
      Effect.either
    )
    expect(replies.map(Either.isRight)).toEqual([false, false, false])
    expect(yield* values("SELECT provider_id FROM remote_conversations")).toEqual([])
    expect(yield* mirror.unfinishedScan("leads", "sync")).toBeNull()
  }).pipe(Effect.provide(onAThread))
)

it.scopedLive("knows at its end all that a scan has met, before the thread was needed and after", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const ids = ["before", "after", "later", "gone"]
    yield* started.pipe(
      Effect.flatMap(({ commit }) => commit(ids.map((providerId) => page(1, [sighting({ providerId })])))),
      Effect.provide(storeLayer(path))
    )
    const startedAt = now(Date.now() + 60_000)
    const { missing } = yield* Effect.gen(function* () {
      const { commit, mirror } = yield* started
      const of = { scan: { scope: "everything", startedAt }, seen: new SeenSet() }
      yield* commit([page(101, [{ _tag: "Unchanged", providerId: "before" }], { cursor: "a" })], of)
      yield* commit([page(102, [sighting({ providerId: "after" })], { cursor: "b" })], of)
      const end = { complete: true, reason: null }
      yield* commit([page(103, [{ _tag: "Unchanged", providerId: "later" }], { end })], of)
      return yield* mirror.finishScan({ connection: "leads", lane: "sync", startedAt, seen: of.seen })
    }).pipe(Effect.provide(storeLayer(path)), Effect.provide(threadScript))
    expect(missing).toEqual(["gone"])
  })
)
