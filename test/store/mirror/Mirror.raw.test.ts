import { brotliDecompressSync } from "node:zlib"
import { expect, it } from "@effect/vitest"
import { Chunk, Effect, Stream } from "effect"
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
  values,
  writtenRows
} from "../fixtures.ts"

const long = (word: string): string => JSON.stringify({ id: "c1", text: `${word} `.repeat(200) })

it.scoped("keeps a payload to the character, and what one commit brings compressed together", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const payloads = [
      '{"id":"c1","n":12345678901234567890,"s":"\\u00e9 é 你好 😀"}',
      long("hello"),
      '"\ud800"'
    ]
    yield* commit([
      page(1, [
        sighting({}, { raw: payloads.map((payload, index) => raw(payload, { kind: `kind ${index}` })) })
      ])
    ])
    const held = yield* mirror.rawOf("leads", "c1")
    expect(held.map(({ payload }) => payload)).toEqual([payloads[0], payloads[1], '"\ufffd"'])
    expect(held[1]).toMatchObject({
      kind: "kind 1",
      providerId: "c1",
      conversationId: "c1",
      observedAt: at(1)
    })
    const [first, second] = yield* rows(
      "SELECT encoding, payload, payload_start AS start, payload_length AS length FROM raw_records ORDER BY kind"
    )
    expect(first?.encoding).toBe("brotli")
    expect(second?.payload).toEqual(first?.payload)
    const block = brotliDecompressSync(second?.payload as Buffer)
    const start = Number(second?.start)
    expect(block.subarray(start, start + Number(second?.length)).toString()).toBe(payloads[1])
    yield* commit([page(2, [sighting({ title: "x" }, { raw: [raw(payloads[0] ?? "")] })])])
    expect(
      yield* rows(
        "SELECT encoding, CAST(payload AS TEXT) AS payload FROM raw_records WHERE kind = 'conversation'"
      )
    ).toEqual([{ encoding: "json", payload: payloads[0] }])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps the newest payload of each record in its place", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    for (const [seconds, text] of [
      [1, "a"],
      [2, "b"],
      [3, "b"],
      [4, "c"]
    ] as const) {
      yield* commit([
        page(seconds, [
          sighting({ title: text }, { raw: [raw(`"${text}"`), raw(`"${text}"`, { kind: "detail" })] })
        ])
      ])
    }
    expect(
      yield* rows(
        "SELECT kind, CAST(payload AS TEXT) AS payload, newest, observed_at FROM raw_records ORDER BY kind"
      )
    ).toEqual([
      { kind: "conversation", payload: '"c"', newest: 1, observed_at: at(4) },
      { kind: "detail", payload: '"c"', newest: 1, observed_at: at(4) }
    ])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps every version where that is asked for, and no repeat of one", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    for (const [seconds, text] of [
      [1, "a"],
      [2, "b"],
      [3, "b"],
      [4, "a"]
    ] as const) {
      yield* commit([page(seconds, [sighting({ title: text }, { raw: [raw(`"${text}"`)] })])], {
        keepRaw: "all"
      })
    }
    expect(
      yield* rows("SELECT CAST(payload AS TEXT) AS payload, newest FROM raw_records ORDER BY key")
    ).toEqual([
      { payload: '"a"', newest: 0 },
      { payload: '"b"', newest: 0 },
      { payload: '"a"', newest: 1 }
    ])
    expect((yield* mirror.rawOf("leads", "c1")).map(({ payload }) => payload)).toEqual(['"a"'])
  }).pipe(Effect.provide(freshStore))
)

