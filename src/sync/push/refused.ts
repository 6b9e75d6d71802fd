import { Effect } from "effect"
import { Rejected, type Unauthorized } from "../../domain/ProviderError.ts"
import type { OutboxChange } from "../../store/outbox/Outbox.ts"
import { extended, meaningOf, type RequestKind, refusalOf, verdictAtEnd, verdictOf } from "./refusals.ts"
import { end, type Held, moment, type Push, report, started } from "./steps.ts"

/*
 * Refusals, and what becomes of the changes they came for (`refusals.ts` decides).
 */

/** The provider says of a conversation that it does not exist. */
export const gone = (): Rejected =>
  new Rejected({
    message: "the conversation no longer exists at the provider",
    hint: "if the provider says so of every conversation, check baseUrl and whether the credential is of the right account",
    status: 404,
    body: "",
    form: "json"
  })

/** Keeps a change that was refused: what it was about is not known, so it waits, and others go before it. */
const keep = Effect.fn("push.keep")(function* (
  push: Push,
  { change, reason, request }: Pick<Held, "change" | "reason" | "request">
) {
  const became = yield* push.outbox.refused(change, request === "write", reason, yield* moment(push))
  if (became !== null) yield* report(push, change, became.state, reason)
})

/**
 * The provider refused a request for a change. The change ends, or it is held until something shows what the refusal
 * was about, or nothing more is asked of the connection.
 * @param mayEnd the change may end because of it
 */
export const takeRefusal = Effect.fn("push.takeRefusal")(function* (
  push: Push,
  change: OutboxChange,
  error: Rejected | Unauthorized,
  request: RequestKind,
  mayEnd: boolean
) {
  const { learned, outbox } = push
  const meaning = meaningOf(refusalOf(request, error))
  const at = started(push)
  learned.rows[request] = extended(learned.rows[request], error.status)
  const { refusedAt } = change
  const isToldApart =
    mayEnd && refusedAt !== null && (yield* outbox.hasAcceptedSince(change.connection, refusedAt))
  const reason = error.message
  switch (verdictOf(meaning, learned.rows[request], isToldApart)) {
    case "end":
      return yield* end(push, change, "rejected", null, reason)
    case "stop":
      learned.stopped ??= error
      return yield* keep(push, { change, reason, request })
    case "hold":
      learned.held.push({ change, error, reason, request, meaning, mayEnd, at })
  }
})

/** The run has nothing more to send: what was held ends, where only it can have been meant, and otherwise waits. */
export const judgeHeld = Effect.fn("push.judgeHeld")(function* (push: Push) {
  const { config, learned, outbox } = push
  const held = learned.held.splice(0)
  if (held.length === 0) return
  const isStopped = learned.stopped !== null
  const ids = held.map(({ change }) => change.id)
  const hasCompany = yield* outbox.hasRefused(config.name, ids)
  for (const one of held) {
    const verdict =
      isStopped || !one.mayEnd
        ? "stop"
        : verdictAtEnd(one.meaning, hasCompany || one.change.refusedAt !== null)
    if (verdict === "end") {
      yield* end(push, one.change, "rejected", null, one.reason)
    } else {
      learned.stopped ??= one.error
      yield* keep(push, one)
    }
  }
})
