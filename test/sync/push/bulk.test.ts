import { resolve } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { RequestedChange } from "../../../src/domain/StatusChange.ts"
import { selectWhere } from "../../../src/store/read/selectWhere.ts"
import { planChanges, requestChanges } from "../../../src/sync/push/bulk.ts"
import { rowsOf } from "../../support/inProcess.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

const requested = (status: RequestedChange["status"]): RequestedChange => ({
  status,
  category: null,
  summary: null,
  title: null,
  tags: []
})

const wanted = (ids: ReadonlyArray<string>, status: RequestedChange["status"] = "completed") => ({
  ids,
  requested: requested(status),
  requestedBy: "a test"
})

const idsOf = (where: string) =>
  Effect.map(rowsOf<{ id: string }>(`SELECT id FROM conversations WHERE ${where} ORDER BY id`), (rows) =>
    rows.map(({ id }) => id)
  )

const openChanges = rowsOf<{ conversation_id: string; to_status: string }>(
  "SELECT conversation_id, to_status FROM status_changes WHERE state = 'pending' ORDER BY conversation_id"
)

describe("one change for many conversations", () => {
  it.scoped("is planned by connection and word, says what can never be put back, and writes nothing", () =>
    Effect.gen(function* () {
      const { connections, layer } = yield* syncedWorld(["naturalead", "convocore"], { conversations: 30 })
      yield* Effect.gen(function* () {
        const ids = yield* idsOf("remote_status <> 'completed'")
        const { connections: parts, faults } = yield* planChanges(wanted(ids), connections)
        expect(faults).toEqual([])
        expect(parts.reduce((sum, { changes }) => sum + changes, 0)).toBe(ids.length)
        const counted = yield* rowsOf<{ connection: string; word: string; n: number }>(
          `SELECT connection, provider_status AS word, count(*) AS n FROM conversations
           WHERE remote_status <> 'completed' GROUP BY 1, 2`
        )
        expect(
          parts
            .flatMap(({ name, steps }) =>
              steps.map((step) => ({
                connection: name,
                word: step.from_provider_status,
                n: step.conversations
              }))
            )
            .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
        ).toEqual([...counted].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)))
        // NaturaLead's `active` is read and cannot be written.
        const naturalead = parts.find(({ provider }) => provider === "naturalead")
        const active = naturalead?.steps.find(({ from }) => from === "active")
        expect(active?.can_be_put_back).toBe(false)
        expect(naturalead?.steps.find(({ from }) => from === "handed_off")?.can_be_put_back).toBe(true)
        expect(naturalead?.never_put_back).toBeGreaterThanOrEqual(active?.conversations ?? 1)
        expect(naturalead?.pending).toBe(naturalead?.changes)
        expect(yield* openChanges).toEqual([])
      }).pipe(Effect.provide(layer))
    })
  )

  it.scoped("goes into the outbox once for each conversation, however it is named and however often", () =>
    Effect.gen(function* () {
      const { connections, layer } = yield* syncedWorld(["aelyst"], { conversations: 30 })
      yield* Effect.gen(function* () {
        const open = yield* rowsOf<{ id: string; email: string }>(
          `SELECT c.id, k.email FROM conversations c JOIN contacts k ON k.id = c.contact_id
           WHERE c.remote_status = 'active' AND k.email IS NOT NULL ORDER BY c.id LIMIT 3`
        )
        const closed = (yield* idsOf("remote_status = 'completed'")).slice(0, 1)
        const [first] = open
        const ids = [...open.map(({ id }) => id), `inbox:email:${first?.email}`, ...closed, first?.id ?? ""]
        const { change_ids, connections: parts } = yield* requestChanges(wanted(ids), connections)
        expect(change_ids.length).toBe(3)
        expect(parts).toMatchObject([{ changes: 3, nothing_to_do: 1, already_requested: 0 }])
        expect((yield* openChanges).map((row) => row.conversation_id)).toEqual(open.map(({ id }) => id))
        const again = yield* requestChanges(wanted(ids), connections)
        expect(again.connections).toMatchObject([{ changes: 0, already_requested: 3, pending: 3 }])
        expect((yield* openChanges).length).toBe(3)
        const back = yield* requestChanges(wanted(ids, "active"), connections)
        expect(back.connections).toMatchObject([
          { changes: 1, nothing_to_do: 3, replaced: 3, pending: -3 + 4 }
        ])
      }).pipe(Effect.provide(layer))
    })
  )

  it.scoped("is requested for none where one id is wrong or one provider cannot take it", () =>
    Effect.gen(function* () {
      const { connections, layer } = yield* syncedWorld(["naturalead", "aelyst"], { conversations: 30 })
      yield* Effect.gen(function* () {
        const ids = yield* idsOf("remote_status = 'active'")
        const typo = yield* requestChanges(wanted([...ids, "leads:nobody"]), connections)
        expect(typo.faults).toMatchObject([
          { message: "there is no conversation `leads:nobody` in the mirror", ids: ["leads:nobody"] }
        ])
        const handed = yield* requestChanges(wanted(ids, "handed_off"), connections)
        expect(handed.faults).toMatchObject([
          {
            message: "`handed_off` cannot be written to `inbox`: aelyst has no such status to set",
            hint: "It takes active (`open`), completed (`close`)."
          }
        ])
        expect(handed.faults[0]?.ids).toEqual(ids.filter((id) => id.startsWith("inbox:")))
        const [only] = connections
        const stranger = yield* requestChanges(wanted(ids), only === undefined ? [] : [only])
        expect(stranger.faults).toMatchObject([
          { message: 'there is no connection "inbox" in the configuration' }
        ])
        const off = connections.map((one) => ({ ...one, enabled: one.name !== "inbox" }))
        for (const request of [requestChanges, planChanges]) {
          expect((yield* request(wanted(ids), off)).faults).toMatchObject([
            {
              message: 'the connection "inbox" is switched off in the configuration',
              hint: expect.stringContaining("take enabled: false out of it")
            }
          ])
        }
        expect([typo, handed, stranger].flatMap(({ change_ids }) => change_ids)).toEqual([])
        expect(yield* openChanges).toEqual([])
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("a condition on conversations", () => {
  const program = resolve(import.meta.dirname, "../../../dist/query.js")

  it.scoped("selects ids, and says in words what is wrong with it", () =>
    Effect.gen(function* () {
      const { layer } = yield* syncedWorld(["aelyst"], { conversations: 30 })
      yield* Effect.gen(function* () {
        const ids = yield* selectWhere(program, "status = 'active' -- those that are open")
        expect(ids.toSorted()).toEqual(yield* idsOf("status = 'active'"))
        const faults = [
          ["", "the condition is empty"],
          ["statu = 'active'", "there is no column statu"],
          ["status = active", "there is no column active"],
          ["1); DELETE FROM messages; --", "there is more than one statement in it"],
          ["status = ?", "there is a ? or :name in it"],
          ["1 = ", 'the SQL is not right near ")"']
        ] as const
        for (const [where, message] of faults) {
          expect(yield* Effect.flip(selectWhere(program, where))).toMatchObject({ _tag: "SqlFault", message })
        }
        expect((yield* rowsOf("SELECT 1 FROM messages LIMIT 1")).length).toBe(1)
      }).pipe(Effect.provide(layer))
    })
  )
})
