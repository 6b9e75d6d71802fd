import { dirname } from "node:path"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, Layer, TestClock } from "effect"
import { keyedHash } from "../../../src/privacy/key.ts"
import { Db } from "../../../src/store/Db.ts"
import { erase, type Forgetting, planErasure } from "../../../src/store/forget/forget.ts"
import { Hints } from "../../../src/store/hints/Hints.ts"
import { migrate } from "../../../src/store/migrate.ts"
import { migrations } from "../../../src/store/migrations/index.ts"
import { Mirror } from "../../../src/store/mirror/Mirror.ts"
import { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { layMirror } from "../../support/mirrorTemplate.ts"
import { remnantsIn } from "../../support/remnants.ts"
import {
  at,
  contact,
  faults,
  message,
  page,
  present,
  raw,
  rows,
  sighting,
  started,
  storeLayer,
  temporaryFile,
  unreadable,
  values
} from "../fixtures.ts"

const person = (by: "contact" | "conversation" | "email" | "phone", value: string): Forgetting => ({
  _tag: "Person",
  named: { by, value }
})

/** Texts of one person, each in a place of its own. */
const planted = {
  name: "Zenobia Quill",
  email: "Zenobia.Quill@Planted.example",
  phone: "+49 171 5550 1234",
  field: "planted-contact-field",
  title: "Planted title 1",
  summary: "Planted summary 2",
  tag: "planted tag 3",
  attribute: "planted attribute 4",
  reason: "planted reason 5",
  first: "Jxqvplantedword was said",
  second: "Plantedsecondword was said",
  older: "Plantedolderword was said before",
  common: "planted-common-value",
  role: "planted-role",
  raw: "planted raw payload 6",
  oldRaw: "planted older payload 7",
  quarantined: "planted quarantined 8",
  nameless: "planted nameless 9",
  error: "planted error 10"
}

const her = (n: number, fields: Parameters<typeof sighting>[0] = {}) =>
  sighting(
    {
      providerId: `hers-${n}`,
      contactId: `hers-${n}`,
      title: planted.title,
      summary: planted.summary,
      qualificationReason: planted.reason,
      tags: [planted.tag],
      attributes: { note: planted.attribute },
      ...fields
    },
    {
      contact: contact({
        providerId: `hers-${n}`,
        name: planted.name,
        email: n === 1 ? planted.email : planted.email.toLowerCase(),
        phone: n === 1 ? planted.phone : null,
        attributes: { field: planted.field }
      }),
      messages: {
        extent: "whole",
        items: [
          message({
            messageId: "m0",
            content: planted.first,
            providerRole: planted.role,
            attributes: { of: planted.common }
          }),
          message({
            messageId: "m1",
            content: planted.second,
            providerRole: planted.role,
            attributes: { of: planted.common }
          }),
          message({
            messageId: "m2",
            content: `${planted.second} 佐藤さん`,
            attributes: { of: planted.common }
          })
        ]
      },
      raw: [
        raw(JSON.stringify({ id: `hers-${n}`, text: planted.raw, filler: "x".repeat(3_000) }), {
          providerId: `hers-${n}`,
          conversationId: `hers-${n}`
        })
      ]
    }
  )

const other = (n: number) =>
  sighting(
    { providerId: `other-${n}`, contactId: `other-${n}`, title: `Other ${n}` },
    {
      contact: contact({ providerId: `other-${n}`, name: `Other ${n}`, email: `other${n}@example.com` }),
      messages: {
        extent: "whole",
        items: [
          message({ messageId: "m0", content: `Others said ${n}`, attributes: { of: "kept-common" } }),
          message({ messageId: "m1", content: "Others said more", attributes: { of: "kept-common" } })
        ]
      },
      raw: [
        raw(JSON.stringify({ id: `other-${n}`, text: `other payload ${n}`, filler: "y".repeat(2_000) }), {
          providerId: `other-${n}`,
          conversationId: `other-${n}`
        })
      ]
    }
  )

const fill = Effect.gen(function* () {
  const { commit, ledger, runId } = yield* started
  const older = her(1, { title: "Before" })
  yield* ledger.startConnection({ runId, connection: "leads", lane: "sync" })
  yield* commit(
    [
      page(1, [
        {
          ...older,
          messages: { extent: "whole", items: [message({ messageId: "m0", content: planted.older })] },
          raw: [
            raw(JSON.stringify({ text: planted.oldRaw }), { providerId: "hers-1", conversationId: "hers-1" })
          ]
        },
        ...[1, 2, 3].map(other)
      ])
    ],
    { keepRaw: "newest" }
  )
  yield* commit(
    [
      page(2, [her(1), her(2), ...[3, 4, 5].map(other)]),
      {
        ...page(3, [
          {
            _tag: "Unreadable",
            unreadable: unreadable({ conversationId: "hers-1", payload: planted.quarantined })
          },
          {
            _tag: "Unreadable",
            unreadable: unreadable({
              providerId: null,
              conversationId: null,
              payload: JSON.stringify({ mail: planted.email, text: planted.nameless })
            })
          },
          {
            _tag: "Unreadable",
            unreadable: unreadable({ conversationId: "other-1", payload: "kept payload" })
          }
        ]),
        exchange: { ...page(3, []).exchange, path: "/conversations/hers-1/messages?limit=5" }
      }
    ],
    { keepRaw: "newest" }
  )
  yield* ledger.finishConnection({
    runId,
    connection: "leads",
    lane: "sync",
    counters: { requests: 1, rateLimited: 0, queued: 0, waitedMs: 0 },
    refused: [
      {
        operation: "get",
        method: "GET",
        path: `/contacts/${encodeURIComponent(planted.email)}`,
        status: 500,
        retryAfter: null,
        attempt: 1,
        milliseconds: 5,
        at: at(4)
      }
    ],
    outcome: null,
    fault: {
      kind: "unavailable",
      message: `answered: ${planted.error} of ${planted.name}`,
      hint: "try again"
    }
  })
  const db = yield* Db
  yield* db.use("plant", ({ database }) =>
    database.exec(`
      UPDATE conversations SET status = 'completed' WHERE id IN ('leads:hers-1', 'leads:other-1');
      UPDATE status_changes SET last_error = '${planted.error}' WHERE conversation_id = 'leads:hers-1';
      INSERT INTO hints (connection, subject, kind, first_at, last_at, deliveries) VALUES
        ('leads', '{"_tag":"Contact","id":"hers-2"}', 'x', '${at(1)}', '${at(1)}', 1);
    `)
  )
  return { commit, runId }
})

/** What of the mirror is of others, by the promised names. */
const others = Effect.gen(function* () {
  const of = (sql: string) => rows(sql)
  return {
    conversations: yield* of("SELECT * FROM conversations WHERE id LIKE '%other%' ORDER BY id"),
    messages: yield* of("SELECT * FROM messages WHERE conversation_id LIKE '%other%' ORDER BY id"),
    contacts: yield* of("SELECT * FROM contacts WHERE id LIKE '%other%' ORDER BY id"),
    people: yield* of("SELECT * FROM people WHERE name LIKE 'Other%' ORDER BY person_id"),
    history: yield* of("SELECT * FROM status_history WHERE conversation_id LIKE '%other%' ORDER BY id"),
    changes: yield* of("SELECT * FROM status_changes WHERE conversation_id LIKE '%other%'"),
    quarantine: yield* of("SELECT * FROM quarantine WHERE conversation_provider_id LIKE 'other%'"),
    found: yield* of("SELECT rowid FROM message_search WHERE message_search MATCH 'others' ORDER BY 1"),
    raw: yield* of(
      "SELECT kind, provider_id, hash, newest FROM raw_records WHERE provider_id LIKE 'other%' ORDER BY hash"
    )
  }
})

const stored = <A, E, R>(work: (path: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* layMirror(path)
    const layer = storeLayer(path)
    return yield* work(path).pipe(
      Effect.provide(Layer.mergeAll(Outbox.Default, Hints.Default).pipe(Layer.provideMerge(layer)))
    )
  })

it.scoped("leaves not a byte of a person, and nothing else otherwise than it was", () =>
  stored((path) =>
    Effect.gen(function* () {
      yield* fill
      const before = yield* others
      const texts = Object.values(planted)
      // A word as the index has it, beside those that begin otherwise.
      texts.push("jxqvplantedword")
      const there = remnantsIn(dirname(path), path, texts)
      expect(there.length).toBeGreaterThan(texts.length - 3)
      const plan = yield* planErasure(person("email", planted.email.toUpperCase()))
      expect(plan.contacts).toEqual(["leads:hers-1", "leads:hers-2"])
      expect(plan.counts).toMatchObject({
        contacts: 2,
        conversations: 2,
        messages: 6,
        raw_records: 2,
        quarantine: 2,
        status_changes: 1,
        hints: 1,
        pages: 1,
        requests_refused: 1,
        run_connections: 1
      })
      const erasure = yield* erase(person("email", planted.email.toUpperCase()))
      expect(erasure).toMatchObject({ counts: plan.counts, unfinished: null })
      expect(remnantsIn(dirname(path), path, texts)).toEqual([])
      const after = yield* others
      expect(after).toEqual(before)
      expect(yield* faults).toEqual([])
      expect(yield* values("SELECT count(*) FROM conversations")).toEqual([5])
      expect(yield* values("SELECT path FROM pages WHERE path LIKE '%limit=5'")).toEqual([
        "/conversations/…/messages?limit=5"
      ])
    })
  )
)

it.scoped("forgets digests of ids, too, which could be compared with theirs", () =>
  stored(() =>
    Effect.gen(function* () {
      const { commit } = yield* fill
      const learned = { "missing-by-id": '["a digest"]', "list-skip": "ignored" }
      yield* commit([{ ...page(5, []), learned }])
      yield* erase(person("phone", "+4917155501234"))
      expect(yield* rows("SELECT name FROM learned ORDER BY name")).not.toContainEqual({
        name: "missing-by-id"
      })
      expect(yield* rows("SELECT name FROM learned ORDER BY name")).toContainEqual({ name: "list-skip" })
    })
  )
)

it.scoped("tells who reads the feed that their rows are gone, by ids that do not tell who they were", () =>
  stored(() =>
    Effect.gen(function* () {
      const { commit } = yield* fill
      const telling = sighting(
        { providerId: "4917155501234", contactId: "hers-1" },
        { messages: { extent: "whole", items: [message()] } }
      )
      yield* commit([page(5, [telling])])
      const [seq] = yield* values("SELECT max(seq) FROM commits")
      yield* erase(person("phone", "+4917155501234"))
      const gone = yield* rows("SELECT op, table_name, row_id FROM change_feed WHERE seq > ?", seq)
      const idsOf = (table: string) =>
        gone
          .filter(({ op, table_name }) => op === "delete" && table_name === table)
          .map(({ row_id }) => row_id)
      expect(idsOf("contacts").sort()).toEqual(["leads:hers-1", "leads:hers-2"])
      expect(
        idsOf("conversations")
          .filter((id) => !String(id).includes("#"))
          .sort()
      ).toEqual(["leads:hers-1", "leads:hers-2"])
      expect(idsOf("conversations")).toHaveLength(3)
      expect(idsOf("messages")).toHaveLength(7)
      expect(JSON.stringify(gone)).not.toContain("4917155501234")
    })
  )
)

it.scoped("stores nothing again of who was forgotten, whatever names them, and counts it as filtered", () =>
  stored((path) =>
    Effect.gen(function* () {
      const { commit } = yield* fill
      yield* erase(person("conversation", "leads:hers-1"))
      const mirror = yield* Mirror
      const totals = yield* commit([
        page(10, [
          her(1),
          sighting({ providerId: "new-1", contactId: "hers-2" }),
          sighting(
            { providerId: "new-2", contactId: "new" },
            { contact: contact({ providerId: "new", phone: "0049 (171) 55501234" }) }
          ),
          { _tag: "Unchanged", providerId: "hers-2" },
          { _tag: "Unreadable", unreadable: unreadable({ conversationId: "hers-2" }) },
          {
            _tag: "Unreadable",
            unreadable: unreadable({
              providerId: null,
              conversationId: null,
              payload: `{"who":"<${planted.email.toLowerCase()}>"}`
            })
          },
          other(9)
        ])
      ])
      expect(totals).toMatchObject({ filtered: 5 + 1 + 2 + 1 + 1 + 1, inserted: 4, quarantined: 0 })
      expect(yield* values("SELECT id FROM conversations WHERE id NOT LIKE '%other%'")).toEqual([])
      expect(remnantsIn(dirname(path), path, [planted.name, planted.email, "55501234"])).toEqual([])
      expect(yield* faults).toEqual([])

      const known = yield* mirror.known("leads", ["hers-1", "unknown"], {
        newestMessageIds: false,
        shownAs: (id) => [`shown ${id}`]
      })
      expect([...known.keys()]).toEqual(["hers-1"])
      expect(known.get("hers-1")?.fingerprint).toBe("shown hers-1")

      const hints = yield* Hints
      const hint = (id: string) => ({
        connection: "leads",
        kind: "message",
        subject: { _tag: "Conversation" as const, id, agentId: null },
        shows: { messages: null, providerStatus: null },
        at: at(11)
      })
      yield* hints.record([hint("hers-1"), hint("other-9")])
      expect(yield* values("SELECT subject ->> '$.id' FROM hints")).toEqual(["other-9"])
      const outbox = yield* Outbox
      const refusal = yield* Effect.flip(outbox.conversation("leads:hers-1"))
      expect(refusal.message).toContain("forgotten on 2026-03-07")
    })
  )
)

it.scoped("erases a stored conversation, too, that turns out to be of someone who was forgotten", () =>
  stored((path) =>
    Effect.gen(function* () {
      const { commit } = yield* fill
      const mirror = yield* Mirror
      yield* erase(person("email", planted.email))
      yield* commit([
        page(10, [
          sighting({ providerId: "late" }, { contact: contact({ providerId: "late", name: "Plantedlate" }) })
        ])
      ])
      yield* commit([
        page(11, [
          sighting(
            { providerId: "late", contactId: "late" },
            { contact: contact({ providerId: "late", email: planted.email }) }
          )
        ])
      ])
      expect(yield* mirror.finishErasures).toBeNull()
      expect(yield* values("SELECT id FROM conversations WHERE id LIKE '%late'")).toEqual([])
      expect(remnantsIn(dirname(path), path, [planted.email, "Plantedlate"])).toEqual([])
    })
  )
)

it.scoped("knows a person whose address is stored as a hash, and one whose address will be", () =>
  stored(() =>
    Effect.gen(function* () {
      const key = "the key of hashed values, in a test"
      const before = process.env.PARLEY_HASH_KEY
      process.env.PARLEY_HASH_KEY = key
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (before === undefined) delete process.env.PARLEY_HASH_KEY
          else process.env.PARLEY_HASH_KEY = before
        })
      )
      const { commit } = yield* started
      const hash = (value: string) => keyedHash(Buffer.from(key))("email", value)
      const [ana, ben] = ["ana@example.com", "ben@example.com"]
      const of = (id: string, email: string) =>
        sighting({ providerId: id, contactId: id }, { contact: contact({ providerId: id, email }) })
      yield* commit([page(1, [of("hashed", hash(ana)), of("plain", ben)])])
      yield* erase(person("email", ana))
      yield* erase(person("contact", "leads:plain"))
      expect(yield* values("SELECT id FROM conversations")).toEqual([])
      yield* commit([
        page(2, [of("h1", hash(ana)), of("h2", hash(ben)), of("h3", ana), of("h4", hash("c@d.e"))])
      ])
      expect(yield* values("SELECT provider_id FROM conversations")).toEqual(["h4"])
    })
  )
)

