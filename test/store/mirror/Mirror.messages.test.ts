import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Message } from "../../../src/domain/Conversation.ts"
import type { Unreadable } from "../../../src/providers/Provider.ts"
import type { Totals } from "../../../src/store/mirror/Mirror.ts"
import { mergedOrder } from "../../../src/store/mirror/messageRows.ts"
import {
  at,
  faults,
  freshStore,
  message,
  page,
  rows,
  sighting,
  started,
  unreadable,
  values
} from "../fixtures.ts"

/** Messages named by their ids; `b!` is message b with another text. */
const list = (names: string): ReadonlyArray<Message> =>
  [...names.matchAll(/(\w)(!*)/g)].map(([, id = "", edits = ""]) =>
    message({ messageId: id, content: `text ${id}${edits}`, sentAt: at(id.charCodeAt(0)) })
  )

const give = (
  seconds: number,
  extent: "whole" | "newest",
  names: string,
  declared: number | null = null,
  faulty: ReadonlyArray<Unreadable> = []
) =>
  page(seconds, [
    sighting({ declaredMessages: declared }, { messages: { extent, items: list(names) }, unreadable: faulty })
  ])

const stored = Effect.map(
  rows("SELECT substr(id, 10) AS id, content, position FROM messages ORDER BY position"),
  (found) => found.map((row) => `${row.id}${String(row.content).slice(6)}`).join("")
)

const cases: ReadonlyArray<{
  readonly rule: string
  readonly before: string
  readonly extent: "whole" | "newest"
  readonly given: string
  readonly declared?: number
  /** How many others came that could not be read. */
  readonly faulty?: number
  readonly after: string
  readonly counts: Partial<Pick<Totals, "inserted" | "updated" | "unchanged" | "quarantined">>
}> = [
  {
    rule: "appends what is new",
    before: "abc",
    extent: "whole",
    given: "abcde",
    after: "abcde",
    counts: { inserted: 2, unchanged: 4 }
  },
  {
    rule: "puts an edited text in the old one's place",
    before: "abc",
    extent: "whole",
    given: "ab!c",
    after: "ab!c",
    counts: { updated: 1, unchanged: 3 }
  },
  {
    rule: "removes what is gone",
    before: "abcd",
    extent: "whole",
    given: "acd",
    after: "acd",
    counts: { updated: 2, unchanged: 2 }
  },
  {
    rule: "removes everything of a conversation that was emptied",
    before: "ab",
    extent: "whole",
    given: "",
    after: "",
    counts: { unchanged: 1 }
  },
  {
    rule: "follows the vendor's new order",
    before: "abc",
    extent: "whole",
    given: "cab",
    after: "cab",
    counts: { updated: 3, unchanged: 1 }
  },
  {
    rule: "puts older messages that appear before those it has",
    before: "cd",
    extent: "whole",
    given: "abcd",
    after: "abcd",
    counts: { inserted: 2, updated: 2, unchanged: 1 }
  },
  {
    rule: "removes what is gone from a list as long as declared",
    before: "abcd",
    extent: "whole",
    given: "acd",
    declared: 3,
    after: "acd",
    counts: { updated: 3, unchanged: 1 }
  },
  {
    rule: "keeps what a list shorter than declared leaves out",
    before: "abcd",
    extent: "whole",
    given: "acd",
    declared: 4,
    after: "abcd",
    counts: { updated: 1, unchanged: 3 }
  },
  {
    rule: "keeps what a short list leaves out in its place, and appends",
    before: "abcd",
    extent: "whole",
    given: "bde",
    declared: 9,
    after: "abcde",
    counts: { inserted: 1, updated: 1, unchanged: 2 }
  },
  {
    rule: "keeps what may be the one that could not be read",
    before: "abc",
    extent: "whole",
    given: "ac!",
    faulty: 1,
    after: "abc!",
    counts: { updated: 1, unchanged: 2, quarantined: 1 }
  },
  {
    rule: "keeps what may be the one that could not be read, though as many as declared were",
    before: "abc",
    extent: "whole",
    given: "ac",
    declared: 2,
    faulty: 1,
    after: "abc",
    counts: { updated: 1, unchanged: 2, quarantined: 1 }
  },
  {
    rule: "keeps what a list as long as declared leaves out for repeats",
    before: "abc",
    extent: "whole",
    given: "aca",
    declared: 3,
    after: "abc",
    counts: { updated: 1, unchanged: 3 }
  },
  {
    rule: "counts a message listed twice as one",
    before: "a",
    extent: "whole",
    given: "abba",
    after: "ab",
    counts: { inserted: 1, unchanged: 4 }
  },
  {
    rule: "stores a new conversation's message that is listed twice once",
    before: "",
    extent: "whole",
    given: "aba",
    after: "ab",
    counts: { inserted: 2, unchanged: 2 }
  },
  {
    rule: "adds the newest after what is stored",
    before: "abc",
    extent: "newest",
    given: "cde",
    after: "abcde",
    counts: { inserted: 2, unchanged: 2 }
  },
  {
    rule: "keeps older ones when the newest are given",
    before: "abc",
    extent: "newest",
    given: "c",
    after: "abc",
    counts: { unchanged: 2 }
  },
  {
    rule: "updates one of the newest where it stands",
    before: "abc",
    extent: "newest",
    given: "b!c",
    after: "ab!c",
    counts: { updated: 1, unchanged: 2 }
  },
  {
    rule: "starts a conversation with its newest",
    before: "",
    extent: "newest",
    given: "bc",
    after: "bc",
    counts: { inserted: 2, unchanged: 1 }
  }
]

