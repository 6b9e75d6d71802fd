import type { ClientEvent, Lane } from "../../http/contract.ts"
import type { Committed } from "../../sync/progress.ts"

/** What is known of a connection at work. Times are epoch milliseconds. */
export interface ConnectionProgress {
  readonly name: string
  readonly provider: string
  readonly lane: Lane
  readonly startedAt: number
  readonly requests: number
  readonly records: number
  readonly conversations: number
  readonly messages: number
  readonly quarantined: number
  /** Conversations to be listed in all, about; null: unknown. */
  readonly expected: number | null
  readonly waiting: { readonly until: number; readonly reason: string } | null
  /** Records received by some moments of the last seconds, oldest first. */
  readonly samples: ReadonlyArray<{ readonly at: number; readonly records: number }>
}

/** The rate is that of this many milliseconds. */
const rateWindow = 20_000

export const started = (name: string, provider: string, lane: Lane, at: number): ConnectionProgress => ({
  name,
  provider,
  lane,
  startedAt: at,
  requests: 0,
  records: 0,
  conversations: 0,
  messages: 0,
  quarantined: 0,
  expected: null,
  waiting: null,
  samples: [{ at, records: 0 }]
})

export const afterCommit = (
  state: ConnectionProgress,
  committed: Committed,
  at: number
): ConnectionProgress => {
  const records = state.records + committed.received
  const recent = state.samples.filter((sample) => at - sample.at <= rateWindow)
  return {
    ...state,
    records,
    conversations: state.conversations + committed.conversations,
    messages: state.messages + committed.messages,
    quarantined: state.quarantined + committed.quarantined,
    samples: [...(recent.length > 0 ? recent : state.samples.slice(-1)), { at, records }]
  }
}

export const afterClientEvent = (state: ConnectionProgress, event: ClientEvent): ConnectionProgress => {
  switch (event._tag) {
    case "Sent":
      return { ...state, requests: state.requests + 1 }
    case "Waiting":
      return { ...state, waiting: { until: event.until, reason: event.reason } }
    case "Waited":
      return { ...state, waiting: null }
    default:
      return state
  }
}

/** The wait that is going on, if there is one. */
export const currentWait = (state: ConnectionProgress, now: number): ConnectionProgress["waiting"] =>
  state.waiting !== null && state.waiting.until > now ? state.waiting : null

/** Records a second over the last seconds; null where nothing can be said yet. */
export const ratePerSecond = (state: ConnectionProgress, now: number): number | null => {
  const first = state.samples.find(({ at }) => now - at <= rateWindow) ?? state.samples.at(-1)
  if (first === undefined || now - first.at < 500) return null
  return ((state.records - first.records) * 1000) / (now - first.at)
}

/** From 0 to 1; null where the whole is unknown. A whole that turned out too small is never overstepped. */
export const fraction = (state: ConnectionProgress): number | null =>
  state.expected === null || state.expected <= 0 ? null : Math.min(1, state.conversations / state.expected)

/** Milliseconds until everything is here, at the pace of the whole run, waits included; null where unknown. */
export const timeLeft = (state: ConnectionProgress, now: number): number | null => {
  const { conversations, expected } = state
  if (expected === null || conversations === 0 || conversations >= expected) return null
  const elapsed = Math.max(now, currentWait(state, now)?.until ?? now) - state.startedAt
  return (elapsed / conversations) * (expected - conversations)
}
