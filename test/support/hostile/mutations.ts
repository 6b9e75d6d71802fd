import { gzipSync } from "node:zlib"
import type { VendorId } from "../../../src/simulator/index.ts"
import type { Random } from "../../../src/simulator/random.ts"
import { type Call, isObject, type Json, Raw, scalar, shapes, written } from "./wire.ts"

/*
 * How an answer is changed on its way. Each mutation takes a whole, honest answer and changes its structure; it says
 * which records are not certain to be readable any more, and whether the answer as a whole shows that it is wanting.
 */

export interface Draft {
  readonly vendor: VendorId
  readonly call: Call
  readonly random: Random
  status: number
  headers: Record<string, string>
  /** What the body says; undefined: nothing that could be read. */
  value: unknown
  /** Bytes in the place of the value's JSON. */
  body: Uint8Array | string | undefined
  /** Records that may be refused, and may be taken. */
  readonly doubtful: Set<unknown>
  /** Nobody who looks can take this answer for a whole one. */
  wanting: boolean
}

/** Changes the draft; false: there was nothing to change. */
type Mutation = (draft: Draft) => boolean

const one = <A>(random: Random, list: ReadonlyArray<A>): A => list[random.below(list.length)] as A

const records = ({ call, value, vendor }: Draft): ReadonlyArray<Json> => {
  const shape = shapes[vendor]
  if (call.operation === "messages" || call.operation === "exports" || call.operation === "other") return []
  const rows = shape.rows(call.operation, value)
  return (rows ?? [shape.record(call.operation, value)]).filter(isObject)
}

const onRecord =
  (change: (record: Json, draft: Draft) => boolean | undefined): Mutation =>
  (draft) => {
    const all = records(draft)
    return all.length > 0 && (change(one(draft.random, all), draft) ?? true)
  }

const onRows =
  (change: (rows: Array<unknown>, draft: Draft) => boolean | undefined): Mutation =>
  (draft) => {
    const rows = shapes[draft.vendor].rows(draft.call.operation, draft.value)
    return rows !== null && rows.length > 0 && (change(rows, draft) ?? true)
  }

const replacedBody =
  (status: number, body: string, type: string, wanting = true): Mutation =>
  (draft) => {
    if (draft.call.operation === "other") return false
    draft.status = status
    draft.headers = { "content-type": type }
    draft.value = undefined
    draft.body = body
    draft.wanting = wanting
    return true
  }

