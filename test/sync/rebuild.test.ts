import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { RawPayload, Sighting } from "../../src/providers/Provider.ts"
import type { OpenConnection } from "../../src/sync/connection.ts"
import { silent } from "../../src/sync/progress.ts"
import { rebuild, retryQuarantine } from "../../src/sync/rebuild.ts"
import {
  at,
  faults,
  freshStore,
  message,
  page,
  raw,
  rows,
  sighting,
  started,
  unreadable,
  values
} from "../store/fixtures.ts"

/** What the vendor holds: a title, and the texts of messages that each come as a payload of their own. */
interface Shown {
  readonly title: string
  readonly texts: ReadonlyArray<string>
}

const payloadsOf = ({ texts, title }: Shown): ReadonlyArray<RawPayload> => [
  raw(JSON.stringify({ title })),
  ...texts.map((text, index) => raw(JSON.stringify({ text }), { kind: "message", providerId: `m${index}` }))
]

const interpret = (payloads: ReadonlyArray<RawPayload>): Sighting => {
  const messages = payloads.filter(({ kind }) => kind === "message")
  const [conversation] = payloads.filter(({ kind }) => kind === "conversation")
  const { title } = JSON.parse(conversation?.payload ?? "{}")
  const items = messages.map(({ payload, providerId }) =>
    message({ messageId: providerId, content: JSON.parse(payload).text })
  )
  const fingerprint = JSON.stringify(payloads.map(({ payload }) => payload))
  return sighting({ title }, { messages: { extent: "newest", items }, raw: payloads, fingerprint })
}

/** As a sync takes it in that asks for all of the messages. */
const synced = (seconds: number, shown: Shown) => {
  const one = interpret(payloadsOf(shown))
  return page(seconds, [{ ...one, messages: { extent: "whole", items: one.messages?.items ?? [] } }])
}

/** A connection on which something happens between the reading of a conversation's payloads and their commit. */
const connectionWhere = (happens: () => void): OpenConnection =>
  ({
    config: { name: "leads", keepRaw: "newest" },
    lane: "verify",
    privacy: { door: null, isFollowed: true },
    provider: {
      interpret: (payloads: ReadonlyArray<RawPayload>) => {
        happens()
        return interpret(payloads)
      }
    }
  }) as unknown as OpenConnection

const undisturbed = connectionWhere(() => {})

const held = Effect.all({
  titles: values("SELECT title FROM conversations"),
  texts: values("SELECT content FROM messages ORDER BY position"),
  payloads: values(
    "SELECT CAST(payload AS TEXT) FROM raw_records WHERE newest = 1 ORDER BY kind, provider_id"
  )
})

const before: Shown = { title: "before", texts: ["a", "b"] }

const changes: ReadonlyArray<{ readonly what: string; readonly shown: Shown; readonly seconds: number }> = [
  { what: "a conversation", shown: { title: "after", texts: ["a", "b"] }, seconds: 9 },
  {
    what: "a message, with a clock that was put back",
    shown: { title: "before", texts: ["a", "b!"] },
    seconds: 5
  },
  { what: "that a message is gone", shown: { title: "before", texts: ["a"] }, seconds: 9 }
]

for (const { seconds, shown, what } of changes) {
  it.scoped(`a rebuild does not undo what a sync beside it stores: ${what}`, () =>
    Effect.gen(function* () {
      const { commit, runId } = yield* started
      yield* commit([synced(5, before)])
      const beside = () => void Effect.runSync(commit([synced(seconds, shown)]))
      yield* rebuild(connectionWhere(beside), runId)
      expect(yield* held).toEqual({
        titles: [shown.title],
        texts: shown.texts,
        payloads: payloadsOf(shown).map(({ payload }) => payload)
      })
      expect(yield* values("SELECT unchanged FROM pages WHERE operation = 'rebuild'")).toEqual([3])
      expect(yield* faults).toEqual([])
    }).pipe(Effect.provide([freshStore, silent]))
  )
}

