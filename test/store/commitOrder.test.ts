import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { expect, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import { CommitScript } from "../../src/store/CommitScript.ts"
import { Ledger } from "../../src/store/Ledger.ts"
import { at, page, sighting, started, storeLayer, temporaryFile, values } from "./fixtures.ts"

/** The built thread that writes, as the command line starts it. */
const onAThread = Layer.unwrapScoped(Effect.map(temporaryFile, (path) => storeLayer(path))).pipe(
  Layer.provide(Layer.succeed(CommitScript, pathToFileURL(resolve("dist/commitWorker.js"))))
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