for (const keepRaw of ["newest", "all"] as const) {
  it.scoped(`lets the payload of a message go with the message (${keepRaw})`, () =>
    Effect.gen(function* () {
      const { commit, mirror } = yield* started
      const show = (seconds: number, extent: "whole" | "newest", ids: string, faulty = "") => {
        const items = [...ids].map((id) => message({ messageId: id }))
        const faults = [...faulty].map((id) => unreadable({ providerId: id }))
        const payloads = [...ids, ...faulty].map((id) => raw(`"${id}"`, { kind: "message", providerId: id }))
        // What only a list showed stays, though it has the id of a message.
        const shown = seconds === 1 ? [raw("{}", { providerId: "b" }), ...payloads] : payloads
        return commit(
          [page(seconds, [sighting({}, { messages: { extent, items }, unreadable: faults, raw: shown })])],
          { keepRaw }
        )
      }
      const held = Effect.map(mirror.rawOf("leads", "c1"), (payloads) =>
        payloads.map(({ kind, providerId }) => (kind === "message" ? providerId : kind)).join(" ")
      )
      yield* show(1, "whole", "abc", "x")
      expect(yield* held).toBe("conversation a b c x")
      yield* show(2, "newest", "c")
      yield* show(3, "whole", "ac", "x")
      expect(yield* held).toBe("conversation a b c x")
      yield* show(4, "whole", "ad")
      expect(yield* held).toBe("conversation a d")
      yield* show(5, "whole", "ab")
      expect(yield* held).toBe("conversation a b")
      yield* show(6, "whole", "")
      expect(yield* held).toBe("conversation")
      const older = keepRaw === "all" ? ["a", "b", "b", "c", "d", "x"] : []
      expect(yield* values("SELECT provider_id FROM raw_records WHERE kind = 'message' ORDER BY 1")).toEqual(
        older
      )
      expect(yield* faults).toEqual([])
    }).pipe(Effect.provide(freshStore))
  )
}

it.scoped("goes through all conversations that have payloads, each once, by id", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const ids = Array.from({ length: 450 }, (_, index) => `c${String(index).padStart(3, "0")}`)
    yield* commit([
      page(1, [
        ...ids.map((id) =>
          sighting(
            { providerId: id },
            {
              raw: [
                raw(`"${id}"`, { providerId: id, conversationId: id }),
                raw("1", { kind: "detail", providerId: id, conversationId: id })
              ]
            }
          )
        ),
        sighting({ providerId: "without" })
      ])
    ])
    const batches = Chunk.toReadonlyArray(yield* Stream.runCollect(mirror.rawConversations("leads")))
    expect(batches.map((batch) => batch.length)).toEqual([200, 200, 50])
    expect(
      batches
        .flat()
        .map(({ conversationId, payloads }) => [conversationId, payloads[0]?.payload, payloads.length])
    ).toEqual(ids.map((id) => [id, `"${id}"`, 2]))
  }).pipe(Effect.provide(freshStore))
)

it.scoped("stores what is made anew from payloads, without touching what they do not tell", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const made = (title: string) => sighting({ title }, { raw: [raw('"a"')], fingerprint: "f1" })
    yield* commit([page(5, [made("as understood before"), sighting({ providerId: "c2", title: "x" })])])
    yield* mirror.tombstone({ connection: "leads", providerIds: ["c1"], askedAt: at(5), runId: 1 })
    const before = yield* rows(
      "SELECT observed_at, deleted_at, fingerprint FROM remote_conversations ORDER BY key"
    )
    const [held] = yield* mirror.rawOf("leads", "c1")
    const replay = (title: string) =>
      commit([page(1, [{ ...made(title), fingerprint: null }])], { replay: new Map() })
    expect(held?.payload).toBe('"a"')
    expect(yield* replay("as understood now")).toMatchObject({ updated: 1 })
    const written = yield* writtenRows
    expect(yield* replay("as understood now")).toMatchObject({ unchanged: 1 })
    expect((yield* writtenRows) - written).toBe(4)
    expect(yield* values("SELECT title FROM conversations ORDER BY id")).toEqual(["as understood now", "x"])
    expect(
      yield* rows("SELECT observed_at, deleted_at, fingerprint FROM remote_conversations ORDER BY key")
    ).toEqual(before)
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps a status that a push has learned since, when made anew from older payloads", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([
      page(1, [
        sighting({ status: "unknown", providerStatus: "odd" }),
        sighting({ providerId: "c2", status: "active" })
      ])
    ])
    yield* rows(
      "UPDATE remote_conversations SET status = 'completed', provider_status = 'completed', content_hash = '' WHERE provider_id = 'c2' RETURNING 1"
    )
    yield* commit(
      [
        page(1, [
          sighting({ status: "handed_off", providerStatus: "odd" }),
          sighting({ providerId: "c2", status: "active" })
        ])
      ],
      { replay: new Map() }
    )
    expect(yield* rows("SELECT remote_status, provider_status FROM conversations ORDER BY id")).toEqual([
      { remote_status: "handed_off", provider_status: "odd" },
      { remote_status: "completed", provider_status: "completed" }
    ])
  }).pipe(Effect.provide(freshStore))
)
