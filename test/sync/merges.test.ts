import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { now } from "../../src/domain/Timestamp.ts"
import { Db } from "../../src/store/Db.ts"
import { Outbox } from "../../src/store/outbox/Outbox.ts"
import { statusFacts } from "../../src/store/read/statusFacts.ts"
import { whyFacts } from "../../src/store/read/whyFacts.ts"
import { pushLane } from "../../src/sync/lanes.ts"
import { run } from "../../src/sync/run.ts"
import { verify } from "../../src/sync/verify.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder, type World } from "../support/inProcess.ts"

const begins = Date.UTC(2026, 2, 9, 8)

/** Two contacts that were one person all along: the older one, and the younger. */
interface Pair {
  readonly older: string
  readonly younger: string
  /** The vendor merges the younger one into the older one, which takes over its e-mail address. */
  readonly merge: () => void
}

const pairIn = ({ simulator }: World): Pair => {
  const { world } = simulator.vendors.aelyst
  const [older, younger] = [...world.conversations.values()].toSorted(
    (left, right) => left.created_at - right.created_at || left.id - right.id
  )
  if (older === undefined || younger === undefined) throw new Error("there are no two contacts")
  older.phone = "+60 12-345 6789"
  older.email = null
  younger.phone = "+60123456789"
  younger.email = "Ann@example.com"
  world.changed()
  return {
    older: String(older.id),
    younger: String(younger.id),
    merge: () => {
      older.phone = "+60123456789"
      older.email = "ann@example.com"
      world.remove(String(younger.id))
    }
  }
}

const conversation = (id: string) =>
  Effect.map(
    rowsOf(
      "SELECT merged_into, deleted_at, stored_messages > 0 AS has_messages FROM conversations WHERE id = ?",
      `inbox:${id}`
    ),
    ([row]) => row
  )

const test = (
  name: string,
  body: (input: {
    readonly pair: Pair
    readonly world: World
    readonly sync: ReturnType<typeof pullRun>
    readonly asked: () => ReadonlyArray<string>
  }) => Effect.Effect<void, unknown, Db | Outbox | Effect.Effect.Context<ReturnType<typeof pullRun>>>
) =>
  it.scoped(name, () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ conversations: 6, now: begins })
      const folder = yield* temporaryFolder
      yield* TestClock.setTime(begins)
      const pair = pairIn(world)
      const sync = pullRun([world.connection("aelyst")])
      const asked = () =>
        world.simulator.log.flatMap(({ url }) => /\/contact\/((?:email|phone)[^/?]*)/.exec(url)?.[1] ?? [])
      yield* Effect.gen(function* () {
        yield* sync
        yield* TestClock.adjust("10 minutes")
        yield* body({ pair, world, sync, asked })
      }).pipe(Effect.provide(inProcess(join(folder, "mirror.db"), world.simulator)))
    })
  )

test("a contact that was merged into an older one is no deleted conversation, and counts with that one", ({
  asked,
  pair,
  sync
}) =>
  Effect.gen(function* () {
    pair.merge()
    const { exitCode } = yield* sync
    expect(exitCode).toBe(0)
    const merged = { merged_into: `inbox:${pair.older}`, deleted_at: null, has_messages: 1 }
    expect(yield* conversation(pair.younger)).toEqual(merged)
    expect(asked()).toEqual(["email:ann%40example.com"])
    const db = yield* Db
    const [facts] = yield* db.use("test", (session) => statusFacts(session, now(begins + 600_000)))
    expect(facts).toMatchObject({ conversations: 5, conversations_merged: 1, conversations_deleted: 0 })
    expect(
      yield* rowsOf("SELECT sum(stored_messages) AS messages FROM conversations WHERE merged_into IS NULL")
    ).toEqual([{ messages: facts?.messages }])
    expect(
      yield* rowsOf("SELECT 1 FROM conversation_facts WHERE conversation_id = ?", `inbox:${pair.younger}`)
    ).toEqual([])
    const why = yield* db.use("test", (session) =>
      whyFacts(
        session,
        { id: `inbox:${pair.younger}`, connection: "inbox", providerId: pair.younger },
        begins
      )
    )
    expect(why?.conversation?.merged_into).toBe(`inbox:${pair.older}`)
    // Known by now: no later run asks for it again.
    yield* sync
    expect(asked()).toHaveLength(1)
    expect(yield* conversation(pair.younger)).toEqual(merged)
  }))

