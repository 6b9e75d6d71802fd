import { expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import { atomsOf, findTerm, foldWord, termsOf } from "../../../src/domain/searchText.ts"
import { Db } from "../../../src/store/Db.ts"
import { searchMessages } from "../../../src/store/read/searchMessages.ts"
import { freshStore, message, page, sighting, started } from "../fixtures.ts"

/** What people write in twenty languages, and in ways that programs stumble over. */
const texts = {
  english: "Don't e-mail me at Jo.Smith@example.com, call +1 415-555-0100 about order 4711.",
  german: "Können Sie mir über die Straße helfen? Der GROSSE Fuß, ein Maß Öl.",
  french: "L’été où j'ai mangé une crème brûlée près de l'Œuvre",
  spanish: "¿Mañana por la mañana? El niño comió un plátano",
  portuguese: "Não há opções de coração",
  polish: "Zażółć gęślą jaźń, Łódź i łódka",
  czech: "Příliš žluťoučký kůň úpěl ďábelské ódy",
  turkish: "İstanbul'da ısı ölçüldü, ILIK bir gün",
  vietnamese: "Tôi muốn đặt bàn ở Đà Nẵng",
  danish: "Ærø og Ørsted på Åland",
  greek: "Καλημέρα, ο ΣΟΦΟΣ σοφός είπε άνω ΐ",
  russian: "Мой ёлка-зелёная, замо́к и мои дела",
  ukrainian: "Її їжак і мій ґанок",
  arabic: "أريد التحدث مع الموظف، إلى المدينة وفي المدرسةِ مـوعد مُوَظَّفٌ",
  persian: "می‌خواهم با کارمند صحبت کنم ۱۲۳",
  hebrew: "אֲנִי רוֹצֶה שֻׁלְחָן לשניים",
  hindi: "पास में पैसे नहीं हैं, घरों में क्या हुआ ४२",
  tamil: "எனக்கு தமிழ் தெரியும்",
  bengali: "আমার একটি টেবিল দরকার",
  thai: "ราคา100บาท สวัสดีครับ เจ้าหน้าที่อยู่ไหม น้ำ",
  lao: "ສະບາຍດີ ຂ້ອຍຢາກຈອງໂຕະ",
  khmer: "ខ្ញុំចង់កក់តុ",
  burmese: "မင်္ဂလာပါ ခင်ဗျာ",
  chinese: "我想预订明天晚上的酒店房间，用iPhone15可以吗？３月",
  japanese: "コミュニケーション能力を高めたいです。ｶﾞｲﾄﾞ、東京都",
  korean: "내일 저녁 호텔예약을 하고 싶어요 3시",
  georgian: "გამარჯობა ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ",
  armenian: "Բարեւ Ձեզ",
  signs: "🙂 ok ½ m² ﬁne ①"
} as const

type Name = keyof typeof texts

const found: ReadonlyArray<readonly [words: string, names: ReadonlyArray<Name>]> = [
  ["don't", ["english"]],
  ["DON’T", ["english"]],
  ["e-mail", ["english"]],
  ["jo.smith@example.com", ["english"]],
  ["415-555-0100", ["english"]],
  ["+1 4711", ["english"]],
  ["AND", []],
  ["me* OR (", []],
  ['"call +1"', ["english"]],
  ['"+1 call"', []],
  ["strasse", ["german"]],
  ["Straße", ["german"]],
  ["grosse", ["german"]],
  ["große", ["german"]],
  ["konnen mass fuss", ["german"]],
  ["l'ete", ["french"]],
  ["oeuvre", ["french"]],
  ["manana nino", ["spanish"]],
  ["lodz", ["polish"]],
  ["łódka", ["polish"]],
  ["zazolc", ["polish"]],
  ["kun", ["czech"]],
  ["istanbul", ["turkish"]],
  ["isi ilik", ["turkish"]],
  ["dat da nang", ["vietnamese"]],
  ["aero orsted aland", ["danish"]],
  ["καλημερα", ["greek"]],
  ["σοφος", ["greek"]],
  ["ΣΟΦΌΣ", ["greek"]],
  ["елка зеленая", ["russian"]],
  ["замок", ["russian"]],
  ["мой", ["russian"]],
  ["мои", ["russian"]],
  ["їжак", ["ukrainian"]],
  ["мій", ["ukrainian"]],
  ["اريد", ["arabic"]],
  ["موظف", ["arabic"]],
  ["الموظف", ["arabic"]],
  ["الي", ["arabic"]],
  ["مدينه", ["arabic"]],
  ["موعد", ["arabic"]],
  ["و", []],
  ["ميخواهم", ["persian"]],
  ["123", ["persian"]],
  ["كارمند", ["persian"]],
  ["שלחן", ["hebrew"]],
  ["पास", ["hindi"]],
  ["पैसे", ["hindi"]],
  ["पस", []],
  ["घर", []],
  ["42", ["hindi"]],
  ["தமிழ்", ["tamil"]],
  ["তেবিল", []],
  ["টেবিল", ["bengali"]],
  ["ราคา", ["thai"]],
  ["บาท", ["thai"]],
  ["100", ["thai"]],
  ["หน้าที่อยู่", ["thai"]],
  ["น้ำ", ["thai"]],
  ["ຈອງ", ["lao"]],
  ["ចង់", ["khmer"]],
  ["မင်္ဂလာပါ", ["burmese"]],
  ["明天晚上的酒店房间", ["chinese"]],
  ["天晚", ["chinese"]],
  ["间用", []],
  ["iphone15", ["chinese"]],
  ["3月", ["chinese"]],
  ["コミュニケーション能力を高め", ["japanese"]],
  ["ガイド", ["japanese"]],
  ["京都", ["japanese"]],
  ["예약", ["korean"]],
  ["호텔예약", ["korean"]],
  ["저녁 3", ["korean"]],
  ["საქართველო", ["georgian"]],
  ["ბარ", []],
  ["բարեւ", ["armenian"]],
  ["🙂", ["signs"]],
  ["fine", ["signs"]],
  ["m2", ["signs"]],
  ["😀", []],
  ['""', []]
]

const stored = Effect.gen(function* () {
  const { commit } = yield* started
  const items = Object.entries(texts).map(([id, content]) => message({ messageId: id, content }))
  yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items } })])])
  return yield* Db
})

