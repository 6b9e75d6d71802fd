import { it } from "@effect/vitest"
import { Chunk, Context, Effect, Fiber, Layer, Stream } from "effect"
import { expect } from "vitest"
import { makeEvents, type ServeEvent } from "../../src/serve/events.ts"
import { Db } from "../../src/store/Db.ts"
import { seededFolder } from "../support/seededMirror.ts"

it.scopedLive("tells what another program writes to the mirror, while someone listens", () =>
  Effect.gen(function* () {
    const path = `${yield* seededFolder}/mirror.db`
    const writer = Context.get(yield* Layer.build(Db.layer(path)), Db)
    const reader = Context.get(yield* Layer.build(Db.layer(path, { readOnly: true })), Db)
    const events = yield* makeEvents(reader)
    const stream = yield* events.listen
    if (stream === null) throw new Error("no one listens yet")
    const heard: Array<ServeEvent> = []
    const listening = yield* Effect.fork(
      stream.pipe(
        Stream.tap((event) => Effect.sync(() => heard.push(event))),
        Stream.takeUntil(({ event }) => event === "conversations"),
        Stream.runCollect
      )
    )
    // The first look is what later ones are compared with.
    while (heard.length === 0) yield* Effect.sleep(20)
    expect(heard[0]).toEqual({ event: "runs", running: [] })
    yield* writer.use("test", ({ database }) =>
      database.exec("UPDATE conversations SET status = 'completed' WHERE id = 'leads:a1'")
    )
    yield* writer.use("test", ({ database }) =>
      database.exec("UPDATE conversations SET status = 'active' WHERE id = 'leads:a2'")
    )
    const all = Chunk.toReadonlyArray(yield* Fiber.join(listening))
    expect(all.at(-1)).toEqual({ event: "conversations", ids: ["leads:a2"] })
    expect(all.find(({ event }) => event === "changes")).toMatchObject({
      items: [{ conversation_id: "leads:a2", state: "pending" }]
    })
  })
)
