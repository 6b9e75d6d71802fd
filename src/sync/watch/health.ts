import { Clock, Effect, Runtime } from "effect"
import { now, toMillis } from "../../domain/Timestamp.ts"
import { type Address, listening, makeServer } from "../../files/listening.ts"
import { Db } from "../../store/Db.ts"
import { type ConnectionFacts, statusFacts } from "../../store/read/statusFacts.ts"
import type { StoreError } from "../../store/StoreError.ts"

/*
 * Two pages for programs that look after a watch: `/healthz`, whether it does its work, and `/metrics`, numbers in
 * Prometheus' text format. They hold no text of a conversation, no address and no secret, and change nothing.
 */

/** `127.0.0.1:9464`, `[::1]:9464`, `:9464` and `9464` (loopback); null: not an address. */
export const readAddress = (text: string): Address | null => {
  const [, bracketed, plain, digits = ""] =
    /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text.trim()) ?? []
  const port = Number(digits)
  if (digits === "" || port > 65_535) return null
  return { host: bracketed || plain || "127.0.0.1", port }
}

/** What a watch says of itself. Times are epoch milliseconds. */
interface Pulse {
  /** When its loop last ran; it does at least once a minute. */
  readonly beatAt: number
}

/** Milliseconds without a beat after which a watch counts as stuck. */
const stuckAfter = 5 * 60_000

/** Milliseconds for which numbers are served again: asking often costs nothing. */
const servedFor = 5_000

interface Metric {
  readonly name: string
  readonly help: string
  readonly value: (facts: ConnectionFacts) => number | null
}

const seconds = (timestamp: string | null): number | null =>
  timestamp === null ? null : toMillis(timestamp as Parameters<typeof toMillis>[0]) / 1000

const metrics: ReadonlyArray<Metric> = [
  {
    name: "conversations",
    help: "Conversations that the provider has.",
    value: (facts) => facts.conversations
  },
  { name: "messages", help: "Messages of these.", value: (facts) => facts.messages },
  {
    name: "conversations_incomplete",
    help: "Conversations without all of their messages.",
    value: (facts) => facts.conversations_incomplete
  },
  { name: "changes_open", help: "Status changes on their way.", value: (facts) => facts.changes_open },
  {
    name: "changes_undecided",
    help: "Status changes rejected or in conflict that need a decision.",
    value: (facts) => facts.changes_failed
  },
  { name: "quarantined", help: "Records in quarantine.", value: (facts) => facts.quarantined },
  {
    name: "failed",
    help: "1 where the last push or the last pull of the connection ended with an error.",
    value: (facts) => ((facts.last_run?.error ?? null) === null ? 0 : 1)
  },
  {
    name: "last_complete_sync_timestamp_seconds",
    help: "When the last scan began that listed everything.",
    value: (facts) => seconds(facts.last_complete_sync_at)
  },
  {
    name: "kept_within_seconds",
    help: "Within how long a connection is synced again, as a rule: the median of the last complete syncs.",
    value: (facts) => (facts.kept_within_ms === null ? null : facts.kept_within_ms / 1000)
  },
  ...(["received", "merged", "fetched", "useless", "refused"] as const).map((what) => ({
    name: `hints_${what}`,
    help: `Webhooks that were ${what}, ever.`,
    value: ({ hints }: ConnectionFacts) => hints?.[what] ?? null
  })),
  {
    name: "last_hint_timestamp_seconds",
    help: "When the last webhook came.",
    value: ({ hints }: ConnectionFacts) => seconds(hints?.last_at ?? null)
  },
  {
    name: "last_attempt_timestamp_seconds",
    help: "When a sync or backfill last began.",
    value: (facts) => seconds(facts.last_attempt_at)
  },
  {
    name: "newest_message_timestamp_seconds",
    help: "When the newest message was sent.",
    value: (facts) => seconds(facts.newest_message_at)
  }
]

/** Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const metricsText = (all: ReadonlyArray<ConnectionFacts>, isWorking: boolean): string => {
  const label = ({ name, provider }: ConnectionFacts) => `{connection="${name}",provider="${provider}"}`
  const lines = metrics.flatMap(({ help, name, value }) => {
    const values = all.flatMap((facts) => {
      const number = value(facts)
      return number === null ? [] : [`parley_${name}${label(facts)} ${number}`]
    })
    return values.length === 0
      ? []
      : [`# HELP parley_${name} ${help}`, `# TYPE parley_${name} gauge`, ...values]
  })
  return [
    "# HELP parley_up 1 where the schedule is kept and the mirror can be read.",
    "# TYPE parley_up gauge",
    `parley_up ${isWorking ? 1 : 0}`,
    ...lines,
    ""
  ].join("\n")
}

interface Seen {
  readonly at: number
  readonly facts: ReadonlyArray<ConnectionFacts> | null
  readonly fault: string | null
}

const look = (database: string): Effect.Effect<Seen> =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const read: Effect.Effect<ReadonlyArray<ConnectionFacts>, StoreError> = Effect.flatMap(Db, (db) =>
      db.use("health", (session) => statusFacts(session, now(at)))
    ).pipe(Effect.provide(Db.layer(database, { readOnly: true, busyTimeoutMillis: 1000 }))) as Effect.Effect<
      ReadonlyArray<ConnectionFacts>,
      StoreError
    >
    return yield* read.pipe(
      Effect.map((facts): Seen => ({ at, facts, fault: null })),
      Effect.catchAll(({ kind }) => Effect.succeed<Seen>({ at, facts: null, fault: kind }))
    )
  })

const healthDocument = ({ facts, fault }: Seen, isStuck: boolean) => ({
  status: fault === null && !isStuck ? "ok" : "unhealthy",
  ...(fault === null ? {} : { mirror: fault }),
  ...(isStuck ? { schedule: "stuck" } : {}),
  connections: (facts ?? []).map(({ kept_within_ms, last_complete_sync_at, last_run, name }) => ({
    name,
    last_outcome: last_run?.outcome ?? null,
    error_kind: last_run?.error?.kind ?? null,
    last_complete_sync_at,
    kept_within_ms
  }))
})

/**
 * Serves both pages for as long as the scope. Returns where it listens.
 * @param database the mirror's file as it is called now: a configuration may be read again
 */
export const serveHealth = Effect.fn("serveHealth")(function* (
  address: Address,
  database: () => string,
  pulse: () => Pulse
) {
  const run = Runtime.runPromise(yield* Effect.runtime<never>())
  let seen: Seen | null = null
  const current = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    if (seen === null || at - seen.at > servedFor) seen = yield* look(database())
    return { seen, isStuck: at - pulse().beatAt > stuckAfter }
  })
  const server = makeServer({ headers: 10_000, request: 10_000 }, {}, (request, response) => {
    const page = request.url?.split("?")[0]
    const end = (status: number, type: string, body: string) =>
      response
        .writeHead(status, { "content-type": type, "cache-control": "no-store" })
        .end(request.method === "HEAD" ? "" : body)
    if (request.method !== "GET" && request.method !== "HEAD") return end(405, "text/plain", "GET only\n")
    if (page !== "/healthz" && page !== "/metrics") return end(404, "text/plain", "/healthz or /metrics\n")
    run(current)
      .then(({ isStuck, seen }) => {
        const isWorking = seen.fault === null && !isStuck
        if (page === "/metrics")
          return end(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            metricsText(seen.facts ?? [], isWorking)
          )
        return end(
          isWorking ? 200 : 503,
          "application/json",
          `${JSON.stringify(healthDocument(seen, isStuck))}\n`
        )
      })
      .catch(() => end(500, "text/plain", "unexpected fault\n"))
  })
  return yield* listening(server, address, "name another address or port")
})