const deep = (levels: number): Raw => new Raw(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`)

const ofId = (vendor: VendorId, id: string): unknown => (shapes[vendor].numericIds ? new Raw(id) : id)

/** Another time than the one that stands there, in the same form. */
const moved = (value: unknown, random: Random): unknown => {
  const by = one(random, [-1, 1]) * one(random, [300, 3_600, 21_600, 86_400, 31_536_000, 2_000_000_000])
  if (typeof value === "number") {
    const unit = value >= 1e11 ? 1000 : 1
    const next = Math.max(1, value + by * unit)
    // Seconds as milliseconds, and the other way round: the vendor mixes them.
    return random.below(3) === 0 ? (unit === 1 ? next * 1000 : Math.max(1, Math.floor(next / 1000))) : next
  }
  if (typeof value !== "string") return value
  const at = Date.parse(value)
  if (Number.isNaN(at)) return value
  const next = new Date(Math.min(Math.max(at + by * 1000, 0), Date.UTC(2100, 0)))
  return random.below(3) === 0
    ? `${new Date(next.getTime() + 7_200_000).toISOString().slice(0, 19)}+02:00`
    : next.toISOString()
}

const oddTexts = [
  "",
  "cut \ud83d here",
  "nul \0 in it",
  "\u001b]52;c;aGk=\u0007\u009b31m",
  "ä".repeat(3_000),
  "🧑‍🚀 \u202eabc",
  "'; DROP TABLE messages; --"
]

/** How the success of a call may be denied in an answer of 200. */
const denials: ReadonlyArray<Json> = [
  { success: false },
  { success: false, message: "Something went wrong", data: [] },
  { error: "Upstream timed out" },
  { error: { code: "INTERNAL", message: "failed" } },
  { success: false, error: "quota", conversations: [], items: [], data: [], total: 0 },
  { code: 500, message: "Unexpected error occurred" },
  { truncated: true },
  { success: true, partial: true }
]

/** A row that is no JSON. An answer that holds it lacks something, unless another mutation has taken it out again. */
export const noJson = "oops"

export const mutations: Readonly<Record<string, Mutation>> = {
  // What a record says of itself.
  word: onRecord((record, { random, vendor }) => {
    if (typeof record[shapes[vendor].word] !== "string") return false
    record[shapes[vendor].word] = one(random, shapes[vendor].words)
    return true
  }),
  time: onRecord((record, { random, vendor }) => {
    for (const name of shapes[vendor].times) {
      if (record[name] !== undefined && random.below(2) === 0) record[name] = moved(record[name], random)
    }
    return true
  }),
  "no time": onRecord((record, draft) => {
    const name = one(draft.random, shapes[draft.vendor].times)
    if (record[name] === undefined) return false
    if (draft.random.below(2) === 0) delete record[name]
    else record[name] = null
    draft.doubtful.add(record)
    return true
  }),
  text: onRecord((record, { random, vendor }) => {
    const name = one(random, shapes[vendor].texts)
    if (typeof record[name] !== "string") return false
    record[name] = one(random, oddTexts)
    return true
  }),
  "new fields": onRecord((record) => {
    record.futureField = {
      big: new Raw("12345678901234567890.500"),
      far: new Raw("1e400"),
      list: [null, "x"]
    }
    return true
  }),
  "wrong type": onRecord((record, draft) => {
    record[one(draft.random, shapes[draft.vendor].typed)] = one(draft.random, [
      { $oid: true },
      7,
      "none",
      [[]],
      true
    ])
    draft.doubtful.add(record)
    return true
  }),
  "wide number": onRecord((record, draft) => {
    const name = one(draft.random, [...shapes[draft.vendor].typed, ...shapes[draft.vendor].times])
    record[name] = new Raw(
      one(draft.random, ["9007199254740993", "1e400", "-70918000037909537", "1.0", "0.10"])
    )
    draft.doubtful.add(record)
    return true
  }),
  "too deep": onRecord((record, draft) => {
    record.futureField = deep(one(draft.random, [400, 600, 5_000]))
    draft.doubtful.add(record)
    return true
  }),
  "odd word": onRecord((record, draft) => {
    record[shapes[draft.vendor].word] = one<unknown>(draft.random, [
      null,
      7,
      { a: 1 },
      "",
      "ACTIVE",
      undefined
    ])
    draft.doubtful.add(record)
    return true
  }),
  // Whose record it is.
  "other id": onRecord((record, draft) => {
    const id = one(draft.random, [
      "9007199254740993",
      "70918000037909537",
      String(800_000 + draft.random.below(5))
    ])
    record[shapes[draft.vendor].id] = ofId(draft.vendor, id)
    draft.doubtful.add(record)
    draft.wanting = draft.call.operation === "detail"
    return true
  }),
  "odd id": onRecord((record, draft) => {
    const id = one<unknown>(draft.random, [
      "..",
      ".",
      "",
      null,
      "é/ü?#%2F e",
      "half\ud83d",
      "x".repeat(5_000),
      new Raw("9007199254740993"),
      new Raw("1.5"),
      { $oid: "x" },
      "bob@agent-1",
      " ",
      undefined
    ])
    record[shapes[draft.vendor].id] = id
    draft.doubtful.add(record)
    draft.wanting = draft.call.operation === "detail" && draft.random.below(1) === 0
    return true
  }),
  // A list of ids by which the vendor finds none: whole, and as it was meant.
  "unknown ids": onRows((rows, draft) => {
    const { call, vendor } = draft
    if (call.operation !== "list") return false
    const { id, numericIds } = shapes[vendor]
    for (const row of rows) {
      const known = isObject(row) ? scalar(row[id]) : null
      if (isObject(row) && known !== null)
        row[id] = numericIds && /^\d+$/.test(known) ? new Raw(`9${known}`) : `${known} `
    }
    return true
  }),
  "ids swapped": (draft) => {
    const all = records(draft)
    if (all.length < 2) return false
    const { id } = shapes[draft.vendor]
    const first = draft.random.below(all.length)
    const [a, b] = [all[first] as Json, all[(first + 1) % all.length] as Json]
    const kept = a[id]
    a[id] = b[id]
    b[id] = kept
    draft.doubtful.add(a)
    draft.doubtful.add(b)
    return true
  },
  // Which rows there are, and in which order.
  repeated: onRows((rows, { random }) => {
    rows.splice(random.below(rows.length + 1), 0, structuredClone(one(random, rows)))
    return true
  }),
  reversed: onRows((rows) => {
    rows.reverse()
    return true
  }),
  dropped: onRows((rows, draft) => {
    rows.splice(draft.random.below(rows.length), 1)
    if (isObject(draft.value) && typeof draft.value.total === "number") {
      draft.value.total -= draft.random.below(2)
    }
    return true
  }),
  emptied: onRows((rows, draft) => {
    rows.length = 0
    if (isObject(draft.value) && typeof draft.value.total === "number" && draft.random.below(2) === 0)
      draft.value.total = 0
    return true
  }),
  "no record": onRows((rows, draft) => {
    const at = draft.random.below(rows.length)
    rows[at] = one<unknown>(draft.random, [null, "row", 7, [], {}, new Raw(noJson)])
    draft.doubtful.add(rows[at])
    // An answer that is no JSON as a whole. Where rows can be told apart, the others may still be taken.
    if (rows[at] instanceof Raw) for (const row of rows) draft.doubtful.add(row)
    return true
  }),
  "list twice": onRows((rows, draft) => {
    const { call, value } = draft
    if (call.operation !== "list" || !isObject(value)) return false
    const [name] = Object.entries(value).find(([, one]) => one === rows) ?? []
    if (name === undefined) return false
    draft.body = written(value).replace(/\}\s*$/, `,${JSON.stringify(name)}:[]}`)
    draft.wanting = true
    return true
  }),
  // What an answer says of the list.
  "more to come": (draft) => {
    if (draft.call.operation !== "list" || !isObject(draft.value)) return false
    const { value, random } = draft
    if ("total" in value)
      value.total = one<unknown>(random, [1_000, 0, 1, -1, "12", null, new Raw("9007199254740993")])
    else if ("hasMore" in value) {
      value.hasMore = one<unknown>(random, [true, false, null, "true"])
      if (random.below(2) === 0)
        value.nextCursor = one<unknown>(random, [null, "", "zzz", new Raw("9007199254740993")])
    } else if (isObject(value.pagination)) {
      value.pagination.next = one<unknown>(random, [
        "",
        null,
        "https://api.aelyst.ai/contact/list?limit=10&cursorId=-3",
        "nonsense",
        12
      ])
    } else return false
    return true
  },
  // Failures that are labelled as success, and the other way round.
  denied: (draft) => {
    if (draft.call.operation === "other" || draft.call.operation === "status") return false
    const denial = structuredClone(one(draft.random, denials))
    const keepsRows = draft.random.below(3) === 0 && isObject(draft.value) && !("code" in denial)
    // A record by its id is the answer itself: whether a field of it denies anything is open.
    draft.wanting = !keepsRows || draft.call.operation === "list"
    draft.value = keepsRows ? { ...(draft.value as Json), ...denial } : denial
    const rows = shapes[draft.vendor].rows(draft.call.operation, draft.value)
    for (const row of rows ?? [shapes[draft.vendor].record(draft.call.operation, draft.value)])
      draft.doubtful.add(row)
    return true
  },
  affirmed: (draft) => {
    if (!isObject(draft.value)) return false
    draft.value.error = null
    draft.value.errors = []
    return true
  },
  html: replacedBody(200, "<!doctype html><title>Sign in</title><p>Please sign in", "text/html"),
  "no body": replacedBody(200, "", "application/json"),
  "no content": replacedBody(204, "", "application/json"),
  "null body": replacedBody(200, "null", "application/json"),
  "text body": replacedBody(200, '"ok"', "application/json"),
  "empty object": replacedBody(200, "{}", "application/json"),
  "not found": (draft) =>
    draft.call.id !== null &&
    replacedBody(one(draft.random, [404, 410]), '{"error":"not found"}', "application/json")(draft),
  "not found page": (draft) =>
    draft.call.id !== null && replacedBody(404, "<html><title>404</title></html>", "text/html")(draft),
  refused: (draft) =>
    draft.call.id !== null &&
    replacedBody(
      one(draft.random, [400, 403, 409, 422, 500, 503]),
      '{"message":"no"}',
      "application/json"
    )(draft),
  // The same bytes, or nearly, in another form.
  "cut text": (draft) => {
    if (draft.call.operation === "other" || draft.value === undefined) return false
    const text = written(draft.value)
    draft.body = text.slice(0, Math.floor(text.length * (0.3 + draft.random.unit() * 0.6)))
    for (const record of records(draft)) draft.doubtful.add(record)
    draft.wanting = true
    return true
  },
  "byte order mark": (draft) => {
    draft.body = `\ufeff ${written(draft.value)} \n`
    return draft.value !== undefined
  },
  gzip: (draft) => {
    if (draft.value === undefined) return false
    draft.headers = { ...draft.headers, "content-encoding": "gzip" }
    draft.body = gzipSync(written(draft.value))
    return true
  },
  charset: (draft) => {
    if (draft.value === undefined) return false
    const text = written(draft.value)
    // Only what the charset has can be said in it.
    const charset = /^[\0-\xff]*$/.test(text) ? one(draft.random, ["iso-8859-1", "utf-16le"]) : "utf-16le"
    draft.headers = { ...draft.headers, "content-type": `application/json; charset=${charset}` }
    draft.body = Buffer.from(text, charset === "utf-16le" ? "utf16le" : "latin1")
    return true
  },
  label: (draft) => {
    const type = one(draft.random, ["text/html", "text/plain; charset=utf-8", "application/octet-stream", ""])
    draft.headers = type === "" ? {} : { ...draft.headers, "content-type": type }
    return true
  },
  "bad bytes": onRecord((record, draft) => {
    const name = one(draft.random, shapes[draft.vendor].texts)
    record[name] = "bytes \u0001 here"
    draft.doubtful.add(record)
    const bytes = Buffer.from(written(draft.value).replaceAll("\\u0001", "\u0001"))
    for (const [index, byte] of bytes.entries()) if (byte === 1) bytes[index] = 0xff
    draft.body = bytes
    return true
  }),
  // Messages.
  "fewer messages": (draft) => {
    const holder = one(
      draft.random,
      shapes[draft.vendor].rows(draft.call.operation, draft.value) ?? [
        shapes[draft.vendor].record(draft.call.operation, draft.value)
      ]
    )
    const messages = isObject(holder) ? shapes[draft.vendor].messagesOf(holder) : null
    if (messages === null || messages.length === 0) return false
    messages.splice(draft.random.below(messages.length), 1 + draft.random.below(2))
    return true
  },
  "messages turned": (draft) => {
    const holder = one(
      draft.random,
      shapes[draft.vendor].rows(draft.call.operation, draft.value) ?? [
        shapes[draft.vendor].record(draft.call.operation, draft.value)
      ]
    )
    const messages = isObject(holder) ? shapes[draft.vendor].messagesOf(holder) : null
    messages?.reverse()
    return messages !== null && messages.length > 1
  }
}

export const mutationNames = Object.keys(mutations)

/** Ids of a list's rows, for what is told of an answer. */
export const rowIds = (vendor: VendorId, call: Call, value: unknown): ReadonlyArray<string> =>
  (shapes[vendor].rows(call.operation, value) ?? []).flatMap((row) =>
    isObject(row) ? [scalar(row[shapes[vendor].id]) ?? "?"] : ["?"]
  )
