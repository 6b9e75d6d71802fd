import { Effect } from "effect"
import { Db } from "../../../store/Db.ts"
import { type SearchHit, searchMessages } from "../../../store/read/searchMessages.ts"
import { knownConnection, readingMirror } from "../../configuration.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { atLeastOne, readPeriod } from "../../options.ts"
import { counted } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { shortTime } from "../../terminal/times.ts"
import { wrap } from "../../terminal/width.ts"
import type { SearchInput } from "./index.ts"

const hitText = (hit: SearchHit, room: number | null): string => {
  const excerpt = oneLine(hit.excerpt)
  const lines = room === null ? [excerpt] : wrap(excerpt, room - 2)
  return [
    `${hit.conversationId}  ${shortTime(hit.sentAt)}  ${hit.role}`,
    ...lines.map((line) => `  ${line}`)
  ].join("\n")
}

const hitDocument = (hit: SearchHit) => ({
  message_id: hit.messageId,
  conversation_id: hit.conversationId,
  connection: hit.connection,
  position: hit.position,
  role: hit.role,
  sent_at: hit.sentAt,
  excerpt: hit.excerpt,
  content: hit.content
})

const find = Effect.fn("search")(function* (input: SearchInput) {
  yield* atLeastOne("--limit", input.limit)
  const { since, until } = yield* readPeriod(input)
  const db = yield* Db
  const output = yield* Output
  const { json, quiet } = yield* Globals
  yield* knownConnection(input.connection)
  // One more than is shown: whether there are others.
  const found = yield* db.use("search", (session) =>
    searchMessages(session, {
      words: input.words.join(" "),
      connection: input.connection,
      role: input.role,
      since,
      until,
      limit: input.limit + 1
    })
  )
  const hits = found.slice(0, input.limit)
  const more = found.length > hits.length
  if (json) {
    yield* output.document({ more, hits: hits.map(hitDocument) })
    return exitCodes.complete
  }
  const room = yield* output.resultColumns
  if (hits.length > 0) yield* output.piece(`${hits.map((hit) => hitText(hit, room)).join("\n\n")}\n`)
  if (hits.length === 0) yield* output.result("No message holds all of these words.")
  else if (!quiet) {
    const amount = more
      ? `the first ${counted(hits.length, "message")}; there are more: --limit shows them`
      : counted(hits.length, "message")
    yield* output.note(`(${amount}; \`parley show ID\` shows a conversation)`)
  }
  return exitCodes.complete
})

export const search = (input: SearchInput) => readingMirror(find(input))
