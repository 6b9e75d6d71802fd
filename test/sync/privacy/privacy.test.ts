import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, Redacted } from "effect"
import { describe } from "vitest"
import type { ConnectionConfig } from "../../../src/config/Config.ts"
import { keyVariable } from "../../../src/privacy/key.ts"
import type { Privacy } from "../../../src/privacy/policy.ts"
import { vendorIds as vendors } from "../../../src/simulator/index.ts"
import { Db } from "../../../src/store/Db.ts"
import { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { findConversation } from "../../../src/store/read/findConversation.ts"
import { pushLane } from "../../../src/sync/lanes.ts"
import { rebuild } from "../../../src/sync/rebuild.ts"
import { run } from "../../../src/sync/run.ts"
import { verify } from "../../../src/sync/verify.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../../support/inProcess.ts"
import { peopleIn, writtenIn } from "./personalIn.ts"

const strictest: Privacy = { names: "drop", emails: "drop", phones: "drop", texts: "mask" }
const hashed: Privacy = { names: "hash", emails: "hash", phones: "hash", texts: "mask" }

const card = "4111 1111 1111 1111"
const planted = `this is my card: ${card}, write to planted.person@example.org or call +49 151 23456789`

/** A world in which someone has written what is to be masked, to every vendor. */
const plantedWorld = Effect.gen(function* () {
  const world = yield* makeWorld({ conversations: 10 })
  for (const vendor of vendors) {
    const { world: held } = world.simulator.vendors[vendor]
    for (const id of [...held.conversations.keys()].slice(0, 3))
      held.addMessage(id, Date.UTC(2026, 2, 9, 7), undefined, planted)
  }
  return world
})

const under = (connection: ConnectionConfig, privacy: Privacy): ConnectionConfig => ({
  ...connection,
  privacy
})

const rebuildRun = (connections: ReadonlyArray<ConnectionConfig>) =>
  run({ command: "rebuild", connections, maxWaitMillis: 0, lanes: [{ lane: "verify", work: rebuild }] })

const verifyRun = (connections: ReadonlyArray<ConnectionConfig>) =>
  run({
    command: "verify",
    connections,
    maxWaitMillis: 1000,
    lanes: [
      {
        lane: "verify",
        work: (connection, runId) =>
          Effect.map(verify(connection, runId, null), (verified) => {
            verifications.push(verified)
            return { fault: null }
          })
      }
    ]
  })
const verifications: Array<unknown> = []

/** What readers see of conversations, messages, contacts and people, without when it was seen. */
const content = Effect.all({
  conversations: rowsOf(
    "SELECT id, contact_id, status, title, summary, qualification_reason, tags, attributes, stored_messages, declared_messages FROM conversations ORDER BY id"
  ),
  messages: rowsOf("SELECT id, role, type, content, sent_at, attributes FROM messages ORDER BY id"),
  contacts: rowsOf("SELECT id, name, email, phone, attributes FROM contacts ORDER BY id"),
  raw: rowsOf("SELECT kind, provider_id, conversation_provider_id, hash FROM raw_records ORDER BY 1, 2, 3")
})

const moved = ({
  report
}: {
  readonly report: {
    readonly connections: ReadonlyArray<{
      name: string
      inserted: number
      updated: number
      quarantined: number
      error: unknown
    }>
  }
}) =>
  report.connections.map(({ error, inserted, name, quarantined, updated }) => ({
    name,
    inserted,
    updated,
    quarantined,
    error
  }))

const nothingMoved = (connections: ReadonlyArray<ConnectionConfig>) =>
  connections.map(({ name }) => ({ name, inserted: 0, updated: 0, quarantined: 0, error: null }))

describe("a connection with privacy", () => {
  for (const [words, privacy] of [
    ["drops", strictest],
    ["hashes", hashed]
  ] as const) {
    it.scopedLive(`that ${words} stores nothing personal anywhere, and works as one without`, () =>
      Effect.gen(function* () {
        const world = yield* plantedWorld
        const folder = yield* temporaryFolder
        const plainMirror = join(yield* temporaryFolder, "plain.db")
        const mirror = join(folder, "mirror.db")
        const plain = vendors.map((vendor) => world.connection(vendor))
        const connections = plain.map((connection) => under(connection, privacy))
        yield* Effect.provide(pullRun(plain), inProcess(plainMirror, world.simulator))
        const people = peopleIn(plainMirror)
        expect(people.length).toBeGreaterThan(60)
        yield* Effect.gen(function* () {
          const first = yield* pullRun(connections)
          expect(first.report.connections.map(({ error, outcome }) => ({ error, outcome }))).toEqual(
            connections.map(() => ({ error: null, outcome: "complete" }))
          )
          const before = yield* content
          expect(moved(yield* pullRun(connections))).toEqual(nothingMoved(connections))
          expect(moved(yield* pullRun(connections, { full: true }))).toEqual(nothingMoved(connections))
          expect(moved(yield* rebuildRun(connections))).toEqual(nothingMoved(connections))
          yield* verifyRun(connections)
          expect(JSON.stringify(verifications.splice(0))).not.toMatch(
            /"(?:repaired|differ\w*|wrong)":\[?[1-9{]/
          )
          expect(yield* content).toEqual(before)
          // Counts, times and what is not personal are those of a mirror without privacy.
          const shape =
            "SELECT role, type, sent_at, provider_id FROM messages ORDER BY sent_at, role, type, provider_id"
          const plainShape = new Sqlite(plainMirror, { readonly: true }).prepare(shape).all()
          expect(yield* rowsOf(shape)).toEqual(plainShape)
        }).pipe(Effect.provide(inProcess(mirror, world.simulator)), Effect.scoped)
        const written = writtenIn(folder)
        expect(
          [...people, card, card.replaceAll(" ", ""), "planted.person", "23456789"].filter((one) =>
            written.includes(one)
          )
        ).toEqual([])
        expect(written).toContain("this is my card: [card], write to [email] or call [phone]")
      })
    )
  }

  it.scopedLive("that drops texts keeps how many there were, and when", () =>
    Effect.gen(function* () {
      const world = yield* plantedWorld
      const plainMirror = join(yield* temporaryFolder, "plain.db")
      const mirror = join(yield* temporaryFolder, "mirror.db")
      const plain = vendors.map((vendor) => world.connection(vendor))
      const connections = plain.map((connection) => under(connection, { ...strictest, texts: "drop" }))
      yield* Effect.provide(pullRun(plain), inProcess(plainMirror, world.simulator))
      yield* Effect.gen(function* () {
        yield* pullRun(connections)
        const [filled] = yield* rowsOf<{ n: number }>(
          "SELECT count(*) AS n FROM messages WHERE coalesce(content, '') <> ''"
        )
        expect(filled?.n).toBe(0)
        const [quarantined] = yield* rowsOf<{ n: number }>("SELECT count(*) AS n FROM quarantine")
        expect(quarantined?.n).toBe(0)
        const counts =
          "SELECT id, stored_messages, started_at, last_message_at FROM conversations ORDER BY id"
        expect(yield* rowsOf(counts)).toEqual(
          new Sqlite(plainMirror, { readonly: true }).prepare(counts).all()
        )
        expect(moved(yield* pullRun(connections))).toEqual(nothingMoved(connections))
      }).pipe(Effect.provide(inProcess(mirror, world.simulator)))
    })
  )
})

describe("privacy that a connection is given later", () => {
  it.scopedLive(
    "is told of with every sync, and a rebuild applies it to all that is stored, without any request",
    () =>
      Effect.gen(function* () {
        const world = yield* plantedWorld
        const folder = yield* temporaryFolder
        const mirror = join(folder, "mirror.db")
        const plain = vendors.map((vendor) => ({ ...world.connection(vendor), keepRaw: "all" as const }))
        const connections = plain.map((connection) => under(connection, strictest))
        const layer = inProcess(mirror, world.simulator)
        const privacies = rowsOf<{ name: string; privacy: string | null }>(
          "SELECT name, privacy FROM connections ORDER BY name"
        )
        let people: ReadonlyArray<string> = []
        yield* Effect.gen(function* () {
          yield* pullRun(plain)
          // A second version of each payload, and something in quarantine.
          for (const vendor of vendors) {
            const { world: held } = world.simulator.vendors[vendor]
            for (const id of held.conversations.keys())
              held.addMessage(id, Date.UTC(2026, 2, 9, 8), undefined, planted)
          }
          yield* pullRun(plain)
          yield* rowsOf(
            `INSERT INTO quarantine (connection, kind, reason, path, payload, payload_hash, first_seen_at, last_seen_at, page_id)
           SELECT name, 'conversation', 'expected a number, got "planted.person@example.org"', '$.x', ?, 'h', '2026-03-09T08:00:00.000Z', '2026-03-09T08:00:00.000Z',
             (SELECT max(id) FROM pages) FROM connections RETURNING id`,
            JSON.stringify({ name: "Jane Planted", email: "planted.person@example.org" })
          )
          expect((yield* privacies).map(({ privacy }) => privacy)).toEqual(plain.map(() => null))
        }).pipe(Effect.provide(layer), Effect.scoped)
        people = peopleIn(mirror)
        expect(people.length).toBeGreaterThan(60)
        yield* Effect.gen(function* () {
          const applied = yield* rebuildRun(connections)
          expect(applied.report.connections.map(({ error, requests }) => ({ error, requests }))).toEqual(
            connections.map(() => ({ error: null, requests: 0 }))
          )
          for (const { privacy } of yield* privacies)
            expect(JSON.parse(privacy ?? "{}")).toMatchObject({
              emails: "drop",
              names: "drop",
              phones: "drop",
              texts: "mask"
            })
          yield* rowsOf("SELECT 1")
          const before = yield* content
          // A fresh mirror with the same privacy holds the same.
          const fresh = yield* Effect.provide(
            Effect.zipRight(pullRun(connections), content),
            inProcess(join(yield* temporaryFolder, "fresh.db"), world.simulator)
          )
          expect(before.contacts).toEqual(fresh.contacts)
          expect(before.messages).toEqual(fresh.messages)
          expect(before.conversations).toEqual(fresh.conversations)
          expect(moved(yield* pullRun(connections))).toEqual(nothingMoved(connections))
          expect(moved(yield* rebuildRun(connections))).toEqual(nothingMoved(connections))
        }).pipe(Effect.provide(inProcess(mirror, world.simulator)), Effect.scoped)
        const written = writtenIn(folder)
        expect(
          [...people, card, "planted.person", "Jane Planted", "23456789"].filter((one) =>
            written.includes(one)
          )
        ).toEqual([])
      })
  )
})

describe("conversations whose payloads are gone", () => {
  it.scopedLive("are made to follow a privacy from their rows, with all of their messages", () =>
    Effect.gen(function* () {
      const world = yield* plantedWorld
      const folder = yield* temporaryFolder
      const mirror = join(folder, "mirror.db")
      const plain = vendors.map((vendor) => world.connection(vendor))
      const shape = rowsOf(
        "SELECT id, role, type, sent_at, position FROM messages ORDER BY conversation_id, position"
      )
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* pullRun(plain)
          yield* rowsOf("DELETE FROM raw_rows RETURNING key")
          yield* rowsOf("DELETE FROM raw_blocks RETURNING key")
        }),
        inProcess(mirror, world.simulator)
      )
      const people = peopleIn(mirror)
      yield* Effect.gen(function* () {
        const before = yield* shape
        const { report } = yield* rebuildRun(plain.map((connection) => under(connection, strictest)))
        expect(report.connections.map(({ error }) => error)).toEqual(plain.map(() => null))
        expect(yield* shape).toEqual(before)
      }).pipe(Effect.provide(inProcess(mirror, world.simulator)), Effect.scoped)
      const written = writtenIn(folder)
      expect([...people, card, "planted.person", "23456789"].filter((one) => written.includes(one))).toEqual(
        []
      )
    })
  )
})

