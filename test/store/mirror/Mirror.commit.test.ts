import { expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { toMillis } from "../../../src/domain/Timestamp.ts"
import {
  at,
  atMillis,
  contact,
  faults,
  freshStore,
  messagesOf,
  page,
  raw,
  rows,
  sighting,
  started,
  unreadable,
  values,
  writtenRows
} from "../fixtures.ts"

const whole = (...texts: ReadonlyArray<string>) => ({
  messages: { extent: "whole" as const, items: messagesOf(...texts) }
})

const none = {
  pages: 1,
  received: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  quarantined: 0,
  conversations: 0,
  messages: 0,
  contacts: 0,
  overtaken: 0
}

it.scoped("stores a conversation with its contact, messages, payload, history and ledger in one page", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    const totals = yield* commit([
      page(1, [
        sighting(
          { contactId: "p1", tags: ["vip"], attributes: { score: 3 }, qualified: true, declaredMessages: 2 },
          {
            contact: contact({ email: "ann@example.com" }),
            ...whole("Hello", "Good day"),
            raw: [raw('{"id":"c1"}')],
            fingerprint: "f1"
          }
        )
      ])
    ])
    expect(totals).toEqual({ ...none, received: 4, inserted: 4, conversations: 1, messages: 2, contacts: 1 })
    expect(
      yield* rows(
        "SELECT id, provider, contact_id, status, stored_messages, complete, tags, attributes, qualified, first_seen_at, last_seen_at FROM conversations"
      )
    ).toEqual([
      {
        id: "leads:c1",
        provider: "naturalead",
        contact_id: "leads:p1",
        status: "active",
        stored_messages: 2,
        complete: 1,
        tags: '["vip"]',
        attributes: '{"score":3}',
        qualified: 1,
        first_seen_at: at(3600),
        last_seen_at: at(1)
      }
    ])
    expect(
      yield* rows("SELECT id, provider_id, position, role, content, sent_at FROM messages ORDER BY position")
    ).toEqual([
      {
        id: "leads:c1:m0",
        provider_id: "m0",
        position: 0,
        role: "customer",
        content: "Hello",
        sent_at: at(0)
      },
      {
        id: "leads:c1:m1",
        provider_id: "m1",
        position: 1,
        role: "customer",
        content: "Good day",
        sent_at: at(1)
      }
    ])
    expect(
      yield* rows("SELECT conversation_id, from_status, to_status, origin, run_id FROM status_history")
    ).toEqual([
      {
        conversation_id: "leads:c1",
        from_status: null,
        to_status: "active",
        origin: "provider",
        run_id: runId
      }
    ])
    expect(yield* rows("SELECT path, requested_at, received, inserted FROM pages")).toEqual([
      { path: "/conversations", requested_at: at(1), received: 4, inserted: 4 }
    ])
    expect(
      yield* rows("SELECT pages, received, inserted, conversations, messages FROM run_connections")
    ).toEqual([{ pages: 1, received: 4, inserted: 4, conversations: 1, messages: 2 }])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("writes nothing but the ledger for a record that is as it is stored", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const same = () =>
      sighting(
        { contactId: "p1", attributes: { a: 1, b: { c: 2, d: [] } }, tags: ["vip"] },
        {
          contact: contact({ name: "Ann", attributes: { city: "Bonn" } }),
          ...whole("Hello", "你好"),
          raw: [raw('{"id":"c1"}')],
          fingerprint: "f1"
        }
      )
    yield* commit([page(1, [same()])])
    const ledgerOnly = 4
    const before = yield* writtenRows
    const totals = yield* commit([page(2, [same()])])
    expect(totals).toEqual({ ...none, received: 4, unchanged: 4, conversations: 1, messages: 2 })
    expect((yield* writtenRows) - before).toBe(ledgerOnly)
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("takes keys in another order for the same record", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const message = (attributes: Record<string, number>) => ({
      messages: {
        extent: "whole" as const,
        items: messagesOf("Hello").map((one) => ({ ...one, attributes }))
      }
    })
    yield* commit([page(1, [sighting({ attributes: { a: 1, b: { c: 2, d: 3 } } }, message({ x: 1, y: 2 }))])])
    const totals = yield* commit([
      page(2, [sighting({ attributes: { b: { d: 3, c: 2 }, a: 1 } }, message({ y: 2, x: 1 }))])
    ])
    expect(totals.unchanged).toBe(2)
  }).pipe(Effect.provide(freshStore))
)

it.scoped("counts a record whose fingerprint alone changed as unchanged, and keeps the fingerprint", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(1, [sighting({}, { fingerprint: "f1" })])])
    const totals = yield* commit([page(2, [sighting({}, { fingerprint: "f2" })])])
    expect(totals).toEqual({ ...none, received: 1, unchanged: 1, conversations: 1 })
    expect((yield* mirror.known("leads", ["c1"])).get("c1")?.fingerprint).toBe("f2")
  }).pipe(Effect.provide(freshStore))
)

