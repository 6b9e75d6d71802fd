import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import type { Lane, Limit } from "../../../src/http/contract.ts"
import { type MakeLanes, queuedLanes, type Standing, virtualLanes } from "../../../src/http/exchange/lanes.ts"
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

/** Who has a place, in the order in which they got it, and how each leaves again. */
const entering = (makeLanes: MakeLanes, places: number) => {
  const lanes = makeLanes(places)
  const started: Array<string> = []
  const leave = new Map<string, () => void>()
  return {
    lanes,
    started,
    enter: (lane: Lane, name: string = lane, standing: Standing = "new") =>
      lanes.enter(
        lane,
        (done) => {
          started.push(name)
          leave.set(name, done)
        },
        standing
      ),
    leave: async (name: string) => {
      leave.get(name)?.()
      await settled()
    }
  }
}

for (const [name, makeLanes] of [
  ["p-queue", queuedLanes],
  ["virtual time", virtualLanes]
] as const) {
  describe(`lanes on ${name}`, () => {
    it("let push go before incremental before backfill before verification, and who came first within each", async () => {
      const { enter, leave, started } = entering(makeLanes, 1)
      enter("verify", "in flight")
      await settled()
      for (const lane of ["verify", "backfill", "sync", "push"] as const) {
        enter(lane, `${lane} 1`)
        enter(lane, `${lane} 2`)
      }
      enter("sync", "sync that had its turn", "again")
      enter("sync", "sync that follows a read", "urgent")
      await settled()
      for (let turn = 0; turn < 12; turn += 1) await leave(started.at(-1) ?? "")
      assert.deepStrictEqual(started, [
        "in flight",
        "push 1",
        "push 2",
        "sync that follows a read",
        "sync that had its turn",
        "sync 1",
        "sync 2",
        "backfill 1",
        "backfill 2",
        "verify 1",
        "verify 2"
      ])
    })

    it("give a place to as many as there are, and no more until one leaves", async () => {
      const { enter, lanes, leave, started } = entering(makeLanes, 2)
      for (const each of ["a", "b", "c", "d", "e"]) enter("sync", each)
      await settled()
      assert.deepStrictEqual(started, ["a", "b"])
      await leave("b")
      assert.deepStrictEqual(started, ["a", "b", "c"])
      lanes.setPlaces(3)
      await settled()
      assert.deepStrictEqual(started, ["a", "b", "c", "d"])
      lanes.setPlaces(1)
      await leave("a")
      await leave("c")
      assert.deepStrictEqual(started, ["a", "b", "c", "d"])
      await leave("d")
      assert.deepStrictEqual(started, ["a", "b", "c", "d", "e"])
    })

    it("start nothing while they pause, and go on where they were", async () => {
      const { enter, lanes, leave, started } = entering(makeLanes, 1)
      enter("sync", "a")
      await settled()
      lanes.pause()
      enter("sync", "b")
      await leave("a")
      enter("push", "c")
      await settled()
      assert.deepStrictEqual(started, ["a"])
      lanes.resume()
      await settled()
      assert.deepStrictEqual(started, ["a", "c"])
    })
  })
}

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

describe("the governor on p-queue", () => {
  const open = (concurrency: number, limits: ReadonlyArray<Limit> = []) =>
    testClient({ baseUrl: "https://vendor.example/api", concurrency, limits })
  const generous: Limit = { name: "1,000 a minute", requests: 1000, perMillis: 60_000, scope: "connection" }
  const inPlace = (folder: string) => Governor.sharedIn(`${folder}/quota.db`, queuedLanes)

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

  it.scopedLive("stops only the bucket that was refused", () =>
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
