import { execFileSync } from "node:child_process"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { searchWords } from "../../../src/store/mirror/searchTokens.ts"
import {
  faults,
  freshStore,
  message,
  messagesOf,
  page,
  sighting,
  started,
  storeLayer,
  temporaryFile,
  values
} from "../fixtures.ts"

const texts = {
  chinese: "我想预订明天晚上的酒店房间，用iPhone可以吗？",
  japanese: "今日はホテルを予約したいです。",
  thai: "สวัสดีครับ ผมต้องการจองโต๊ะที่ร้านอาหารใกล้โรงพยาบาล",
  lao: "ສະບາຍດີ ຂ້ອຍຢາກຈອງໂຕະ",
  khmer: "ខ្ញុំចង់កក់តុ",
  burmese: "မင်္ဂလာပါ ခင်ဗျာ",
  korean: "내일 저녁 예약하고 싶어요",
  arabic: "مرحبا، أريد حجز طاولة لشخصين",
  vocalized: "هَلْ يُوجَدُ مُوَظَّفٌ الآن؟ مـوعد",
  hebrew: "אֲנִי רוֹצֶה לְהַזְמִין שֻׁלְחָן",
  hindi: "मुझे कल शाम के लिए मेज़ चाहिए",
  german: "Können Sie mir für morgen einen Tisch über der Straße reservieren?",
  french: "Une table près de la fenêtre, s’il vous plaît",
  english: "A table for two, please"
}

const found: ReadonlyArray<readonly [query: string, hits: ReadonlyArray<keyof typeof texts>]> = [
  ["酒店", ["chinese"]],
  ["预订", ["chinese"]],
  ["房", ["chinese"]],
  ["明天晚上", ["chinese"]],
  ["iphone", ["chinese"]],
  ["ホテル", ["japanese"]],
  ["予約", ["japanese"]],
  ["今日", ["japanese"]],
  ["สวัสดี", ["thai"]],
  ["สวัสดีครับ", ["thai"]],
  ["อาหาร", ["thai"]],
  ["ร้านอาหาร", ["thai"]],
  ["โรงพยาบาล", ["thai"]],
  ["พยาบาล", ["thai"]],
  ["ສະບາຍດີ", ["lao"]],
  ["ចង់", ["khmer"]],
  ["မင်္ဂလာပါ", ["burmese"]],
  ["예약하고", ["korean"]],
  ["حجز", ["arabic"]],
  ["موظف", ["vocalized"]],
  ["مُوَظَّفٌ", ["vocalized"]],
  ["موعد", ["vocalized"]],
  ["שלחן", ["hebrew"]],
  ["मेज़", ["hindi"]],
  ["konnen", ["german"]],
  ["STRASSE", ["german"]],
  ["Straße", ["german"]],
  ["fenetre", ["french"]],
  ["table", ["english", "french"]],
  ['"table for two"', ["english"]],
  ["ระเบิด", []],
  ["机场", []]
]

const everything = Object.entries(texts).map(([id, content]) => message({ messageId: id, content }))

const matching =
  "SELECT m.id FROM message_search s JOIN messages m ON m.key = s.rowid WHERE message_search MATCH ? ORDER BY m.id"
const ids = (hits: ReadonlyArray<string>): ReadonlyArray<string> => hits.map((hit) => `leads:c1:${hit}`)

it.scoped("finds words of every script with a plain MATCH", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items: everything } })])])
    for (const [query, hits] of found) {
      expect([query, yield* values(matching, query)]).toEqual([query, ids(hits)])
    }
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