describe("pushing to a connection with privacy", () => {
  it.scopedLive("confirms a title and a tag that hold what is masked, and stores them masked", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ conversations: 4 })
      const connections = [under(world.connection("convocore"), strictest)]
      const { world: held } = world.simulator.vendors.convocore
      yield* Effect.gen(function* () {
        yield* pullRun(connections)
        const [row] = yield* rowsOf<{ id: string; provider_id: string }>(
          "SELECT id, provider_id FROM conversations ORDER BY id LIMIT 1"
        )
        const requested = {
          status: null,
          category: null,
          summary: null,
          title: "call Jane on +49 151 23456789",
          tags: ["write to a.b@example.org"]
        }
        const outbox = yield* Outbox
        yield* outbox.ask({ id: row?.id ?? "", requested, requestedBy: "test", refuse: () => null })
        const { report } = yield* run({
          command: "push",
          connections,
          maxWaitMillis: 1000,
          lanes: [pushLane]
        })
        expect(report.connections[0]?.changes).toMatchObject({
          confirmed: 1,
          pending: 0,
          conflict: 0,
          rejected: 0
        })
        expect(held.conversations.get(row?.provider_id ?? "")).toMatchObject({ title: requested.title })
        const stored = rowsOf<{ title: string; tags: string }>(
          "SELECT title, tags FROM conversations WHERE id = ?",
          row?.id
        )
        const masked = (yield* stored)[0]
        expect(masked?.title).toBe("call Jane on [phone]")
        expect(JSON.parse(masked?.tags ?? "")).toContain("write to [email]")
        yield* verifyRun(connections)
        yield* pullRun(connections)
        expect((yield* stored)[0]).toEqual(masked)
      }).pipe(Effect.provide(inProcess(join(yield* temporaryFolder, "mirror.db"), world.simulator)))
    })
  )
})

