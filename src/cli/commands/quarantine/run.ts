import { Clock, Effect } from "effect"
import { parseExactly } from "../../../domain/exactJson.ts"
import { Db } from "../../../store/Db.ts"
import {
  findQuarantined,
  listQuarantine,
  type Quarantined,
  type QuarantinedWhole,
  type QuarantineFilter
} from "../../../store/read/quarantineFacts.ts"
import { knownConnection, readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { atLeastOne } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { grouped, often } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { jsonText } from "../../terminal/safeText.ts"
import { type ColumnOf, tableOf, whole } from "../../terminal/table.ts"
import { ago, shortTime } from "../../terminal/times.ts"
import type { ListInput, ShowInput } from "./index.ts"

const mark = ({ dismissed_at, resolved_at }: Quarantined): string =>
  resolved_at !== null ? "resolved: " : dismissed_at !== null ? "dismissed: " : ""

const state = ({ dismissed_at, resolved_at }: Quarantined): string => {
  if (resolved_at !== null) return `resolved ${shortTime(resolved_at)}`
  const again = "it is read again when it comes again"
  return dismissed_at === null ? `open: ${again}` : `dismissed ${shortTime(dismissed_at)}: ${again}`
}

const columns = (at: number) =>
  whole<ColumnOf<Quarantined>>([
    { name: "id", right: true, cell: ({ id }) => String(id) },
    { name: "connection", cell: ({ connection }) => connection },
    { name: "kind", cell: ({ kind }) => kind },
    { name: "record", cell: (record) => record.provider_id ?? record.conversation_provider_id ?? "-" },
    { name: "what is wrong", cell: (record) => `${mark(record)}${record.reason}` },
    { name: "where", cell: ({ path }) => path },
    { name: "seen", right: true, cell: ({ seen }) => grouped(seen) },
    { name: "last seen", cell: ({ last_seen_at }) => ago(last_seen_at, at) }
  ])

const listAll = Effect.fn("quarantine.list")(function* (filter: QuarantineFilter) {
  const db = yield* Db
  const output = yield* Output
  const { json, quiet } = yield* Globals
  yield* knownConnection(filter.connection)
  const { records, total } = yield* db.use("quarantine", (session) => listQuarantine(session, filter))
  const at = yield* Clock.currentTimeMillis
  yield* answer({ total, records }, (room) =>
    total === 0
      ? "Nothing is in quarantine: every record that came could be read."
      : tableOf(columns(at), records, room)
  )
  if (!json && !quiet && total > records.length) {
    yield* output.note(`(the newest ${grouped(records.length)} of ${grouped(total)}; more with --limit)`)
  }
  return exitCodes.complete
})

export const list = (input: ListInput) =>
  Effect.zipRight(atLeastOne("--limit", input.limit), readingMirror(listAll(input)))

const pretty = (payload: string): string => {
  try {
    return jsonText(parseExactly(payload), 2)
  } catch {
    return payload
  }
}

const wholeText = (record: QuarantinedWhole): string => {
  const { request } = record
  const belongs =
    record.conversation_provider_id === null
      ? []
      : [`conversation  ${record.connection}:${record.conversation_provider_id}`]
  return [
    `quarantine ${record.id}: a ${record.kind} of ${record.connection}${record.provider_id === null ? "" : ` (${record.provider_id})`}`,
    "",
    `what is wrong ${record.reason}`,
    `where         ${record.path}`,
    ...belongs,
    `seen          ${often(record.seen)}, first ${shortTime(record.first_seen_at)}, last ${shortTime(record.last_seen_at)}`,
    `came with     ${request.operation}: ${request.method} ${request.path}, status ${request.status}, run ${request.run_id}`,
    `state         ${state(record)}`,
    "",
    pretty(record.payload)
  ].join("\n")
}

const showOne = Effect.fn("quarantine.show")(function* (id: number) {
  const db = yield* Db
  const record = yield* db.use("quarantine", (session) => findQuarantined(session, id))
  if (record === null) {
    return yield* new UsageError({
      message: `there is no record ${id} in quarantine`,
      hint: "`parley quarantine list --all` lists them"
    })
  }
  return yield* answer(record, wholeText(record))
})

export const show = ({ id }: ShowInput) => readingMirror(showOne(id))