it.scoped("brings every column of a changed conversation up to date", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const changed = {
      contactId: "p2",
      channel: "voice",
      providerChannel: "vapi",
      status: "completed",
      providerStatus: "done",
      agentId: "agent-2",
      campaignId: "k",
      title: "t",
      summary: "s",
      qualified: false,
      qualificationReason: "q",
      tags: ["x"],
      attributes: { y: 1 },
      declaredMessages: 7,
      startedAt: at(5),
      lastMessageAt: at(6),
      updatedAt: at(7)
    } as const
    yield* commit([page(1, [sighting({}, whole("Hello"))])])
    const totals = yield* commit([page(2, [sighting(changed)])])
    expect(totals).toMatchObject({ received: 1, updated: 1 })
    expect(
      yield* rows(
        `SELECT contact_id, channel, provider_channel, status, provider_status, agent_id, campaign_id, title, summary,
           qualified, qualification_reason, tags, attributes, declared_messages, stored_messages, started_at,
           last_message_at, updated_at, last_seen_at FROM conversations`
      )
    ).toEqual([
      {
        contact_id: "leads:p2",
        channel: "voice",
        provider_channel: "vapi",
        status: "completed",
        provider_status: "done",
        agent_id: "agent-2",
        campaign_id: "k",
        title: "t",
        summary: "s",
        qualified: 0,
        qualification_reason: "q",
        tags: '["x"]',
        attributes: '{"y":1}',
        declared_messages: 7,
        stored_messages: 1,
        started_at: at(5),
        last_message_at: at(6),
        updated_at: at(7),
        last_seen_at: at(2)
      }
    ])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

/** Seconds: when it was asked for, when answered, and the vendor's own time. */
type Age = readonly [requested: number, answered: number, updated: number | null]

const ages: ReadonlyArray<{
  readonly what: string
  readonly stored: Age
  readonly incoming: Age
  readonly isStale: boolean
}> = [
  {
    what: "asked for later, though updated earlier",
    stored: [1, 2, 20],
    incoming: [2, 3, 10],
    isStale: false
  },
  {
    what: "asked for earlier, though updated later",
    stored: [2, 3, 10],
    incoming: [1, 2, 20],
    isStale: true
  },
  { what: "asked for later, of an unknown age", stored: [1, 2, 10], incoming: [2, 3, null], isStale: false },
  { what: "asked for earlier, of an unknown age", stored: [2, 3, 10], incoming: [1, 2, null], isStale: true },
  { what: "asked for at the same time", stored: [1, 1, 10], incoming: [1, 1, 10], isStale: false },
  { what: "that overlapped, updated earlier", stored: [1, 8, 20], incoming: [2, 9, 10], isStale: true },
  { what: "that overlapped, updated later", stored: [2, 8, 10], incoming: [1, 9, 20], isStale: false },
  {
    what: "that overlapped, updated at the same time, asked for earlier",
    stored: [2, 8, 10],
    incoming: [1, 9, 10],
    isStale: true
  },
  {
    what: "that overlapped, of an unknown age, asked for later",
    stored: [1, 8, 20],
    incoming: [2, 9, null],
    isStale: false
  },
  {
    what: "that overlapped, with the time of a wrong clock, asked for earlier",
    stored: [2, 8, 10],
    incoming: [1, 9, 9_999],
    isStale: true
  }
]
for (const { what, stored, incoming, isStale } of ages) {
  it.scoped(`${isStale ? "keeps what is stored from" : "takes"} a sighting ${what}`, () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const seen = ([requested, answered, updated]: Age, title: string) => {
        const asked = page(requested, [
          sighting(
            { title, contactId: "p1", updatedAt: updated === null ? null : at(updated) },
            {
              contact: contact({ name: title }),
              ...whole(title),
              raw: [raw(`"${title}"`)],
              unreadable: [unreadable({ providerId: title })],
              fingerprint: title
            }
          )
        ])
        return { ...asked, exchange: { ...asked.exchange, receivedAt: atMillis(answered) } }
      }
      yield* commit([seen(stored, "stored")])
      const totals = yield* commit([seen(incoming, "incoming")])
      if (isStale) expect(totals).toMatchObject({ received: 4, unchanged: 4 })
      const title = isStale ? "stored" : "incoming"
      expect(yield* values("SELECT title FROM conversations")).toEqual([title])
      expect(yield* values("SELECT content FROM messages")).toEqual([title])
      expect(yield* values("SELECT fingerprint FROM remote_conversations")).toEqual([title])
      expect(yield* values("SELECT CAST(payload AS TEXT) FROM raw_records")).toEqual([`"${title}"`])
      expect(yield* values("SELECT provider_id FROM quarantine WHERE resolved_at IS NULL")).toEqual([title])
      expect(yield* faults).toEqual([])
    }).pipe(Effect.provide(freshStore))
  )
}