describe("hashed people", () => {
  it.scopedLive("are one person over providers, and are found by what someone types", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ conversations: 4 })
      const leads = [...world.simulator.vendors.naturalead.world.conversations.values()][0]
      const contact = [...world.simulator.vendors.aelyst.world.conversations.values()][0]
      if (leads === undefined || contact === undefined) throw new Error("the world is empty")
      Object.assign(leads, { leadPhone: "+49 (151) 2345-6789", leadEmail: "Somebody.New@Example.org" })
      Object.assign(contact, { phone: "+4915123456789", email: "somebody.new@example.org" })
      const connections = (["naturalead", "aelyst"] as const).map((vendor) =>
        under(world.connection(vendor), hashed)
      )
      yield* Effect.gen(function* () {
        yield* pullRun(connections)
        expect(yield* rowsOf("SELECT contacts, connections FROM people WHERE connections > 1")).toEqual([
          { contacts: 2, connections: 2 }
        ])
        const db = yield* Db
        const found = (id: string) => db.use("test", (session) => findConversation(session, id))
        expect(yield* found("inbox:email: SOMEBODY.NEW@example.org")).toMatchObject({ connection: "inbox" })
        expect(yield* found("inbox:phone:+49 151 23456789")).toMatchObject({ connection: "inbox" })
        expect(yield* found("leads:phone:0049 151 23456789")).toMatchObject({ connection: "leads" })
        expect(yield* found("inbox:email:nobody@example.org")).toHaveProperty("message")
      }).pipe(Effect.provide(inProcess(join(yield* temporaryFolder, "mirror.db"), world.simulator)))
    })
  )
})