it.scoped(
  "does not take a mirror for an older one because the last change was of someone who was forgotten",
  () =>
    stored(() =>
      Effect.gen(function* () {
        yield* fill
        const outbox = yield* Outbox
        const db = yield* Db
        yield* db.use("test", ({ database }) =>
          database.exec("UPDATE conversations SET status = 'handed_off' WHERE id = 'leads:hers-2'")
        )
        const last = yield* outbox.lastEvent
        expect(yield* outbox.hasEvent("999@2026-01-01T00:00:00.000Z")).toBe(false)
        // The trigger's clock is the machine's.
        yield* TestClock.setTime(Date.now() + 60_000)
        yield* erase(person("email", planted.email))
        expect(yield* outbox.lastEvent).not.toBe(last)
        expect(yield* outbox.hasEvent(last)).toBe(true)
        expect(yield* outbox.hasEvent("999@9999-01-01T00:00:00.000Z")).toBe(false)
      })
    )
)

it.scoped("remembers no address that others have, too", () =>
  stored(() =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const shared = Array.from({ length: 60 }, (_, n) =>
        sighting(
          { providerId: `s${n}`, contactId: `s${n}` },
          { contact: contact({ providerId: `s${n}`, email: "office@example.com" }) }
        )
      )
      yield* commit([page(1, shared)])
      yield* erase(person("contact", "leads:s7"))
      expect(yield* values("SELECT count(*) FROM contacts")).toEqual([59])
      yield* commit([
        page(2, [
          sighting(
            { providerId: "s60", contactId: "s60" },
            { contact: contact({ providerId: "s60", email: "office@example.com" }) }
          )
        ])
      ])
      expect(yield* values("SELECT count(*) FROM contacts")).toEqual([60])
    })
  )
)

