import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { messageListKind } from "../../../src/domain/Conversation.ts"
import type { Sighting, Unreadable } from "../../../src/providers/Provider.ts"
import {
  faults,
  freshStore,
  messagesOf,
  page,
  raw,
  rows,
  sighting,
  started,
  unreadable,
  values
} from "../fixtures.ts"

const alone = (fields: Partial<Unreadable>) => ({
  _tag: "Unreadable" as const,
  unreadable: unreadable(fields)
})

const openOnes = values(
  "SELECT kind || ' ' || coalesce(provider_id, '?') || ' ' || path FROM quarantine WHERE resolved_at IS NULL ORDER BY 1"
)

it.scoped("keeps a record that did not decode whole, with the reason and the place", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const payload = '{"id":"m1","timestamp":"twelve","text":"Grüße"}'
    expect(yield* commit([page(1, [alone({ payload })])])).toMatchObject({ received: 1, quarantined: 1 })
    const [row] = yield* mirror.quarantined({ connection: "leads", includeResolved: false, limit: 10 })
    expect(row).toMatchObject({
      kind: "message",
      provider_id: "m1",
      reason: 'expected a number, got "twelve"',
      path: "$.messages[3].timestamp",
      payload,
      seen: 1,
      resolved_at: null
    })
    expect(yield* mirror.quarantined({ connection: "support", includeResolved: true, limit: 10 })).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("has one row for the same fault, seen again", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([
      page(1, [
        alone({}),
        alone({}),
        alone({ path: "$.other" }),
        alone({ providerId: null, payload: "1" }),
        alone({ providerId: null, payload: "2" })
      ])
    ])
    yield* commit([page(2, [alone({ reason: "another", payload: '{"id":"m1","new":1}' })])])
    expect(
      yield* rows("SELECT provider_id, path, seen, reason, payload FROM quarantine ORDER BY id")
    ).toEqual([
      {
        provider_id: "m1",
        path: "$.messages[3].timestamp",
        seen: 3,
        reason: "another",
        payload: '{"id":"m1","new":1}'
      },
      {
        provider_id: "m1",
        path: "$.other",
        seen: 1,
        reason: 'expected a number, got "twelve"',
        payload: '{"id":"m1"}'
      },
      {
        provider_id: null,
        path: "$.messages[3].timestamp",
        seen: 1,
        reason: 'expected a number, got "twelve"',
        payload: "1"
      },
      {
        provider_id: null,
        path: "$.messages[3].timestamp",
        seen: 1,
        reason: 'expected a number, got "twelve"',
        payload: "2"
      }
    ])
  }).pipe(Effect.provide(freshStore))
)

const bad = [
  unreadable({ providerId: "m1", path: "$.messages[0]" }),
  unreadable({ providerId: "m2", path: "$.messages[1]" }),
  unreadable({ providerId: null, path: "$.messages[2]" }),
  unreadable({ kind: "detail", providerId: "c1", path: "$.detail" }),
  unreadable({ kind: "contact", providerId: "p1", path: "$.contact" })
]