for (const { rule, before, extent, given, declared, faulty = 0, after, counts } of cases) {
  it.scoped(`${rule} (${extent})`, () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      yield* commit([give(1, "whole", before)])
      const unread = Array.from({ length: faulty }, (_, index) => unreadable({ providerId: `${index}` }))
      const totals = yield* commit([give(2, extent, given, declared, unread)])
      expect(yield* stored).toBe(after)
      expect(totals).toMatchObject({ inserted: 0, updated: 0, unchanged: 0, quarantined: 0, ...counts })
      expect(yield* faults).toEqual([])
    }).pipe(Effect.provide(freshStore))
  )
}

it.scoped("follows a conversation through many lists with the index in step, in one transaction", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([
      give(1, "newest", "bcd"),
      give(2, "whole", "abcd"),
      give(3, "whole", "ab!d"),
      give(4, "newest", "d!ef"),
      give(5, "whole", "ab!d!e"),
      give(6, "whole", "ab!d!egh")
    ])
    expect(yield* stored).toBe("ab!d!egh")
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("stores what else a message says, and notices every change of it", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const one = message()
    const give = (seconds: number, fields: Partial<Message>) =>
      commit([
        page(seconds, [sighting({}, { messages: { extent: "whole", items: [{ ...one, ...fields }] } })])
      ])
    yield* give(1, {})
    const changes: ReadonlyArray<Partial<Message>> = [
      { providerId: null },
      { role: "agent" },
      { providerRole: null },
      { type: "image" },
      { content: null },
      { content: "" },
      { sentAt: null },
      { sentAtSource: null },
      { attributes: { urls: ["https://example.com/a.png"] } }
    ]
    let fields: Partial<Message> = {}
    for (const [index, change] of changes.entries()) {
      fields = { ...fields, ...change }
      expect([change, (yield* give(2 + index, fields)).updated]).toEqual([change, 1])
    }
    expect(
      yield* rows(
        "SELECT provider_id, role, provider_role, type, content, sent_at, sent_at_source, attributes FROM messages"
      )
    ).toEqual([
      {
        provider_id: null,
        role: "agent",
        provider_role: null,
        type: "image",
        content: "",
        sent_at: null,
        sent_at_source: null,
        attributes: '{"urls":["https://example.com/a.png"]}'
      }
    ])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("stores long conversations whole, in order", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    for (const length of [1, 3, 4, 17, 64, 65, 333]) {
      const items = Array.from({ length }, (_, index) =>
        message({ messageId: `m${index}`, content: `${index}` })
      )
      yield* commit([
        page(1, [sighting({ providerId: `c${length}` }, { messages: { extent: "whole", items } })])
      ])
      expect(
        yield* values(
          "SELECT content FROM messages WHERE conversation_id = ? ORDER BY position",
          `leads:c${length}`
        )
      ).toEqual(items.map(({ content }) => content))
    }
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("leaves messages alone where a sighting says nothing about them", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([give(1, "whole", "abc")])
    yield* commit([page(2, [sighting({ title: "new" })])])
    expect(yield* stored).toBe("abc")
    expect(yield* values("SELECT stored_messages FROM conversations")).toEqual([3])
  }).pipe(Effect.provide(freshStore))
)

const lastMessage = values("SELECT last_message_at FROM conversations")

it.scoped("does not forget when the last message was sent where a sighting cannot tell", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const last = at(9)
    yield* commit([
      page(1, [
        sighting(
          { lastMessageAt: last, declaredMessages: 3 },
          { messages: { extent: "whole", items: list("abc") } }
        )
      ])
    ])
    const silent: ReadonlyArray<ReturnType<typeof sighting>> = [
      sighting({ title: "no messages were asked for", declaredMessages: 3 }),
      sighting({ title: "none of the newest can be read" }, { messages: { extent: "newest", items: [] } }),
      sighting(
        { title: "fewer came than there are", declaredMessages: 3 },
        { messages: { extent: "whole", items: [] } }
      ),
      sighting(
        { title: "the last one cannot be read", lastMessageAt: at(8) },
        { messages: { extent: "whole", items: list("ab") }, unreadable: [unreadable({ providerId: "c" })] }
      )
    ]
    for (const [index, one] of silent.entries()) {
      yield* commit([page(2 + 2 * index, [one])])
      expect([one.conversation.title, yield* lastMessage]).toEqual([one.conversation.title, [last]])
      // What is stored is what was shown, so that the same sighting again writes nothing.
      const { messages, unchanged } = yield* commit([page(3 + 2 * index, [one])])
      expect(unchanged - messages).toBe(1)
    }
    expect(yield* stored).toBe("abc")
    yield* commit([page(30, [sighting({ lastMessageAt: at(20) })])])
    expect(yield* lastMessage).toEqual([at(20)])
    yield* commit([page(31, [sighting({}, { messages: { extent: "whole", items: [] } })])])
    expect([yield* stored, yield* lastMessage]).toEqual(["", [null]])
  }).pipe(Effect.provide(freshStore))
)