it.scoped("a rebuild makes anew what nobody touches meanwhile", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    yield* commit([synced(5, before)])
    yield* rows("UPDATE remote_conversations SET title = 'read wrongly' RETURNING 1")
    yield* rebuild(undisturbed, runId)
    expect(yield* held).toMatchObject({ titles: ["before"], texts: ["a", "b"] })
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide([freshStore, silent]))
)

it.scoped("a rebuild does not bring back a message that is gone at the vendor", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    yield* commit([synced(5, before)])
    yield* commit([synced(9, { ...before, texts: ["a"] })])
    yield* rebuild(undisturbed, runId)
    expect(yield* held).toMatchObject({ titles: ["before"], texts: ["a"] })
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide([freshStore, silent]))
)

const [inQuarantine] = payloadsOf({ title: "in quarantine", texts: [] })
const faulty = unreadable({ kind: "conversation", providerId: "c1", payload: inQuarantine?.payload ?? "" })

it.scoped("a retry of what is in quarantine does not undo what a sync beside it stores", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    yield* commit([page(5, [{ _tag: "Unreadable", unreadable: faulty }])])
    const shown: Shown = { title: "after", texts: ["a"] }
    // Asked for before the retry began, and stored while it is at it.
    const beside = () => void Effect.runSync(commit([synced(9, shown)]))
    yield* retryQuarantine(connectionWhere(beside), runId)
    expect(yield* held).toMatchObject({ titles: ["after"], texts: ["a"] })
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide([freshStore, silent]))
)

it.scoped("what a retry stores for the first time is kept raw, so that a rebuild finds it", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    yield* commit([page(5, [{ _tag: "Unreadable", unreadable: faulty }])])
    yield* retryQuarantine(undisturbed, runId)
    expect(yield* rows("SELECT kind, provider_id, observed_at FROM raw_records")).toEqual([
      { kind: "conversation", provider_id: "c1", observed_at: at(5) }
    ])
    yield* rows("UPDATE remote_conversations SET title = 'read wrongly' RETURNING 1")
    yield* rebuild(undisturbed, runId)
    expect(yield* held).toMatchObject({ titles: ["in quarantine"], payloads: [faulty.payload] })
  }).pipe(Effect.provide([freshStore, silent]))
)

it.scoped(
  "what a retry stores counts as of when it was asked for, and gives way to what was asked for later",
  () =>
    Effect.gen(function* () {
      const { commit, runId } = yield* started
      yield* commit([page(5, [{ _tag: "Unreadable", unreadable: faulty }])])
      yield* retryQuarantine(undisturbed, runId)
      expect(yield* held).toMatchObject({ titles: ["in quarantine"] })
      expect(yield* values("SELECT observed_at FROM remote_conversations")).toEqual([at(5)])
      yield* commit([synced(9, before)])
      expect(yield* held).toMatchObject({ titles: ["before"] })
    }).pipe(Effect.provide([freshStore, silent]))
)

it.scoped("what is read again and still cannot be read does not count as received once more", () =>
  Effect.gen(function* () {
    const { commit, ledger } = yield* started
    const fault = unreadable({ kind: "message", providerId: null, payload: "{}" })
    const reading = (reason: string) => ({
      ...interpret(payloadsOf(before)),
      unreadable: [{ ...fault, reason }]
    })
    const connection = (reason: string) =>
      ({ ...undisturbed, provider: { interpret: () => reading(reason) } }) as unknown as OpenConnection
    yield* commit([page(5, [reading("one reason")])])
    const held = rows("SELECT reason, seen, last_seen_at, page_id FROM quarantine")
    const [first] = yield* held
    yield* rows("UPDATE quarantine SET last_seen_at = ? RETURNING 1", at(5))
    const again = yield* ledger.startRun("rebuild")
    yield* retryQuarantine(connection("one reason"), again)
    yield* rebuild(connection("another reason"), again)
    expect(yield* held).toEqual([{ ...first, reason: "another reason", seen: 1, last_seen_at: at(5) }])
    expect(yield* values("SELECT quarantined FROM run_connections ORDER BY run_id")).toEqual([1, 0])
  }).pipe(Effect.provide([freshStore, silent]))
)