const later = at(30 * 86_400)

it.scoped("takes what is seen for news where the stored times are those of a clock that was ahead", () =>
  Effect.gen(function* () {
    const { commit, mirror, runId } = yield* started
    const show = (seconds: number, title: string) => commit([page(seconds, [sighting({ title })])])
    const observed = Effect.map(
      rows("SELECT title, observed_at, deleted_at FROM remote_conversations"),
      ([row]) => row
    )
    yield* TestClock.setTime(toMillis(later))
    yield* show(30 * 86_400, "seen by the clock that was ahead")
    yield* TestClock.setTime(atMillis(100))
    expect(yield* show(20, "seen since")).toMatchObject({ updated: 1 })
    expect(yield* observed).toMatchObject({ title: "seen since", observed_at: at(20) })
    expect(yield* show(10, "overtaken")).toMatchObject({ unchanged: 1 })

    // As it was, too: from then on its time is right.
    yield* rows("UPDATE remote_conversations SET observed_at = ? RETURNING 1", later)
    expect(yield* show(30, "seen since")).toMatchObject({ unchanged: 1 })
    expect(yield* observed).toMatchObject({ observed_at: at(30) })

    yield* mirror.tombstone({ connection: "leads", providerIds: ["c1"], askedAt: later, runId })
    yield* show(40, "back")
    expect(yield* observed).toMatchObject({ title: "back", deleted_at: null })

    yield* rows("UPDATE remote_conversations SET observed_at = ? RETURNING 1", later)
    const fault = unreadable({ kind: "conversation", providerId: "c1" })
    expect(yield* commit([page(50, [{ _tag: "Unreadable", unreadable: fault }])])).toMatchObject({
      quarantined: 1
    })
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps what another program observed while a commit waited for the file", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* TestClock.setTime(atMillis(100))
    yield* commit([page(110, [sighting({ title: "observed meanwhile" })])])
    expect(yield* commit([page(99, [sighting({ title: "waited" })])])).toMatchObject({ unchanged: 1 })
    expect(yield* values("SELECT title FROM conversations")).toEqual(["observed meanwhile"])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("forgets what a clock that was ahead has learned about an account", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* TestClock.setTime(toMillis(later))
    yield* commit([page(1, [], { learned: { reconciled: "complete" } })])
    expect([...(yield* mirror.learned("leads")).keys()]).toEqual(["reconciled"])
    yield* TestClock.setTime(atMillis(100))
    expect([...(yield* mirror.learned("leads")).keys()]).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("remembers that a record was seen unchanged, so that an answer overtaken by it is no news", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(1, [sighting({ title: "new" })])])
    yield* commit([page(3, [sighting({ title: "new" })])])
    const totals = yield* commit([page(2, [sighting({ title: "overtaken" })])])
    expect(totals).toMatchObject({ unchanged: 1, updated: 0 })
    expect(yield* values("SELECT title FROM conversations")).toEqual(["new"])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("never erases what a contact said before, and fills in what it says later", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const seen = (seconds: number, fields: Parameters<typeof contact>[0]) =>
      commit([page(seconds, [sighting({ contactId: "p1" }, { contact: contact(fields) })])])
    yield* seen(1, { name: "Ann", email: "ann@example.com", attributes: { city: "Bonn", age: 30 } })
    expect(yield* seen(2, {})).toMatchObject({ unchanged: 2 })
    expect(yield* seen(3, { phone: "+49 1", attributes: { city: "Köln", age: null } })).toMatchObject({
      updated: 1,
      unchanged: 1
    })
    expect(yield* rows("SELECT name, email, phone, attributes FROM contacts")).toEqual([
      { name: "Ann", email: "ann@example.com", phone: "+49 1", attributes: '{"age":30,"city":"Köln"}' }
    ])
  }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "stores a contact that conversations share once, and lets an older conversation only fill gaps of it",
  () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const seen = (id: string, fields: Parameters<typeof contact>[0], updated = 5) =>
        sighting({ providerId: id, contactId: "p1", updatedAt: at(updated) }, { contact: contact(fields) })
      const totals = yield* commit([
        page(5, [seen("c1", { name: "Ann B." }), seen("c2", { name: "Ann B." })]),
        page(6, [seen("c3", { name: "Ann A.", email: "a@example.com" }, 4)])
      ])
      expect(totals).toMatchObject({ received: 6, inserted: 4, unchanged: 1, updated: 1 })
      expect(yield* rows("SELECT name, email FROM contacts")).toEqual([
        { name: "Ann B.", email: "a@example.com" }
      ])
    }).pipe(Effect.provide(freshStore))
)

