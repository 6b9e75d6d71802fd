import { Clock, Effect } from "effect"
import { present } from "../../../domain/present.ts"
import { Db, type Session } from "../../../store/Db.ts"
import { findConversation } from "../../../store/read/findConversation.ts"
import { type Why, whyFacts } from "../../../store/read/whyFacts.ts"
import { readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { answer } from "../../terminal/answer.ts"
import { counted, grouped, often } from "../../terminal/numbers.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { ago, shortTime } from "../../terminal/times.ts"
import type { WhyInput } from "./index.ts"

const find = (session: Session, id: string, at: number): Why | UsageError => {
  const facts = (named: { id: string; connection: string }) =>
    whyFacts(session, { ...named, providerId: named.id.slice(named.connection.length + 1) }, at)
  const exact = findConversation(session, id)
  // One that never could be read has no row, but may be in quarantine.
  const found =
    "connection" in exact
      ? facts(exact)
      : facts({ id, connection: id.slice(0, Math.max(0, id.indexOf(":"))) })
  if (found !== null) return found
  const near = findConversation(session, id, { byPrefix: true })
  if ("message" in near) return new UsageError(near)
  return facts(near) ?? new UsageError({ message: id, hint: "" })
}

const labelColumns = 16

const line = (label: string, text: string): string => `${label.padEnd(labelColumns)}${text}`

const stateText = ({ conversation }: Why, at: number): ReadonlyArray<string> => {
  if (conversation === null)
    return [line("conversation", "not in the mirror: no sighting of it could be read")]
  const {
    complete,
    declared_messages,
    expired_messages,
    deleted_at,
    first_seen_at,
    last_seen_at,
    merged_into,
    missing_since,
    provider_status,
    remote_status,
    status,
    stored_messages
  } = conversation
  const wanted = status === remote_status ? "" : `, wanted here: ${status}`
  const word = provider_status === null ? "" : ` ("${oneLine(provider_status)}" in the provider's words)`
  const expired = expired_messages === 0 ? "" : `, ${grouped(expired_messages)} let go because of their age`
  const completeness =
    complete === null
      ? `${counted(stored_messages, "message")} stored; the provider does not say how many there are`
      : complete === 1
        ? stored_messages + expired_messages === 0
          ? "none, and the provider says that it has none"
          : expired_messages === 0
            ? `all ${counted(stored_messages, "message")} stored`
            : `${counted(stored_messages, "message")} stored`
        : `${grouped(stored_messages)} of ${counted(declared_messages ?? 0, "message")} stored`
  return present(
    line("conversation", `${conversation.id}, at ${conversation.provider}`),
    line("status", `${remote_status}${word}${wanted}`),
    line("messages", `${completeness}${expired}`),
    line("first seen", shortTime(first_seen_at)),
    line("last seen", `${shortTime(last_seen_at)}, ${ago(last_seen_at, at)}`),
    missing_since !== null &&
      (deleted_at ?? merged_into) === null &&
      line("missing", `from complete scans since ${shortTime(missing_since)}; not yet known to be deleted`),
    deleted_at !== null && line("deleted", `at the provider, noticed ${shortTime(deleted_at)}`),
    merged_into !== null && line("merged", `into ${merged_into} at the provider`)
  )
}

const requestText = ({ last_request, last_run }: Why): ReadonlyArray<string> =>
  present(
    last_request !== null &&
      line(
        "last change by",
        `${last_request.operation}: ${last_request.method} ${last_request.path}, status ${last_request.status}, ${shortTime(last_request.received_at)} (run ${last_request.run_id}, ${last_request.command})`
      ),
    last_run !== null &&
      line(
        "last run",
        `run ${last_run.run_id} (${last_run.lane}), ${last_run.outcome}, started ${shortTime(last_run.started_at)}${last_run.error_message === null ? "" : `: ${last_run.error_message}`}`
      )
  )

const changeText = ({ changes }: Why): ReadonlyArray<string> =>
  changes.flatMap((change) => [
    line(
      `change ${change.id}`,
      `${change.from_status} to ${change.to_status ?? "other fields"}: ${change.state}, ${counted(change.attempts, "attempt")}, requested ${shortTime(change.requested_at)} by ${oneLine(change.requested_by)}`
    ),
    ...change.events.map(
      ({ at, detail, state }) =>
        `${" ".repeat(labelColumns)}${shortTime(at)}  ${state}${detail === null ? "" : `: ${oneLine(detail)}`}`
    )
  ])

const whyText = (why: Why, at: number): string =>
  [
    ...stateText(why, at),
    ...requestText(why),
    ...why.history.map(({ from_status, observed_at, origin, to_status }) =>
      line("history", `${shortTime(observed_at)}  ${from_status ?? "new"} to ${to_status} (${origin})`)
    ),
    ...why.quarantine.map((record) =>
      line(
        "quarantine",
        `${record.id}${record.dismissed_at === null ? "" : " (dismissed)"}: ${record.kind}: ${oneLine(record.reason)} at ${record.path}, seen ${often(record.seen)}`
      )
    ),
    ...changeText(why),
    ...why.next.map(({ at: when, command, what }) =>
      line(
        "next",
        `${what}: ${when === null ? `with the next \`${command}\`` : `\`${command}\` from ${shortTime(when)} on`}`
      )
    )
  ].join("\n")

const explain = Effect.fn("why")(function* (id: string) {
  const db = yield* Db
  const at = yield* Clock.currentTimeMillis
  const why = yield* db.use("why", (session) => find(session, id, at))
  if (why instanceof UsageError) return yield* why
  return yield* answer(why, whyText(why, at))
})

export const why = ({ id }: WhyInput) => readingMirror(explain(id))