describe("a key that cannot be had", () => {
  it.scopedLive("stops the connection before anything is requested or stored", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ conversations: 4 })
      process.env[keyVariable] = "too short"
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          delete process.env[keyVariable]
        })
      )
      const connections = [under(world.connection("aelyst"), hashed), world.connection("naturalead")]
      yield* Effect.gen(function* () {
        const { report } = yield* pullRun(connections)
        expect(
          report.connections.map(({ error, outcome, requests }) => ({
            kind: error?.message,
            outcome,
            requests: requests > 0
          }))
        ).toEqual([
          {
            kind: "PARLEY_HASH_KEY has 9 characters: a key needs 32 or more; nothing was requested",
            outcome: "failed",
            requests: false
          },
          { kind: undefined, outcome: "complete", requests: true }
        ])
        expect(yield* rowsOf("SELECT 1 FROM conversations WHERE connection = 'inbox'")).toEqual([])
      }).pipe(Effect.provide(inProcess(join(yield* temporaryFolder, "mirror.db"), world.simulator)))
    })
  )
})

describe("another key of hashes", () => {
  it.scopedLive("stops the connection, until a full sync takes it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ conversations: 4 })
      const keyed = (key: string) => ({
        ...under(world.connection("aelyst"), hashed),
        hashKey: Redacted.make(key.repeat(40))
      })
      const outcomes = ({
        report
      }: {
        readonly report: {
          readonly connections: ReadonlyArray<{ readonly outcome: string; readonly requests: number }>
        }
      }) => report.connections.map(({ outcome, requests }) => [outcome, requests > 0])
      const phones = rowsOf<{ phone: string }>(
        "SELECT phone FROM contacts WHERE phone IS NOT NULL ORDER BY id"
      )
      yield* Effect.gen(function* () {
        yield* pullRun([keyed("a")])
        const before = yield* phones
        expect(before.length).toBeGreaterThan(1)
        expect(outcomes(yield* pullRun([keyed("b")]))).toEqual([["failed", false]])
        expect(outcomes(yield* rebuildRun([keyed("b")]))).toEqual([["failed", false]])
        expect(yield* phones).toEqual(before)
        expect(outcomes(yield* pullRun([keyed("b")], { full: true }))).toEqual([["complete", true]])
        const after = yield* phones
        expect(after.filter(({ phone }) => before.some((one) => one.phone === phone))).toEqual([])
        expect(outcomes(yield* pullRun([keyed("a")]))).toEqual([["failed", false]])
        expect(moved(yield* pullRun([keyed("b")]))).toEqual(nothingMoved([keyed("b")]))
        const [row] = yield* rowsOf<{ privacy: string }>("SELECT privacy FROM connections")
        expect(JSON.parse(row?.privacy ?? "")).toMatchObject({ ...hashed })
      }).pipe(Effect.provide(inProcess(join(yield* temporaryFolder, "mirror.db"), world.simulator)))
    })
  )
})