it.scoped("finds plain words of every language as they are meant, and nothing else", () =>
  Effect.gen(function* () {
    const db = yield* stored
    const wrong: Array<unknown> = []
    for (const [words, names] of found) {
      const hits = yield* db.use("test", (session) => searchMessages(session, { words, limit: 50 }))
      const got = hits.map(({ messageId }) => messageId.split(":").at(-1)).sort()
      if (got.join() !== [...names].sort().join()) wrong.push([words, got, names])
    }
    expect(wrong).toEqual([])
    const [hit] = yield* db.use("test", (session) => searchMessages(session, { words: "酒店", limit: 1 }))
    expect(hit?.excerpt).toBe("我想预订明天晚上的[酒店]房间，用iPhone15可以吗？３月")
    expect(hit?.marks.map(([from, until]) => hit.content.slice(from, until))).toEqual(["酒店"])
  }).pipe(Effect.provide(freshStore))
)

/** The slow way: every word of every text, compared letter by letter without the cutting that is tested. */
const slowly = (content: string, word: string): boolean =>
  findTerm(content, atomsOf(content), { text: word, atoms: atomsOf(word) }).length > 0

it.scoped("finds with the index what a look at every text finds, whatever piece of a text is asked for", () =>
  Effect.gen(function* () {
    const db = yield* stored
    yield* db.use("test", (session) => {
      const all = Object.entries(texts)
      const piece = fc
        .tuple(fc.constantFrom(...all), fc.nat(), fc.integer({ min: 1, max: 12 }))
        .map(([[, text], at, length]) =>
          Array.from(text)
            .slice(at % text.length, (at % text.length) + length)
            .join("")
        )
      fc.assert(
        fc.property(piece, (asked) => {
          const terms = termsOf(asked)
          const expected = all
            .filter(([, text]) => terms.length > 0 && terms.every((term) => slowly(text, term.text)))
            .map(([name]) => name)
          const got = searchMessages(session, { words: asked, limit: 50 }).map(({ messageId }) =>
            messageId.split(":").at(-1)
          )
          expect([asked, got.sort()]).toEqual([asked, expected.sort()])
        }),
        { numRuns: 400 }
      )
    })
  }).pipe(Effect.provide(freshStore))
)

it.scoped("keeps to the connection, the role, the time and the number that are asked for", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const at = (second: number) => new Date(Date.UTC(2026, 2, 7) + second * 1000).toISOString() as never
    const items = [0, 1, 2].map((index) =>
      message({
        messageId: `m${index}`,
        content: `refund ${index}`,
        sentAt: at(index),
        role: index === 0 ? "agent" : "customer"
      })
    )
    yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items } })])])
    const db = yield* Db
    const ids = (options: object) =>
      Effect.map(
        db.use("test", (session) => searchMessages(session, { words: "refund", limit: 10, ...options })),
        (hits) => hits.map(({ position }) => position).sort()
      )
    expect(yield* ids({})).toEqual([0, 1, 2])
    expect(yield* ids({ role: "customer" })).toEqual([1, 2])
    expect(yield* ids({ since: at(1), until: at(2) })).toEqual([1])
    expect(yield* ids({ connection: "nobody" })).toEqual([])
    expect(yield* ids({ limit: 2 })).toHaveLength(2)
  }).pipe(Effect.provide(freshStore))
)

it.scoped("puts the best first, and of more than are ranked the newest stored", () =>
  Effect.gen(function* () {
    const { commit } = yield* started
    const texts = ["refund", "about a refund of an order that came too late", "no word of it"]
    const items = texts.map((content, index) => message({ messageId: `m${index}`, content }))
    yield* commit([page(1, [sighting({}, { messages: { extent: "whole", items } })])])
    const db = yield* Db
    const ids = (mostRanked: number) =>
      Effect.map(
        db.use("test", (session) => searchMessages(session, { words: "refund", limit: 10, mostRanked })),
        (hits) => hits.map(({ position }) => position)
      )
    expect(yield* ids(2)).toEqual([0, 1])
    expect(yield* ids(1)).toEqual([1, 0])
  }).pipe(Effect.provide(freshStore))
)

it("folds what is written in several ways to one", () => {
  const same: ReadonlyArray<readonly [string, string]> = [
    ["ﬁne", "fine"],
    ["ＡＢＣ", "abc"],
    ["Straße", "STRASSE"],
    ["אֲנִי", "אני"],
    ["٣", "3"],
    ["الى", "الي"],
    ["co\u00adop", "coop"]
  ]
  for (const [one, other] of same) expect(foldWord(one), one).toBe(foldWord(other))
  expect(foldWord("мой")).not.toBe(foldWord("мои"))
})