it.scoped("takes no answer for news that was asked for before a list showed the conversation as it is", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const late = (title: string) => sighting({ title })
    yield* commit([page(1, [sighting()])])
    yield* commit([page(60, [{ _tag: "Unchanged", providerId: "c1" }])])
    expect(yield* commit([page(59, [late("first")])])).toMatchObject({ updated: 0, unchanged: 1 })
    yield* commit([page(80, [{ _tag: "Unchanged", providerId: "c1", key: 1 }])])
    expect(yield* commit([page(79, [late("second")])])).toMatchObject({ updated: 0, unchanged: 1 })
    expect(yield* commit([page(81, [late("third")])])).toMatchObject({ updated: 1, unchanged: 0 })
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps a place for a contact of whom only the id is known", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    expect(yield* commit([page(1, [sighting({ contactId: "p9" })])])).toMatchObject({
      received: 1,
      inserted: 1
    })
    expect(yield* rows("SELECT id, name FROM contacts")).toEqual([{ id: "leads:p9", name: null }])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("counts what is unchanged, out of scope and unreadable, page by page and for the run", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(1, [sighting()])])
    const totals = yield* commit([
      page(2, [
        { _tag: "Unchanged", providerId: "c1" },
        { _tag: "Filtered", providerId: "c7" },
        {
          _tag: "Unreadable",
          unreadable: unreadable({ kind: "conversation", providerId: null, conversationId: null })
        }
      ]),
      page(3, [
        sighting(
          { providerId: "c2" },
          { ...whole("Hello"), unreadable: [unreadable({ conversationId: "c2" })] }
        )
      ])
    ])
    expect(totals).toEqual({
      pages: 2,
      received: 6,
      inserted: 2,
      updated: 0,
      unchanged: 1,
      filtered: 1,
      quarantined: 2,
      conversations: 2,
      messages: 1,
      contacts: 0,
      overtaken: 0
    })
    expect(yield* values("SELECT received FROM pages ORDER BY id")).toEqual([1, 3, 3])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("stores nothing of a commit that fails", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const broken = {
      ...sighting({ providerId: "c2" }),
      conversation: { ...sighting().conversation, providerId: "c2", status: "nonsense" }
    }
    yield* Effect.flip(commit([page(1, [sighting({}, whole("Hello"))]), page(2, [broken as never])]))
    expect(
      yield* values(
        "SELECT count(*) FROM pages UNION ALL SELECT count(*) FROM messages UNION ALL SELECT count(*) FROM remote_conversations"
      )
    ).toEqual([0, 0, 0])
    yield* commit([page(3, [sighting({}, whole("Hello"))])])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("tells the status's history: from, to, the provider's word, and when it was seen", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(1, [sighting({ status: "handed_off", providerStatus: "requested_chat" })])])
    yield* commit([page(2, [sighting({ status: "handed_off", providerStatus: "human-chatting" })])])
    yield* commit([
      page(3, [sighting({ status: "handed_off", providerStatus: "human-chatting", title: "new" })])
    ])
    yield* commit([page(4, [sighting({ status: "completed", providerStatus: "done" })])])
    expect(
      yield* rows(
        "SELECT from_status, to_status, provider_status, origin, observed_at FROM status_history ORDER BY id"
      )
    ).toEqual([
      {
        from_status: null,
        to_status: "handed_off",
        provider_status: "requested_chat",
        origin: "provider",
        observed_at: at(1)
      },
      {
        from_status: "handed_off",
        to_status: "handed_off",
        provider_status: "human-chatting",
        origin: "provider",
        observed_at: at(2)
      },
      {
        from_status: "handed_off",
        to_status: "completed",
        provider_status: "done",
        origin: "provider",
        observed_at: at(4)
      }
    ])
  }).pipe(Effect.provide(freshStore))
)