test("its status can be changed no more, and says which one takes its place", ({ pair, sync }) =>
  Effect.gen(function* () {
    pair.merge()
    yield* sync
    const db = yield* Db
    const outbox = yield* Outbox
    const id = `inbox:${pair.younger}`
    const edit = db.use("test", ({ prepare }) =>
      prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(id)
    )
    expect((yield* Effect.flip(edit)).message).toContain("merged into another")
    const requested = { status: "completed", category: null, summary: null, title: null, tags: [] } as const
    const refused = yield* Effect.flip(outbox.ask({ id, requested, requestedBy: "test", refuse: () => null }))
    expect(refused.message).toBe(`\`${id}\` was merged into \`inbox:${pair.older}\` at the provider`)
    expect((yield* outbox.conversation("inbox:phone:+60123456789")).id).toBe(`inbox:${pair.older}`)
  }))

test("a change that was requested before ends in conflict, in words that name the other one", ({
  pair,
  world
}) =>
  Effect.gen(function* () {
    const db = yield* Db
    const id = `inbox:${pair.younger}`
    const [held] = yield* rowsOf<{ remote_status: string }>(
      "SELECT remote_status FROM conversations WHERE id = ?",
      id
    )
    const wanted = held?.remote_status === "active" ? "completed" : "active"
    yield* db.use("test", ({ prepare }) =>
      prepare("UPDATE conversations SET status = ? WHERE id = ?").run(wanted, id)
    )
    pair.merge()
    const { exitCode } = yield* run({
      command: "push",
      connections: [world.connection("aelyst")],
      maxWaitMillis: 1000,
      lanes: [pushLane]
    })
    expect(exitCode).toBe(4)
    expect(yield* rowsOf("SELECT state, last_error FROM status_changes")).toEqual([
      {
        state: "conflict",
        last_error: `the conversation was merged into inbox:${pair.older} at the provider: request the status for that one, if it is to have it`
      }
    ])
    expect(yield* conversation(pair.younger)).toMatchObject({
      merged_into: `inbox:${pair.older}`,
      deleted_at: null
    })
    expect(world.simulator.vendors.aelyst.world.effects).toEqual([])
  }))

test("verify tells a merge from a deletion", ({ pair, world }) =>
  Effect.gen(function* () {
    pair.merge()
    const verdicts: Array<unknown> = []
    yield* run({
      command: "verify",
      connections: [world.connection("aelyst")],
      maxWaitMillis: 1000,
      lanes: [
        {
          lane: "verify",
          work: (connection, runId) =>
            Effect.map(verify(connection, runId, null), (verdict) => {
              verdicts.push(verdict)
              return { fault: null }
            })
        }
      ]
    })
    expect(verdicts).toMatchObject([{ checked: 6, gone: [], merged: [pair.younger] }])
    expect(yield* conversation(pair.younger)).toMatchObject({
      merged_into: `inbox:${pair.older}`,
      deleted_at: null
    })
  }))

test("is deleted where the address leads to nobody whom the mirror holds for the older one", ({
  pair,
  sync,
  world
}) =>
  Effect.gen(function* () {
    pair.merge()
    // The older one has another number by now, which the mirror knows, and no address.
    const older = world.simulator.vendors.aelyst.world.conversations.get(pair.older)
    if (older !== undefined) Object.assign(older, { phone: "+4930111", email: null })
    yield* sync
    expect(yield* conversation(pair.younger)).toMatchObject({
      merged_into: null,
      deleted_at: expect.any(String)
    })
  }))

test("an older contact that is gone was not merged into a younger one with the same number", ({
  pair,
  sync,
  world
}) =>
  Effect.gen(function* () {
    world.simulator.vendors.aelyst.world.remove(pair.older)
    yield* sync
    expect(yield* conversation(pair.older)).toMatchObject({
      merged_into: null,
      deleted_at: expect.any(String)
    })
  }))

test("is one of its own again as soon as the vendor shows it", ({ pair, sync, world }) =>
  Effect.gen(function* () {
    const { conversations } = world.simulator.vendors.aelyst.world
    const before = conversations.get(pair.younger)
    pair.merge()
    yield* sync
    if (before !== undefined) conversations.set(pair.younger, before)
    world.simulator.vendors.aelyst.world.changed()
    yield* TestClock.adjust("10 minutes")
    yield* sync
    expect(yield* conversation(pair.younger)).toMatchObject({ merged_into: null, deleted_at: null })
    expect(yield* rowsOf("SELECT merged_at FROM remote_conversations WHERE merged_at IS NOT NULL")).toEqual(
      []
    )
  }))
