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
import { type ColumnOf, tableOf } from "../../terminal/table.ts"
import { truncate } from "../../terminal/width.ts"
import type { WaitingInput } from "./index.ts"

/** Columns of the last words where nothing limits them. */
const widestWords = 60

const waits = ({ waiting_seconds }: Waiting): string =>
  waiting_seconds === null ? "?" : shortDuration(1000 * Math.max(0, waiting_seconds))

const lastWords = ({ last_role, last_words }: Waiting): string =>
  last_words === null ? "" : `${last_role}: ${oneLine(last_words)}`

const columns = (room: number | null): ReadonlyArray<ColumnOf<Waiting>> => [
  { name: "waits", right: true, whole: true, cell: waits },
  { name: "conversation", whole: true, cell: ({ conversation_id }) => conversation_id },
  { name: "name", cell: ({ name, title }) => name ?? title ?? "-" },
  { name: "contact", cell: ({ email, phone }) => phone ?? email ?? "-" },
  {
    name: "last words",
    cell: (one) => (room === null ? lastWords(one) : truncate(lastWords(one), widestWords))
  }
]

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
  yield* output.piece(`${tableOf(columns(room), waiting, room)}\n`)
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