const echoes: ReadonlyArray<{
  readonly state: string
  readonly to: string
  readonly seen: "completed" | "abandoned"
  readonly origin: string
}> = [
  { state: "pending", to: "completed", seen: "completed", origin: "provider" },
  { state: "sending", to: "completed", seen: "completed", origin: "local" },
  { state: "queued", to: "completed", seen: "completed", origin: "local" },
  { state: "sent", to: "completed", seen: "completed", origin: "local" },
  { state: "sent", to: "completed", seen: "abandoned", origin: "provider" },
  { state: "confirmed", to: "completed", seen: "completed", origin: "local" },
  { state: "confirmed", to: "completed", seen: "abandoned", origin: "provider" },
  { state: "rejected", to: "completed", seen: "completed", origin: "provider" }
]
for (const { state, to, seen, origin } of echoes) {
  it.scoped(
    `takes \`${seen}\` for ${origin === "local" ? "our own change" : "the provider's"} while ours to \`${to}\` is ${state}`,
    () =>
      Effect.gen(function* () {
        const { commit } = yield* started
        yield* commit([page(1, [sighting()])])
        yield* rows(
          `INSERT INTO status_changes (conversation_id, from_status, to_status, state, sent_at, ended_at)
         VALUES ('leads:c1', 'active', ?, ?, ?, ?) RETURNING id`,
          to,
          state,
          state === "pending" ? null : at(2),
          state === "confirmed" || state === "rejected" ? at(3) : null
        )
        yield* commit([page(4, [sighting({ status: seen, providerStatus: seen })])])
        expect(yield* values("SELECT origin FROM status_history ORDER BY id")).toEqual(["provider", origin])
      }).pipe(Effect.provide(freshStore))
  )
}

it.scoped("takes a change that comes back after ours was undone elsewhere for the provider's", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const status = (seconds: number, word: "active" | "completed") =>
      commit([page(seconds, [sighting({ status: word, providerStatus: word })])])
    yield* status(1, "active")
    yield* rows(
      `INSERT INTO status_changes (conversation_id, from_status, to_status, state, sent_at, ended_at)
       VALUES ('leads:c1', 'active', 'completed', 'confirmed', ?, ?) RETURNING id`,
      at(2),
      at(3)
    )
    yield* status(4, "completed")
    yield* status(5, "active")
    yield* status(6, "completed")
    expect(yield* values("SELECT origin FROM status_history ORDER BY id")).toEqual([
      "provider",
      "local",
      "provider",
      "provider"
    ])
  }).pipe(Effect.provide(freshStore))
)
