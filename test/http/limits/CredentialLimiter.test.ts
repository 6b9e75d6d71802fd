import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { WriteTurn } from "../../../src/http/client.ts"
import type { Lane, Limit } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { transportOf } from "../../support/transport.ts"
import { list, testClient } from "../support/client.ts"

/** Lets everything run that waits for nothing but its turn. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((done) => setImmediate(done))
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-lanes-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A vendor that answers when the test says so. */
const held = () => {
  const arrived: Array<{ readonly path: string; readonly answer: (status: number) => void }> = []
  const layer = transportOf(({ path }) =>
    Effect.gen(function* () {
      const answered = yield* Deferred.make<number>()
      arrived.push({
        path: path.slice("/api".length),
        answer: (code) => Deferred.unsafeDone(answered, Effect.succeed(code))
      })
      const status = yield* Deferred.await(answered)
      return {
        status,
        headers: { "content-type": "application/json", "retry-after": "600" },
        body: "{}"
      }
    })
  )
  return { arrived, layer }
}

const open = (concurrency: number, limits: ReadonlyArray<Limit> = [], lane: Lane = "sync") =>
  testClient({ baseUrl: "https://vendor.example/api", concurrency, limits, lane })
const generous: Limit = { name: "1,000 a minute", requests: 1000, perMillis: 60_000, scope: "connection" }
const inPlace = (folder: string) => Governor.sharedIn(`${folder}/quota.db`)

/** Clients of one credential in all lanes, with so many places, and a vendor that answers when the test says so. */
const inAllLanes = (places: number) =>
  Effect.gen(function* () {
    const { arrived, layer } = held()
    const context = yield* Layer.build(Layer.merge(layer, inPlace(yield* folder)))
    const clients = yield* Effect.forEach(["push", "sync", "backfill", "verify"] as const, (lane) =>
      Effect.map(open(places, [generous], lane), ({ client }) => [lane, client] as const)
    ).pipe(Effect.provide(context))
    const byLane = new Map<Lane, (typeof clients)[number][1]>(clients)
    return {
      paths: () => arrived.map(({ path }) => path.slice(1)),
      ask: (lane: Lane, name: string, isWrite = false) =>
        Effect.gen(function* () {
          const client = byLane.get(lane)
          if (client === undefined) return yield* Effect.dieMessage(lane)
          const request = { ...list, path: `/${name}` }
          const sent = isWrite ? client.write(request) : client.read(request)
          yield* Effect.fork(Effect.provideService(sent, WriteTurn, 60_000))
          yield* Effect.promise(settled)
        }),
      answer: (nth: number, status = 200) =>
        Effect.promise(() => {
          arrived[nth]?.answer(status)
          return settled()
        })
    }
  })

describe("requests of one credential that wait", () => {
  it.scopedLive(
    "leave by lane, what rests on a read before the others of its lane, and who came first within each",
    () =>
      Effect.gen(function* () {
        const { answer, ask, paths } = yield* inAllLanes(1)
        yield* ask("verify", "in-flight")
        for (const lane of ["verify", "backfill", "sync", "push"] as const) {
          yield* ask(lane, `${lane}-1`)
          yield* ask(lane, `${lane}-2`)
        }
        yield* ask("sync", "sync-after-a-read", true)
        for (let turn = 0; turn < 9; turn += 1) yield* answer(turn)
        assert.deepStrictEqual(paths(), [
          "in-flight",
          "push-1",
          "push-2",
          "sync-after-a-read",
          "sync-1",
          "sync-2",
          "backfill-1",
          "backfill-2",
          "verify-1",
          "verify-2"
        ])
      })
  )

  it.scopedLive("leave as places become free, and no more at once", () =>
    Effect.gen(function* () {
      const { answer, ask, paths } = yield* inAllLanes(2)
      for (const name of ["a", "b", "c", "d"]) yield* ask("sync", name)
      assert.deepStrictEqual(paths(), ["a", "b"])
      yield* answer(1)
      assert.deepStrictEqual(paths(), ["a", "b", "c"])
      yield* answer(0)
      assert.deepStrictEqual(paths(), ["a", "b", "c", "d"])
    })
  )

  it.scopedLive("all wait where one was refused, whatever places are free", () =>
    Effect.gen(function* () {
      const { answer, ask, paths } = yield* inAllLanes(8)
      yield* ask("sync", "a")
      yield* answer(0, 429)
      yield* ask("sync", "b")
      yield* ask("push", "c")
      assert.deepStrictEqual(paths(), ["a"])
    })
  )
})

describe("a place in flight", () => {
  it.scopedLive(
    "holds a place only while a request is in flight, and not while it waits to be sent again",
    () =>
      Effect.gen(function* () {
        const { arrived, layer } = held()
        yield* Effect.gen(function* () {
          const { client } = yield* open(1, [generous])
          const waiting = yield* Effect.fork(client.read({ ...list, path: "/waits" }))
          yield* Effect.promise(settled)
          const behind = yield* Effect.fork(client.read({ ...list, path: "/behind" }))
          yield* Effect.promise(settled)
          assert.deepStrictEqual(
            arrived.map(({ path }) => path),
            ["/waits"]
          )
          arrived[0]?.answer(449)
          yield* Effect.promise(settled)
          yield* Effect.promise(settled)
          assert.deepStrictEqual(
            arrived.map(({ path }) => path),
            ["/waits", "/behind"]
          )
          arrived[1]?.answer(200)
          assert.strictEqual((yield* Fiber.join(behind)).status, 200)
          yield* Fiber.interrupt(waiting)
        }).pipe(Effect.scoped, Effect.provide(Layer.merge(layer, inPlace(yield* folder))))
      })
  )

  it.scopedLive("is only refused to what falls under the limit that was refused", () =>
    Effect.gen(function* () {
      const { arrived, layer } = held()
      const perPath: Limit = { name: "100 a second", requests: 100, perMillis: 1000, scope: "path" }
      yield* Effect.gen(function* () {
        const { client } = yield* open(8, [generous, perPath])
        const read = (path: string) => Effect.fork(client.read({ ...list, path }))
        const refused = yield* read("/one")
        yield* Effect.promise(settled)
        arrived[0]?.answer(429)
        yield* Effect.promise(settled)
        yield* Effect.promise(settled)
        const stuck = yield* read("/one")
        const free = yield* read("/two")
        yield* Effect.promise(settled)
        assert.deepStrictEqual(
          arrived.map(({ path }) => path),
          ["/one", "/two"]
        )
        arrived[1]?.answer(200)
        assert.strictEqual((yield* Fiber.join(free)).status, 200)
        assert.strictEqual(arrived.length, 2)
        yield* Fiber.interruptAll([refused, stuck])
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(layer, inPlace(yield* folder))))
    })
  )
})
