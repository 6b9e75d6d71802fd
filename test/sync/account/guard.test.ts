import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import type { ConnectionConfig } from "../../../src/config/Config.ts"
import { now } from "../../../src/domain/Timestamp.ts"
import { type Simulator, type VendorId, vendorIds } from "../../../src/simulator/index.ts"
import { Db } from "../../../src/store/Db.ts"
import { Mirror } from "../../../src/store/mirror/Mirror.ts"
import type { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { StoreError } from "../../../src/store/StoreError.ts"
import { areAlike } from "../../../src/sync/account/evidence.ts"
import { backfillLane, pushLane, syncLane } from "../../../src/sync/lanes.ts"
import type { Progress } from "../../../src/sync/progress.ts"
import { type LaneWork, run } from "../../../src/sync/run.ts"
import { verify } from "../../../src/sync/verify.ts"
import { inProcess, makeWorld, rowsOf, temporaryFolder, type World } from "../../support/inProcess.ts"

/* A connection that is suddenly given the credential of another account. */

type AnyLane = LaneWork<Mirror | Outbox | Progress>

const lanes: Readonly<Record<string, AnyLane>> = {
  sync: syncLane({ full: false }),
  full: syncLane({ full: true }),
  backfill: backfillLane({ since: null, until: null }, { again: true }),
  push: pushLane,
  verify: {
    lane: "verify",
    work: (connection, runId) =>
      Effect.map(verify(connection, runId, null), ({ stopped }) => ({ fault: stopped }))
  },
  "verify of one": {
    lane: "verify",
    work: (connection, runId) =>
      Effect.map(verify(connection, runId, 1), ({ stopped }) => ({ fault: stopped }))
  }
}

const ran = (
  connections: ReadonlyArray<ConnectionConfig>,
  lane: AnyLane = syncLane({ full: false }),
  rebind: ReadonlyArray<string> = []
) => run({ command: "sync", connections, maxWaitMillis: 1000, lanes: [lane], rebind: new Set(rebind) })

/** All that the mirror holds of vendors, but for ids of its own. */
const content = Effect.gen(function* () {
  const conversations = yield* rowsOf(
    "SELECT id, status, provider_status, deleted_at, missing_since, observed_at, fingerprint FROM remote_conversations ORDER BY id"
  )
  const messages = yield* rowsOf(
    "SELECT conversation_id, content FROM messages ORDER BY conversation_id, position"
  )
  const contacts = yield* rowsOf("SELECT id, name, phone FROM remote_contacts ORDER BY id")
  const others = yield* rowsOf(
    "SELECT (SELECT count(*) FROM raw_records) + (SELECT count(*) FROM quarantine) AS count"
  )
  return { conversations, messages, contacts, others }
})

const bindings = rowsOf<{ account: string | null; reason: string }>(
  "SELECT account, reason FROM account_bindings ORDER BY id"
)

/** How many requests a simulated vendor was sent since this was last asked. */
const counting = (simulator: Simulator) => {
  let count = 0
  const writes: Array<string> = []
  const paths: Array<string> = []
  const { handle } = simulator
  Object.assign(simulator, {
    handle: (...input: Parameters<typeof handle>) => {
      count += 1
      paths.push(input[1].url)
      if (input[1].method === "PATCH") writes.push(input[1].url)
      return handle(...input)
    }
  })
  return {
    paths,
    writes,
    taken: () => {
      const taken = count
      count = 0
      return taken
    }
  }
}

interface Two {
  readonly ours: World
  readonly theirs: World
  readonly database: string
}

const twoAccounts = (conversations: number) =>
  Effect.gen(function* () {
    const two: Two = {
      ours: yield* makeWorld({ seed: 7, conversations }),
      theirs: yield* makeWorld({ seed: 8, conversations }),
      database: join(yield* temporaryFolder, "mirror.db")
    }
    return two
  })

type LaneNeeds = Effect.Effect.Context<ReturnType<typeof ran>> | Db | Outbox

const at = <A, E>({ database }: Two, { simulator }: World, effect: Effect.Effect<A, E, LaneNeeds>) =>
  // Runs follow each other, and do not begin in one millisecond.
  Effect.zipRight(TestClock.adjust("1 second"), Effect.provide(effect, inProcess(database, simulator)))

describe("an account that was accepted in the place of another", () => {
  /** Time goes on between a request and its answer. */
  const live = <A, E>({ database }: Two, { simulator }: World, effect: Effect.Effect<A, E, LaneNeeds>) =>
    Effect.provide(effect, inProcess(database, simulator))

  it.scopedLive(
    "is known by what the accepting run itself read, and the first one is refused from then on",
    () =>
      Effect.gen(function* () {
        const two = yield* twoAccounts(12)
        const { ours, theirs } = two
        const [right, wrong] = [ours.connection("aelyst"), theirs.connection("aelyst")]
        yield* live(two, ours, ran([right]))
        yield* live(two, theirs, ran([wrong], syncLane({ full: false }), [right.name]))
        const [seen] = yield* live(
          two,
          theirs,
          rowsOf<{ count: number }>(
            `SELECT count(*) AS count FROM remote_conversations
           WHERE observed_at >= (SELECT bound_at FROM account_bindings ORDER BY id DESC LIMIT 1)`
          )
        )
        expect(seen?.count).toBe(12)
        const back = yield* live(two, ours, ran([right]))
        expect(back.report.connections[0]?.error?.kind).toBe("account")
      })
  )

  it.scopedLive("does not find a stranger's messages under the ids that both accounts count", () =>
    Effect.gen(function* () {
      const two = yield* twoAccounts(12)
      const alone = yield* twoAccounts(12)
      const { ours, theirs } = two
      const [right, wrong] = [ours.connection("aelyst"), theirs.connection("aelyst")]
      yield* live(two, ours, ran([right]))
      yield* live(two, theirs, ran([wrong], syncLane({ full: false }), [right.name]))
      yield* live(alone, alone.theirs, ran([alone.theirs.connection("aelyst")]))
      const { messages } = yield* live(two, theirs, content)
      expect(messages).toEqual((yield* live(alone, alone.theirs, content)).messages)
    })
  )
})

describe("a connection whose credential speaks for another account", () => {
  for (const vendor of vendorIds) {
    for (const conversations of [1, 12]) {
      it.scoped(
        `stores, sends and deletes nothing in any lane, and goes on with the right one (${vendor}, ${conversations})`,
        () =>
          Effect.gen(function* () {
            const two = yield* twoAccounts(conversations)
            const { ours, theirs } = two
            const right = ours.connection(vendor)
            // Not even where the mirror may lose everything.
            const wrong = { ...theirs.connection(vendor), deleteBrake: { rows: 50, share: 1 } }
            const before = yield* at(
              two,
              ours,
              Effect.gen(function* () {
                expect((yield* ran([right])).exitCode).toBe(0)
                yield* Effect.flatMap(Db, (db) =>
                  db.use("test.ask", ({ database }) =>
                    database.exec("UPDATE conversations SET status = 'completed' WHERE status = 'active'")
                  )
                )
                return yield* content
              })
            )
            const requests = counting(theirs.simulator)
            for (const [name, lane] of Object.entries(lanes)) {
              const { exitCode, report } = yield* at(two, theirs, ran([wrong], lane))
              const pending = yield* at(
                two,
                theirs,
                rowsOf("SELECT 1 FROM status_changes WHERE state = 'pending'")
              )
              if (name === "push" && pending.length === 0) continue
              expect({ name, exitCode, connections: report.connections }, name).toMatchObject({
                exitCode: 3,
                connections: [{ outcome: "failed", pages: 0, error: { kind: "account" } }]
              })
              expect(report.connections[0]?.error?.hint).toContain(`parley sync --rebind ${right.name}`)
              if (vendor === "naturalead" && name === "sync") {
                expect(report.connections[0]).toMatchObject({
                  requests: 1,
                  error: {
                    message: expect.stringMatching(/ is of account \w+, but \w+ is bound to account \w+: /)
                  }
                })
              }
              expect(yield* at(two, theirs, content), name).toEqual(before)
            }
            expect(requests.writes).toEqual([])
            expect(
              yield* at(
                two,
                theirs,
                rowsOf("SELECT DISTINCT state FROM status_changes WHERE state <> 'pending'")
              )
            ).toEqual([])
            const after = yield* at(two, ours, ran([right]))
            expect(after.exitCode).toBe(0)
            expect(yield* at(two, ours, content)).toEqual(before)
          }),
        60_000
      )
    }

    it.scoped(`is accepted once on purpose, and then the first account is the other one (${vendor})`, () =>
      Effect.gen(function* () {
        const two = yield* twoAccounts(12)
        const { ours, theirs } = two
        const [right, wrong] = [ours.connection(vendor), theirs.connection(vendor)]
        yield* at(two, ours, ran([right]))
        yield* at(
          two,
          ours,
          rowsOf(
            `INSERT INTO scans (connection, lane, scope, cursor, started_at, updated_at)
             VALUES (?, 'backfill', 'of the former account', '7', '2026-03-09T08:00:00.000Z', '2026-03-09T08:00:00.000Z') RETURNING 1`,
            right.name
          )
        )
        yield* at(two, theirs, ran([wrong], syncLane({ full: false }), [right.name]))
        expect(yield* at(two, theirs, rowsOf("SELECT cursor FROM scans"))).toEqual([])
        const bound = yield* at(two, theirs, bindings)
        expect(bound.map(({ reason }) => reason)).toEqual(["first", "rebind"])
        const held = yield* at(
          two,
          theirs,
          rowsOf("SELECT id FROM remote_conversations WHERE deleted_at IS NULL")
        )
        expect(held.length).toBe(12)
        const again = yield* at(two, theirs, ran([wrong]))
        expect(again.exitCode).toBe(0)
        expect(yield* at(two, theirs, bindings)).toEqual(bound)
        const back = yield* at(two, ours, ran([right]))
        expect(back.report.connections[0]?.error?.kind).toBe("account")
      })
    )

    it.scoped(`costs a quiet sync no request, and a sync with news at most one (${vendor})`, () =>
      Effect.gen(function* () {
        const two = yield* twoAccounts(12)
        const { ours } = two
        const connection = ours.connection(vendor)
        yield* at(two, ours, ran([connection]))
        const first = yield* at(two, ours, bindings)
        const requests = counting(ours.simulator)
        yield* at(two, ours, ran([connection]))
        const quiet = requests.taken()
        // What the mirror knows is set aside, and the same is asked again: the difference is what the check costs.
        yield* at(two, ours, rowsOf("DELETE FROM account_bindings RETURNING id"))
        yield* at(two, ours, ran([connection]))
        expect(requests.taken()).toBe(quiet)
        expect(yield* at(two, ours, bindings)).toEqual(first)
      })
    )
  }

  it.scoped("leaves the other connections alone", () =>
    Effect.gen(function* () {
      const two = yield* twoAccounts(3)
      const { ours, theirs } = two
      yield* at(two, ours, ran([ours.connection("naturalead", "leads")]))
      const { exitCode, report } = yield* at(
        two,
        theirs,
        ran([
          theirs.connection("naturalead", "leads"),
          theirs.connection("aelyst", "inbox"),
          theirs.connection("naturalead", "others")
        ])
      )
      expect(report.connections.map(({ name, outcome }) => [name, outcome])).toEqual([
        ["leads", "failed"],
        ["inbox", "complete"],
        ["others", "complete"]
      ])
      expect(exitCode).toBe(3)
    })
  )

  it.scoped(
    "is noticed by a mirror from before accounts were bound, which binds the right one",
    () =>
      Effect.gen(function* () {
        for (const vendor of vendorIds) {
          const two = yield* twoAccounts(12)
          const { ours, theirs } = two
          yield* at(two, ours, ran([ours.connection(vendor)]))
          const bound = yield* at(two, ours, bindings)
          yield* at(two, ours, rowsOf("DELETE FROM account_bindings RETURNING id"))
          const { report } = yield* at(two, theirs, ran([theirs.connection(vendor)]))
          expect(report.connections[0]?.error?.kind, vendor).toBe("account")
          expect(yield* at(two, theirs, bindings)).toEqual([])
          yield* at(two, ours, ran([ours.connection(vendor)]))
          expect(yield* at(two, ours, bindings)).toEqual(bound)
        }
      }),
    60_000
  )
})

describe("an account that is the right one", () => {
  for (const vendor of vendorIds) {
    it.scoped(
      `is not stopped where the first page shows new conversations only, and asks for none twice (${vendor})`,
      () =>
        Effect.gen(function* () {
          const two = yield* twoAccounts(3)
          const { ours } = two
          const connection = ours.connection(vendor)
          yield* at(two, ours, ran([connection]))
          const before = yield* at(
            two,
            ours,
            rowsOf<{ id: string }>("SELECT provider_id AS id FROM remote_conversations")
          )
          const world = ours.simulator.vendors[vendor].world
          for (let index = 0; index < 120; index += 1)
            world.addConversation(Date.UTC(2026, 2, 9, 9) + index * 1000)
          const { paths } = counting(ours.simulator)
          const { exitCode, report } = yield* at(two, ours, ran([connection]))
          expect({ exitCode, error: report.connections[0]?.error }).toEqual({ exitCode: 0, error: null })
          expect(yield* at(two, ours, rowsOf("SELECT 1 FROM remote_conversations"))).toHaveLength(123)
          const ofNew = paths.filter(
            (path) => !before.some(({ id }) => path.includes(encodeURIComponent(id)))
          )
          const details = ofNew.filter((path) => !/(convos|conversations|list)(\?|$)/.test(path))
          expect(details.length).toBe(new Set(details).size)
        })
    )
  }
})

describe("an account whose conversations were all replaced", () => {
  it.scoped("is the right one in every lane where each record says whose it is", () =>
    Effect.gen(function* () {
      for (const [name, lane] of Object.entries(lanes)) {
        const two = yield* twoAccounts(3)
        const { ours } = two
        const leads = { ...ours.connection("naturalead"), deleteBrake: { rows: 50, share: 1 } }
        yield* at(two, ours, ran([leads]))
        yield* at(
          two,
          ours,
          rowsOf("UPDATE conversations SET status = 'completed' WHERE status = 'active' RETURNING 1")
        )
        const { world } = ours.simulator.vendors.naturalead
        for (const id of [...world.conversations.keys()]) world.remove(id)
        for (const hour of [9, 10]) world.addConversation(Date.UTC(2026, 2, 9, hour))
        const { report } = yield* at(two, ours, ran([leads], lane))
        expect(report.connections[0]?.error?.kind, name).not.toBe("account")
        expect((yield* at(two, ours, ran([leads]))).report.connections[0]?.error, name).toBeNull()
      }
    })
  )
})

describe("an account that shows none of what is held, and nothing else", () => {
  /** Takes all of it away at the vendor. */
  const empty = ({ simulator }: World, vendor: VendorId) => {
    const { world } = simulator.vendors[vendor]
    for (const id of [...world.conversations.keys()]) world.remove(id)
  }

  for (const vendor of vendorIds) {
    it.scoped(
      `is not another one: what is gone is left to deleteBrake, and no change ends (${vendor})`,
      () =>
        Effect.gen(function* () {
          const two = yield* twoAccounts(3)
          const { ours } = two
          const connection = ours.connection(vendor)
          yield* at(two, ours, ran([connection]))
          yield* at(
            two,
            ours,
            Effect.flatMap(Db, (db) =>
              db.use("test.ask", ({ database }) =>
                database.exec("UPDATE conversations SET status = 'completed' WHERE status = 'active'")
              )
            )
          )
          const open = "SELECT id FROM status_changes WHERE state = 'pending' ORDER BY id"
          const pending = yield* at(two, ours, rowsOf(open))
          empty(ours, vendor)
          if (pending.length > 0) {
            const pushed = yield* at(two, ours, ran([connection], pushLane))
            expect(pushed.report.connections[0]?.error).toMatchObject({
              kind: "account",
              message: expect.stringContaining("and shows no others")
            })
            expect(yield* at(two, ours, rowsOf(open))).toEqual(pending)
          }
          const braked = yield* at(two, ours, ran([connection]))
          expect(braked.report.connections[0]?.error?.kind).toBe("delete_brake")
          const believed = { ...connection, deleteBrake: { rows: 50, share: 1 } }
          const verified = yield* at(two, ours, ran([connection], lanes.verify))
          expect(verified.report.connections[0]?.error?.kind).toBe("delete_brake")
          expect(yield* at(two, ours, rowsOf(gone))).toEqual([])
          expect((yield* at(two, ours, ran([believed]))).exitCode).toBe(0)
          expect(yield* at(two, ours, rowsOf(gone))).toHaveLength(3)
        }),
      60_000
    )
  }

  for (const vendor of vendorIds) {
    it.scoped(
      `is known by its own conversation, whose change does not end by a false answer before (${vendor})`,
      () =>
        Effect.gen(function* () {
          const two = yield* twoAccounts(1)
          const { ours } = two
          const connection = ours.connection(vendor)
          yield* at(two, ours, ran([connection]))
          const [change] = yield* at(
            two,
            ours,
            rowsOf<{ id: string }>(
              `UPDATE conversations SET status = (SELECT w.status FROM writable_statuses w
               WHERE w.connection = conversations.connection AND w.status <> conversations.status LIMIT 1)
             RETURNING id`
            )
          )
          expect(change).toBeDefined()
          ours.simulator.faults.add({
            match: { method: "GET" },
            times: 1,
            effect: { kind: "answer", status: 404, body: '{"message":"Not found"}' }
          })
          yield* at(two, ours, ran([connection], pushLane))
          expect(yield* at(two, ours, rowsOf("SELECT state FROM status_changes"))).toEqual([
            { state: "confirmed" }
          ])
        })
    )
  }

  it.scoped(
    "is not another one where every request is answered that nothing is there, and is told so by verify",
    () =>
      Effect.gen(function* () {
        const two = yield* twoAccounts(3)
        const { ours } = two
        const connections = vendorIds.map((vendor) => ours.connection(vendor))
        yield* at(two, ours, ran(connections))
        const body = '{"message":"Not found"}'
        ours.simulator.faults.add({
          match: { method: "GET" },
          effect: { kind: "answer", status: 404, body }
        })
        const stops: Array<string> = []
        yield* at(
          two,
          ours,
          ran(connections, {
            lane: "verify",
            work: (connection, runId) =>
              Effect.map(verify(connection, runId, null), ({ stopped }) => {
                stops.push(stopped?.kind ?? "")
                return { fault: stopped }
              })
          })
        )
        expect(stops).toEqual(vendorIds.map(() => "delete_brake"))
        expect(yield* at(two, ours, rowsOf(gone))).toEqual([])
      })
  )

  const gone = "SELECT 1 FROM remote_conversations WHERE deleted_at IS NOT NULL"

  it.scoped("is the right one, too, where all but conversations that were merged into others are there", () =>
    Effect.gen(function* () {
      const two = yield* twoAccounts(3)
      const { ours } = two
      const inbox = ours.connection("aelyst")
      yield* at(two, ours, ran([inbox]))
      const [into, ...merged] = yield* at(
        two,
        ours,
        rowsOf<{ id: string; provider_id: string }>("SELECT id, provider_id FROM remote_conversations")
      )
      for (const { id, provider_id } of merged) {
        ours.simulator.vendors.aelyst.world.remove(provider_id)
        const merge =
          "UPDATE remote_conversations SET merged_into = ?, merged_at = ? WHERE id = ? RETURNING id"
        yield* at(two, ours, rowsOf(merge, into?.id, "2026-03-09T08:00:00.000Z", id))
      }
      // The one that is left is gone as well: no other says whose it is.
      ours.simulator.vendors.aelyst.world.remove(into?.provider_id ?? "")
      yield* at(
        two,
        ours,
        rowsOf("UPDATE remote_conversations SET deleted_at = observed_at WHERE id = ? RETURNING id", into?.id)
      )
      ours.simulator.vendors.aelyst.world.addConversation(Date.UTC(2026, 2, 9, 9))
      const { report } = yield* at(two, ours, ran([inbox]))
      expect(report.connections[0]?.error).toBeNull()
    })
  )
})

describe("a mirror that another program locks while it is checked whose account answers", () => {
  const locked = Effect.fail(
    new StoreError({ op: "test", kind: "locked", message: "mirror.db is locked", hint: "run again" })
  )

  /** The check cannot use the mirror; everything else can. */
  const lockedToChecks = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Mirror, (mirror) =>
      Effect.provideService(
        effect,
        Mirror,
        Mirror.make({ ...mirror, bindAccount: () => locked, heldOf: () => locked, heldSample: () => locked })
      )
    )

  const fault = { outcome: "failed", error: { kind: "store", message: "mirror.db is locked" } }

  for (const vendor of vendorIds) {
    it.scopedLive(`ends every lane with that and stores nothing, and the next run is whole (${vendor})`, () =>
      Effect.gen(function* () {
        const two = yield* twoAccounts(3)
        const { ours, theirs } = two
        const connection = ours.connection(vendor)
        const live = <A, E>({ simulator }: World, effect: Effect.Effect<A, E, LaneNeeds>) =>
          Effect.provide(effect, inProcess(two.database, simulator))
        const first = yield* live(ours, lockedToChecks(ran([connection])))
        expect(first, "first").toMatchObject({ exitCode: 3, report: { connections: [fault] } })
        yield* live(ours, ran([connection]))
        yield* live(
          ours,
          rowsOf("UPDATE conversations SET status = 'completed' WHERE status = 'active' RETURNING 1")
        )
        // Not known to be the account: every lane has to look.
        yield* live(ours, rowsOf("DELETE FROM account_bindings RETURNING id"))
        const before = yield* live(ours, content)
        for (const [name, lane] of Object.entries(lanes)) {
          const { exitCode, report } = yield* live(
            theirs,
            lockedToChecks(ran([theirs.connection(vendor)], lane))
          )
          const pending = yield* live(theirs, rowsOf("SELECT 1 FROM status_changes WHERE state = 'pending'"))
          if (name === "push" && pending.length === 0) continue
          expect({ exitCode, report }, name).toMatchObject({ exitCode: 3, report: { connections: [fault] } })
          expect(yield* live(theirs, content), name).toEqual(before)
        }
        expect((yield* live(ours, ran([connection]))).exitCode).toBe(0)
      })
    )
  }
})