it.scoped("keeps a record of each of two conversations that number their messages alike", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const bad = (conversationId: string) =>
      unreadable({ providerId: "5", conversationId, payload: `{"messageId":5,"of":"${conversationId}"}` })
    for (const seconds of [1, 2]) {
      yield* commit([
        page(seconds, [
          sighting({ providerId: "c1" }, { unreadable: [bad("c1")] }),
          sighting({ providerId: "c2" }, { unreadable: [bad("c2")] })
        ])
      ])
    }
    expect(
      yield* rows("SELECT conversation_provider_id AS c, payload, seen FROM quarantine ORDER BY id")
    ).toEqual([
      { c: "c1", payload: '{"messageId":5,"of":"c1"}', seen: 2 },
      { c: "c2", payload: '{"messageId":5,"of":"c2"}', seen: 2 }
    ])
    yield* commit([page(3, [sighting({ providerId: "c1" }, { messages: { extent: "whole", items: [] } })])])
    expect(
      yield* values("SELECT conversation_provider_id FROM quarantine WHERE resolved_at IS NULL")
    ).toEqual(["c2"])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("resolves what a look at all of a conversation no longer finds, and no other conversation's", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([
      page(1, [
        sighting({}, { messages: { extent: "whole", items: [] }, unreadable: bad }),
        alone({ conversationId: "c2", providerId: "m1" })
      ])
    ])
    const totals = yield* commit([
      page(2, [
        sighting(
          {},
          { messages: { extent: "whole", items: messagesOf("Hello") }, unreadable: [bad[1] as Unreadable] }
        )
      ])
    ])
    expect(totals).toMatchObject({ quarantined: 1, inserted: 1, unchanged: 1 })
    expect(yield* values("SELECT provider_id FROM quarantine WHERE resolved_at IS NULL ORDER BY id")).toEqual(
      ["m2", "m1"]
    )
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("resolves, after a look at a part, only what it saw", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items: [] }, unreadable: bad })])])
    yield* commit([page(2, [sighting({ title: "listed" })])])
    expect(yield* openOnes).toHaveLength(5)
    yield* commit([
      page(3, [sighting({}, { messages: { extent: "newest", items: messagesOf("zero", "one").slice(1) } })])
    ])
    expect(yield* openOnes).toEqual([
      "contact p1 $.contact",
      "detail c1 $.detail",
      "message ? $.messages[2]",
      "message m2 $.messages[1]"
    ])
    yield* commit([page(4, [sighting({}, { raw: [raw("1", { kind: "detail" })] })])])
    expect(yield* openOnes).toEqual([
      "contact p1 $.contact",
      "message ? $.messages[2]",
      "message m2 $.messages[1]"
    ])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("opens a new row when a fault that was resolved comes back", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const good = sighting({}, { messages: { extent: "whole", items: [] } })
    yield* commit([page(1, [alone({})])])
    yield* commit([page(2, [good])])
    yield* commit([page(3, [alone({})])])
    expect(yield* values("SELECT resolved_at IS NULL FROM quarantine ORDER BY id")).toEqual([0, 1])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("does not quarantine what a newer sighting has overtaken", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(5, [sighting()])])
    expect(yield* commit([page(4, [alone({ kind: "conversation", providerId: "c1" })])])).toMatchObject({
      unchanged: 1,
      quarantined: 0
    })
    expect(yield* commit([page(6, [alone({ kind: "conversation", providerId: "c1" })])])).toMatchObject({
      unchanged: 0,
      quarantined: 1
    })
  }).pipe(Effect.provide(freshStore))
)

it.scoped("closes rows on request, each once", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(1, [alone({}), alone({ path: "$.other" })])])
    const list = (includeResolved: boolean) =>
      mirror.quarantined({ connection: null, includeResolved, limit: 10 })
    const [newest] = yield* list(false)
    expect(yield* mirror.resolveQuarantined([newest?.id ?? 0, newest?.id ?? 0])).toBe(1)
    expect(yield* list(false)).toHaveLength(1)
    expect(yield* list(true)).toHaveLength(2)
  }).pipe(Effect.provide(freshStore))
)

const openIds = values(
  "SELECT id FROM quarantine WHERE resolved_at IS NULL AND dismissed_at IS NULL ORDER BY id"
)
const countedOpen = values("SELECT quarantined FROM freshness")

