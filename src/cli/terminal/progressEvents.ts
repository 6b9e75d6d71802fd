import { now as instant } from "../../domain/Timestamp.ts"
import type { ClientEvent } from "../../http/contract.ts"
import { type ConnectionProgress, fraction, ratePerSecond, timeLeft } from "./progressState.ts"
import { jsonText } from "./safeText.ts"

/*
 * Progress for programs: one JSON object a line. Names are stable; times are UTC, ISO 8601 with milliseconds.
 */

/** An event for programs. @param at epoch milliseconds */
export const eventText = (name: string, at: number, more: object): string =>
  jsonText({ event: name, at: instant(at), ...more })

const totals = (state: ConnectionProgress) => ({
  connection: state.name,
  lane: state.lane,
  records: state.records,
  conversations: state.conversations,
  messages: state.messages,
  quarantined: state.quarantined,
  requests: state.requests
})

export const startedEvent = (state: ConnectionProgress): string =>
  eventText("connection_started", state.startedAt, {
    connection: state.name,
    provider: state.provider,
    lane: state.lane
  })

export const committedEvent = (state: ConnectionProgress, now: number): string =>
  eventText("progress", now, {
    ...totals(state),
    records_per_second: ratePerSecond(state, now),
    fraction: fraction(state),
    left_ms: timeLeft(state, now)
  })

/** Only what may need action: waits and refusals, not every request. */
export const clientEventLine = (
  state: ConnectionProgress,
  client: ClientEvent,
  now: number
): string | null => {
  switch (client._tag) {
    case "Waiting":
      return eventText("waiting", now, {
        connection: state.name,
        lane: state.lane,
        until: instant(client.until),
        reason: client.reason
      })
    case "RateLimited":
      return eventText("rate_limited", now, {
        connection: state.name,
        lane: state.lane,
        status: client.status,
        retry_at: instant(client.retryAt)
      })
    default:
      return null
  }
}

export const noticeEvent = (connection: string, message: string, hint: string, now: number): string =>
  eventText("notice", now, { connection, message, hint })

export const finishedEvent = (
  state: ConnectionProgress,
  outcome: string,
  message: string | null,
  now: number
): string => eventText("connection_finished", now, { ...totals(state), outcome, message })
