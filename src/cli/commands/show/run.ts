import { Effect } from "effect"
import { Db, type Session } from "../../../store/Db.ts"
import { findConversation } from "../../../store/read/findConversation.ts"
import {
  type TranscriptHead,
  transcriptHead,
  transcriptPage,
  transcriptPayloads
} from "../../../store/read/transcript.ts"
import { readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { atLeastOne } from "../../options.ts"
import { Output } from "../../terminal/Output.ts"
import { shortTime } from "../../terminal/times.ts"
import type { ShowInput } from "./index.ts"
import { type Shown, showMarkdown, showText } from "./text.ts"

const find = (session: Session, id: string): TranscriptHead | UsageError => {
  const found = findConversation(session, id, { byPrefix: true })
  if ("message" in found) return new UsageError(found)
  return transcriptHead(session, found.id) ?? new UsageError({ message: id, hint: "" })
}

const showRaw = Effect.fn("show.raw")(function* (head: TranscriptHead) {
  const db = yield* Db
  const output = yield* Output
  const { json, quiet } = yield* Globals
  const payloads = yield* db.use("show.raw", (session) => transcriptPayloads(session, head))
  if (payloads.length === 0) {
    return yield* new UsageError({
      message: `no payload of \`${head.id}\` is stored`,
      hint: "`parley sync --full` fetches it again"
    })
  }
  if (json) {
    yield* output.document({ conversation_id: head.id, payloads })
    return exitCodes.complete
  }
  for (const { kind, observed_at, payload, provider_id } of payloads) {
    if (!quiet) yield* output.note(`${kind} ${provider_id}, requested ${shortTime(observed_at)}`)
    yield* output.piece(payload.endsWith("\n") ? payload : `${payload}\n`)
  }
  return exitCodes.complete
})

const read = Effect.fn("show")(function* (input: ShowInput, format: "text" | "markdown" | "json") {
  const db = yield* Db
  const output = yield* Output
  const head = yield* db.use("show", (session) => find(session, input.id))
  if (head instanceof UsageError) return yield* head
  if (input.raw) return yield* showRaw(head)
  const limit = input.last ?? Number.MAX_SAFE_INTEGER - 1
  const { messages } = yield* db.use("show.messages", (session) =>
    transcriptPage(session, head.id, { limit })
  )
  const shown: Shown = { head, messages }
  if (format === "json") {
    yield* output.document({ ...head, messages })
    return exitCodes.complete
  }
  const room = yield* output.resultColumns
  // As a piece: no word of a customer is taken for a command of this program.
  yield* output.piece(`${format === "text" ? showText(shown, room) : showMarkdown(shown)}\n`)
  return exitCodes.complete
})

export const show = Effect.fn("show.verb")(function* (input: ShowInput) {
  const { json } = yield* Globals
  const format = input.format ?? (json ? "json" : "text")
  if (json && format !== "json") {
    return yield* new UsageError({
      message: `--json and --format ${format} contradict each other`,
      hint: "leave one of them out"
    })
  }
  yield* atLeastOne("--last", input.last)
  return yield* readingMirror(read(input, format))
})