describe("a NaturaLead record of another account in the middle of a list", () => {
  const foreign = "f".repeat(24)

  /** The list as it is, in which the newest conversation says that it is another account's. */
  const smuggling = ({ simulator }: World, isBroken: boolean) => {
    const { handle } = simulator
    Object.assign(simulator, {
      handle: (...input: Parameters<typeof handle>) => {
        const answer = handle(...input)
        const text = typeof answer.body === "string" ? answer.body : [...answer.body].join("")
        const list = JSON.parse(text) as Array<Record<string, unknown>>
        const last = list.at(-1)
        if (last !== undefined) {
          last.accountId = foreign
          if (isBroken) last.createdAt = 5
        }
        return { ...answer, body: JSON.stringify(list) }
      }
    })
  }

  for (const isBroken of [false, true]) {
    it.scoped(
      `stops before it is stored, ${isBroken ? "in quarantine either" : "nor what came with it"}`,
      () =>
        Effect.gen(function* () {
          const two = yield* twoAccounts(6)
          const { ours } = two
          const leads = ours.connection("naturalead")
          yield* at(two, ours, ran([leads]))
          const before = yield* at(two, ours, content)
          ours.simulator.vendors.naturalead.world.addConversation(Date.UTC(2026, 2, 9, 9))
          smuggling(ours, isBroken)
          const { report } = yield* at(two, ours, ran([leads]))
          expect(report.connections[0]?.error).toMatchObject({ kind: "account" })
          expect(report.connections[0]?.error?.message).toContain(`is of account ${foreign}`)
          expect(yield* at(two, ours, content)).toEqual(before)
        })
    )
  }
})

describe("conversations of one counted id", () => {
  const one = { startedAt: now(0), phone: "+49 30 1234567", email: "Eva@Example.com" }

  it("are the same one where they began at once and share a way to reach the person, as far as both tell", () => {
    expect(areAlike(one, { ...one, phone: "+49301234567", email: null })).toBe(true)
    expect(areAlike(one, { ...one, phone: "+49309999999", email: "eva@example.com" })).toBe(true)
    expect(areAlike(one, { startedAt: now(0), phone: null, email: null })).toBe(true)
    // Hashed where it was stored: that cannot be compared.
    expect(areAlike(one, { startedAt: now(0), phone: "9f86d081884c7d659a2feaa0c55ad015", email: null })).toBe(
      true
    )
  })

  it("are two where they began at different times, or reach different people", () => {
    expect(areAlike(one, { ...one, startedAt: now(1000) })).toBe(false)
    expect(areAlike(one, { ...one, phone: "+49309999999", email: "tom@example.com" })).toBe(false)
    expect(areAlike({ ...one, email: null }, { ...one, phone: "+49309999999" })).toBe(false)
  })
})