it.scoped("erases a connection, and stores nothing of it until it is taken up again", () =>
  stored((path) =>
    Effect.gen(function* () {
      const { commit } = yield* fill
      const mirror = yield* Mirror
      yield* mirror.register({
        name: "support",
        provider: "convocore",
        conflictPolicy: "manual",
        writable: {}
      })
      yield* commit([page(5, [other(1)])], { connection: "support" })
      yield* erase({ _tag: "Connection", name: "leads" })
      expect(remnantsIn(dirname(path), path, [...Object.values(planted), "other payload 4"])).toEqual([])
      expect(yield* values("SELECT id FROM conversations")).toEqual(["support:other-1"])
      expect(yield* faults).toEqual([])
      expect(yield* mirror.forgottenOn("leads")).not.toBeNull()
      const totals = yield* commit([page(20, [other(7)])])
      expect(totals).toMatchObject({ inserted: 0, filtered: 4 })
      yield* mirror.takeUp("leads")
      expect(yield* commit([page(21, [other(7)])])).toMatchObject({ inserted: 4, filtered: 0 })
    })
  )
)

it.scoped("takes away what earlier versions kept of whose status was changed", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const database = new Sqlite(path)
    migrate(database, at(0), migrations.slice(0, 22))
    const found = JSON.stringify({
      status: "active",
      likeness: { phone: planted.phone, email: planted.email }
    })
    database.exec(`
      INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'x', '${at(0)}');
      INSERT INTO runs (id, command, started_at, host, pid) VALUES (1, 'sync', '${at(0)}', 'here', 1);
      INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
        received, inserted, updated, unchanged, filtered, quarantined)
        VALUES (1, 1, 'leads', 'sync', 'list', 'GET', '/', 200, '${at(0)}', '${at(0)}', 2, 0, 0, 0, 0, 0, 0);
      INSERT INTO remote_conversations (id, connection, provider_id, status, observed_at, first_seen_at, content_hash, page_id)
        VALUES ('leads:a', 'leads', 'a', 'active', '${at(0)}', '${at(0)}', 'h', 1);
      INSERT INTO status_changes (conversation_id, from_status, to_status, found) VALUES ('leads:a', 'active', 'completed', '${found}');`)
    database.close()
    const stored = yield* Effect.provide(values("SELECT found FROM status_changes"), storeLayer(path))
    expect(stored).toEqual(['{"status":"active"}'])
  })
)

it.scoped("says what is wrong with who was named, and changes nothing", () =>
  stored(() =>
    Effect.gen(function* () {
      yield* present
      const wrong = yield* Effect.forEach(
        [
          person("email", "nobody"),
          person("phone", "call me"),
          { _tag: "Connection", name: "no-such" } as const
        ],
        (one) => Effect.flip(erase(one))
      )
      expect(wrong.map((error) => error.message)).toEqual([
        "that is no e-mail address",
        "that is no phone number",
        'there is no connection "no-such" in the mirror'
      ])
      const unknown = yield* Effect.flip(planErasure(person("contact", "leads:nobody")))
      expect(unknown.message).toContain("there is no contact")
      expect(yield* values("SELECT count(*) FROM erasures")).toEqual([0])
    })
  )
)
