import { Effect } from "effect"
import { Db } from "../../../store/Db.ts"
import { type Waiting, whoWaits } from "../../../store/read/waiting.ts"
import { knownConnection, readingMirror } from "../../configuration.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { atLeastOne } from "../../options.ts"
import { counted, shortDuration } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { renderTable } from "../../terminal/table.ts"
import { truncate } from "../../terminal/width.ts"
import type { WaitingInput } from "./index.ts"

const columns = [
  { name: "waits", right: true, whole: true },
  { name: "conversation", whole: true },
  { name: "name" },
  { name: "contact" },
  { name: "last words" }
]

/** Columns of the last words where nothing limits them. */
const widestWords = 60

const row = (one: Waiting, room: number | null): ReadonlyArray<string> => {
  const words = one.last_words === null ? "" : `${one.last_role}: ${oneLine(one.last_words)}`
  return [
    one.waiting_seconds === null ? "?" : shortDuration(1000 * Math.max(0, one.waiting_seconds)),
    one.conversation_id,
    one.name ?? one.title ?? "-",
    one.phone ?? one.email ?? "-",
    room === null ? words : truncate(words, widestWords)
  ]
}

const list = Effect.fn("waiting")(function* ({ connection, limit }: WaitingInput) {
  yield* atLeastOne("--limit", limit)
  const db = yield* Db
  const output = yield* Output
  const { json } = yield* Globals
  yield* knownConnection(connection)
  const { total, waiting } = yield* db.use("waiting", (session) => whoWaits(session, { connection, limit }))
  if (json) {
    yield* output.document({ total, waiting })
    return exitCodes.complete
  }
  if (total === 0) {
    yield* output.result("No one waits for a person.")
    return exitCodes.complete
  }
  const room = yield* output.resultColumns
  const table = renderTable(
    columns,
    waiting.map((one) => row(one, room)),
    room
  )
  yield* output.piece(`${table}\n`)
  yield* output.result(
    [
      "",
      waiting.length < total
        ? `the ${counted(waiting.length, "conversation")} that waited longest, of ${total}; --limit ${total} shows them all`
        : counted(total, "conversation"),
      `\`parley show ${waiting[0]?.conversation_id ?? "ID"}\` shows one of them`
    ].join("\n")
  )
  return exitCodes.complete
})

export const waiting = (input: WaitingInput) => readingMirror(list(input))