it("keeps both orders where they agree, and the listed one where they do not", () => {
  const order = (listed: string, held: string) => mergedOrder([...listed], [...held]).join("")
  expect(order("bd", "abcde")).toBe("abcde")
  expect(order("db", "abcde")).toBe("adebc")
  expect(order("xbd", "abd")).toBe("axbd")
  expect(order("", "abc")).toBe("abc")
})

it.scoped("keeps attributes that many messages have once, and shows and compares them as any others", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const talk = (seconds: number, one: string) =>
      page(seconds, [
        sighting(
          {},
          {
            messages: {
              extent: "whole",
              items: Array.from({ length: 6 }, (_, index) =>
                message({
                  messageId: `m${index}`,
                  providerId: index === 5 ? null : `m${index}`,
                  providerRole: index === 4 ? null : "user",
                  attributes: index === 3 ? { n: one } : { model: "a" }
                })
              )
            }
          }
        )
      ])
    const attributes = values("SELECT attributes FROM messages ORDER BY position")
    const common = '{"model":"a"}'
    yield* commit([talk(1, "x")])
    expect(yield* attributes).toEqual([common, common, common, '{"n":"x"}', common, common])
    // The first two are not known to be common yet.
    expect(yield* values("SELECT attributes FROM message_rows ORDER BY position")).toEqual([
      common,
      common,
      null,
      '{"n":"x"}',
      null,
      null
    ])
    const seq = yield* values("SELECT seq FROM messages ORDER BY position")
    yield* commit([talk(2, "x")])
    expect(yield* values("SELECT seq FROM messages ORDER BY position")).toEqual(seq)
    yield* commit([talk(3, "y")])
    expect(yield* attributes).toEqual([common, common, common, '{"n":"y"}', common, common])
    expect(yield* values("SELECT count(*) FROM message_kinds WHERE attributes IS NOT NULL")).toEqual([3])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)