it.scoped("counts a dismissed record that comes again as unchanged, so that its run is complete", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(1, [alone({}), alone({ path: "$.other" })])])
    expect(yield* mirror.dismissQuarantined([1, 1])).toEqual({ unknown: [], resolved: [], dismissed: [1] })
    expect(yield* countedOpen).toEqual([1])
    expect(yield* commit([page(2, [alone({})])])).toMatchObject({ received: 1, unchanged: 1, quarantined: 0 })
    expect(yield* values("SELECT seen FROM quarantine ORDER BY id")).toEqual([2, 1])
    expect(yield* openIds).toEqual([2])
    // The other fault of the same record was not dismissed.
    expect(yield* commit([page(3, [alone({ path: "$.other" })])])).toMatchObject({ quarantined: 1 })
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("counts a dismissed record again once its payload or its fault is another", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    for (const changed of [{ payload: '{"id":"m1","new":1}' }, { reason: "another" }]) {
      yield* commit([page(1, [alone({})])])
      yield* mirror.dismissQuarantined([1])
      expect(yield* countedOpen).toEqual([0])
      expect(yield* commit([page(2, [alone(changed)])])).toMatchObject({ quarantined: 1, unchanged: 0 })
      expect(yield* openIds).toEqual([1])
    }
  }).pipe(Effect.provide(freshStore))
)

it.scoped("resolves a dismissed record by a good sighting, and dismisses none where one is unknown", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(1, [alone({}), alone({ path: "$.other" })])])
    expect(yield* mirror.dismissQuarantined([2, 77])).toEqual({ unknown: [77], resolved: [], dismissed: [] })
    expect(yield* openIds).toEqual([1, 2])
    yield* mirror.dismissQuarantined([1])
    const good = sighting({}, { messages: { extent: "whole", items: messagesOf("Hello") } })
    yield* commit([page(2, [good])])
    expect(yield* values("SELECT resolved_at IS NOT NULL FROM quarantine ORDER BY id")).toEqual([1, 1])
    expect(yield* mirror.dismissQuarantined([1])).toMatchObject({ resolved: [1], dismissed: [] })
  }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "closes an unreadable list of messages with the next that brings some, though it brings only the newest",
  () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const fault = unreadable({ kind: messageListKind, providerId: "c1", conversationId: "c1", path: "$" })
      const said = (messages: Sighting["messages"], faulty: boolean) =>
        sighting({}, { messages, unreadable: faulty ? [fault] : [] })
      yield* commit([page(1, [said(null, true)])])
      expect(yield* openOnes).toEqual(["message-list c1 $"])
      yield* commit([page(2, [said(null, false)])])
      expect(yield* openOnes).toEqual(["message-list c1 $"])
      yield* commit([page(3, [said({ extent: "newest", items: [] }, false)])])
      expect(yield* openOnes).toEqual([])
    }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "resolves the fault of a listed record once it is shown as it was stored before, and no other",
  () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const unchanged = { _tag: "Unchanged", providerId: "c1" } as const
      const row = { kind: "conversation", providerId: "c1", conversationId: "c1", path: "$.at" }
      const within = unreadable({ kind: "message", providerId: "m1", conversationId: "c1" })
      yield* commit([page(1, [sighting({ providerId: "c1" }, { unreadable: [within] })])])
      yield* commit([page(2, [unchanged])])
      yield* commit([page(4, [alone(row)])])
      yield* commit([page(3, [unchanged])])
      yield* commit([page(5, [{ ...unchanged, providerId: "c2" }])])
      expect(yield* openOnes).toEqual(["conversation c1 $.at", "message m1 $.messages[3].timestamp"])
      yield* commit([page(6, [unchanged])])
      expect(yield* openOnes).toEqual(["message m1 $.messages[3].timestamp"])
    }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "resolves by an unchanged row only what its own record was at fault with, though ids are alike",
  () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const shown = (providerId: string, recordId: string) =>
        ({ _tag: "Unchanged", providerId, recordId }) as const
      const fault = (providerId: string) =>
        alone({ kind: "conversation", providerId, conversationId: "x", path: "$.at" })
      yield* commit([page(1, [sighting({ providerId: "x" }, {}), sighting({ providerId: "x@two" }, {})])])
      yield* commit([page(2, [fault("one/x"), fault("two/x")])])
      yield* commit([page(3, [shown("x", "one/x")])])
      expect(yield* openOnes).toEqual(["conversation two/x $.at"])
      yield* commit([page(4, [shown("x@two", "two/x")])])
      expect(yield* openOnes).toEqual([])
    }).pipe(Effect.provide(freshStore))
)