const excerpts: ReadonlyArray<readonly [query: string, excerpt: string]> = [
  ["酒店", "我想预订明天晚上的[酒店]房间，用iPhone可以吗？"],
  ["อาหาร", "สวัสดีครับ ผมต้องการจองโต๊ะที่ร้าน[อาหาร]ใกล้โรงพยาบาล"],
  ['"酒店房间"', "我想预订明天晚上的[酒店房间]，用iPhone可以吗？"],
  ['"เจ้าหน้าที่"', ""],
  ["예약*", "내일 저녁 [예약하고] 싶어요"],
  ["konnen", "[Können] Sie mir für morgen einen Tisch über der Straße reservieren?"],
  ["reservieren", "…für morgen einen Tisch über der Straße [reservieren]?"],
  ["حجز", "مرحبا، أريد [حجز] طاولة لشخصين"],
  ['"for two"', "A table [for two], please"]
]

it.scoped("shows what was said around a hit, as it was said", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items: everything } })])])
    for (const [query, excerpt] of excerpts) {
      const found = yield* values(
        "SELECT excerpt FROM search_results WHERE search MATCH ? ORDER BY rank",
        query
      )
      expect([query, ...found]).toEqual([query, excerpt].filter(Boolean))
    }
    expect(yield* values("SELECT DISTINCT excerpt = '' OR excerpt LIKE '%[%' FROM search_results")).toEqual([
      0
    ])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("finds the new text of an edited message, and no longer the old", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const give = (seconds: number, ...contents: ReadonlyArray<string>) =>
      commit([
        page(seconds, [sighting({}, { messages: { extent: "whole", items: messagesOf(...contents) } })])
      ])
    yield* give(1, "酒店", "hotel", "both 房间")
    yield* give(2, "airport", "机场", "both 房间")
    expect(yield* values(matching, "酒店 OR hotel")).toEqual([])
    expect(yield* values(matching, "airport OR 机场")).toEqual(["leads:c1:m0", "leads:c1:m1"])
    yield* give(3, "airport")
    expect(yield* values(matching, "机场 OR 房间")).toEqual([])
    expect(yield* values("SELECT count(*) FROM message_words")).toEqual([0])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)

const shell = (() => {
  try {
    return execFileSync("sqlite3", ["--version"], { encoding: "utf8" }).split(" ")[0]
  } catch {
    return undefined
  }
})()

it.scoped.skipIf(shell === undefined)(
  `is searched and found whole by the system's own sqlite3 (${shell})`,
  () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* Effect.gen(function* () {
        const { commit } = yield* started
        yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items: everything } })])])
        yield* commit([
          page(2, [
            sighting(
              {},
              { messages: { extent: "newest", items: [message({ messageId: "thai", content: "酒店" })] } }
            )
          ])
        ])
      }).pipe(Effect.provide(storeLayer(path)))
      const ask = (sql: string): string => execFileSync("sqlite3", [path, sql], { encoding: "utf8" }).trim()
      const search = (query: string) =>
        ask(matching.replace("?", `'${query}'`))
          .split("\n")
          .filter(Boolean)
      expect(search("酒店")).toEqual(ids(["chinese", "thai"]))
      expect(search("อาหาร")).toEqual([])
      expect(search("konnen")).toEqual(ids(["german"]))
      expect(ask("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)")).toBe("")
      expect(ask("PRAGMA integrity_check; PRAGMA foreign_key_check;")).toBe("ok")
    })
)

it("leaves texts alone that SQLite cuts and compares as it should", () => {
  for (const text of [
    texts.english,
    texts.french,
    "Können Sie über morgen reden?",
    "Как дела, мой друг?",
    "",
    "…!",
    "😀👍🏽"
  ]) {
    expect(searchWords(text)).toBeNull()
  }
})

it("cuts a text into its words as they are compared, its runs, and the words that they may have", () => {
  const [own, words, ...rest] = (searchWords("我用iPhone订酒店") ?? "").split(" \ue000 ")
  expect(own).toBe("我用iPhone订酒店")
  expect([words, ...rest].join(" ").replaceAll("\ue000", "").split(/ +/).filter(Boolean).toSorted()).toEqual(
    ["iphone", "我", "用", "订", "酒", "店", "我", "用", "我用", "订", "酒店", "订酒", "订酒店"].toSorted()
  )
})
