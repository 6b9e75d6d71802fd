import type { Session } from "../../store/Db.ts"

/** Everything that a report shows. Numbers of conversations leave out those that the provider no longer has. */
export interface ReportData {
  /** UTC, ISO 8601. */
  readonly generatedAt: string
  readonly totals: Totals
  /** Of the time from a customer's first message to the first answer. Null: no one was answered. */
  readonly answers: Percentiles | null
  readonly volume: ReadonlyArray<DayVolume>
  readonly outcomes: ReadonlyArray<ConnectionOutcomes>
  readonly channels: ReadonlyArray<ChannelTimes>
  readonly answerTimes: ReadonlyArray<number>
  readonly weeks: ReadonlyArray<Week>
  readonly hours: ReadonlyArray<HourOfWeek>
  readonly answeredBy: ReadonlyArray<AnsweredBy>
  readonly waiting: ReadonlyArray<Waiting>
  readonly qualified: ReadonlyArray<Qualified>
  readonly freshness: ReadonlyArray<Freshness>
  readonly runs: ReadonlyArray<Run>
}

export interface Percentiles {
  /** Seconds. */
  readonly median: number
  readonly p90: number
}

export interface Totals {
  readonly connections: number
  readonly conversations: number
  readonly messages: number
  readonly contacts: number
  readonly waiting: number
  readonly handOffRate: number | null
  readonly completionRate: number | null
  readonly abandonmentRate: number | null
}

export interface DayVolume {
  /** UTC, `2026-03-07`. */
  readonly day: string
  readonly connection: string
  readonly conversations: number
  readonly messages: number
}

export const statuses = ["completed", "active", "handed_off", "abandoned", "unknown"] as const

export interface ConnectionOutcomes extends Readonly<Record<(typeof statuses)[number], number>> {
  readonly connection: string
  readonly provider: string
}

export interface ChannelTimes {
  readonly channel: string | null
  readonly conversations: number
  readonly messages: number
  readonly answered: number
  /** Seconds to the first answer; null: no one was answered. */
  readonly median: number | null
  readonly p90: number | null
  readonly handOffRate: number
  readonly completionRate: number
}

export interface Week {
  /** Its Monday, UTC. */
  readonly week: string
  readonly conversations: number
  readonly handOffRate: number
  readonly abandonmentRate: number
  readonly completionRate: number
}

export interface HourOfWeek {
  /** 1 Monday to 7 Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly messages: number
}

export interface AnsweredBy {
  readonly answeredBy: "agent" | "both" | "human" | "nobody"
  readonly conversations: number
  readonly completionRate: number
  readonly abandonmentRate: number
}

export interface Waiting {
  readonly connection: string
  /** One number for each of `waitingBounds` and one for longer; the last is for unknown. */
  readonly counts: ReadonlyArray<number>
}

export interface Qualified {
  readonly connection: string
  readonly qualified: number
  readonly notQualified: number
}

export interface Freshness {
  readonly connection: string
  readonly provider: string
  readonly last_complete_sync_at: string | null
  readonly last_attempt_at: string | null
  readonly last_attempt_outcome: string | null
  readonly newest_message_at: string | null
  readonly conversations: number
  readonly conversations_incomplete: number
  readonly changes_open: number
  readonly quarantined: number
  readonly error: string | null
}

export interface Run {
  readonly id: number
  readonly command: string
  readonly started_at: string
  readonly outcome: string
  readonly requests: number
  readonly received: number
}

/** Upper bounds of how long conversations wait for a person, in seconds. */
export const waitingBounds = [3_600, 4 * 3_600, 24 * 3_600, 7 * 86_400] as const

/** Upper bounds of the time to the first answer, in seconds. */
export const answerBounds = [5, 15, 60, 300, 1_800, 7_200, 86_400] as const

/** Runs shown, newest last. */
const runsShown = 60

const bucketOf = (bounds: ReadonlyArray<number>, value: string): string =>
  `CASE ${bounds.map((bound, index) => `WHEN ${value} < ${bound} THEN ${index}`).join(" ")} ELSE ${bounds.length} END`

const percentiles = (key: string): string => `
  SELECT ${key} AS key, count(*) AS answered,
    min(CASE WHEN share >= 0.5 THEN seconds END) AS median, min(CASE WHEN share >= 0.9 THEN seconds END) AS p90
  FROM (
    SELECT ${key}, seconds_to_first_answer AS seconds,
      cume_dist() OVER (PARTITION BY ${key} ORDER BY seconds_to_first_answer) AS share
    FROM conversation_facts WHERE seconds_to_first_answer IS NOT NULL
  ) GROUP BY ${key}`

interface PercentileRow extends Percentiles {
  readonly key: string | null
  readonly answered: number
}

const spread = (session: Session, bounds: ReadonlyArray<number>, sql: string): ReadonlyArray<number> => {
  const rows = session.prepare(sql).raw().all() as ReadonlyArray<readonly [bucket: number, count: number]>
  const counts = new Map(rows)
  return Array.from({ length: bounds.length + 1 }, (_, bucket) => counts.get(bucket) ?? 0)
}

const readChannels = ({ prepare }: Session): ReadonlyArray<ChannelTimes> => {
  const times = new Map(
    (prepare(percentiles("channel")).all() as ReadonlyArray<PercentileRow>).map((row) => [row.key, row])
  )
  const rows = prepare(
    `SELECT channel, sum(n) AS conversations, sum(messages) AS messages,
       sum(n * was_handed_off) * 1.0 / sum(n) AS handOffRate, sum(n * is_completed) * 1.0 / sum(n) AS completionRate
     FROM (
       SELECT channel, handed_off AS was_handed_off, status = 'completed' AS is_completed, count(*) AS n, sum(messages) AS messages
       FROM conversation_facts GROUP BY 1, 2, 3
     ) GROUP BY channel ORDER BY conversations DESC`
  ).all() as ReadonlyArray<Omit<ChannelTimes, "answered" | "median" | "p90">>
  return rows.map((row) => {
    const time = times.get(row.channel)
    return { ...row, answered: time?.answered ?? 0, median: time?.median ?? null, p90: time?.p90 ?? null }
  })
}

const readWaiting = ({ prepare }: Session, now: string): ReadonlyArray<Waiting> => {
  const seconds = "(julianday(?) - julianday(waiting_since)) * 86400"
  const rows = prepare(
    `SELECT connection, CASE WHEN waiting_since IS NULL THEN ${waitingBounds.length + 1} ELSE ${bucketOf(waitingBounds, "seconds")} END AS bucket, count(*)
     FROM (SELECT connection, waiting_since, ${seconds} AS seconds FROM waiting_for_person) GROUP BY 1, 2`
  )
    .raw()
    .all(now) as ReadonlyArray<readonly [connection: string, bucket: number, count: number]>
  return [...new Set(rows.map(([connection]) => connection))].sort().map((connection) => ({
    connection,
    counts: Array.from(
      { length: waitingBounds.length + 2 },
      (_, bucket) => rows.find(([name, place]) => name === connection && place === bucket)?.[2] ?? 0
    )
  }))
}

const readTotals = (
  { prepare }: Session,
  outcomes: ReadonlyArray<ConnectionOutcomes>,
  waiting: ReadonlyArray<Waiting>
): Totals => {
  const rates = prepare(
    `SELECT sum(ever_handed_off) * 1.0 / sum(conversations), sum(completed) * 1.0 / sum(conversations),
       sum(abandoned) * 1.0 / sum(conversations) FROM outcomes`
  )
    .raw()
    .get() as readonly [number | null, number | null, number | null]
  const count = (table: string) => Number(prepare(`SELECT count(*) FROM ${table}`).pluck().get())
  return {
    connections: count("connections"),
    conversations: outcomes.reduce(
      (sum, row) => sum + statuses.reduce((part, status) => part + row[status], 0),
      0
    ),
    messages: count("messages"),
    contacts: count("remote_contacts"),
    waiting: waiting.reduce((sum, row) => sum + row.counts.reduce((part, each) => part + each, 0), 0),
    handOffRate: rates[0],
    completionRate: rates[1],
    abandonmentRate: rates[2]
  }
}

/** Reads all that a report shows; to be called in one transaction. @param now UTC, ISO 8601 */
export const readReport = (session: Session, now: string): ReportData => {
  const all = <A>(sql: string, ...parameters: ReadonlyArray<unknown>) =>
    session.prepare(sql).all(...parameters) as ReadonlyArray<A>
  const outcomes = all<ConnectionOutcomes>(
    `SELECT connection, provider, ${statuses.map((status) => `sum(${status}) AS ${status}`).join(", ")}
     FROM outcomes GROUP BY connection ORDER BY connection`
  )
  const waiting = readWaiting(session, now)
  const [answers] = all<PercentileRow>(percentiles("'all'"))
  return {
    generatedAt: now,
    totals: readTotals(session, outcomes, waiting),
    answers: answers ?? null,
    volume: all(
      `SELECT day, connection, sum(conversations) AS conversations, sum(messages) AS messages
       FROM daily_volume WHERE day IS NOT NULL GROUP BY day, connection ORDER BY day, connection`
    ),
    outcomes,
    channels: readChannels(session),
    answerTimes: spread(
      session,
      answerBounds,
      `SELECT ${bucketOf(answerBounds, "seconds_to_first_answer")}, count(*)
       FROM conversation_facts WHERE seconds_to_first_answer IS NOT NULL GROUP BY 1`
    ),
    weeks: all(
      `SELECT date(day, 'weekday 0', '-6 days') AS week, sum(n) AS conversations,
         sum(n * was_handed_off) * 1.0 / sum(n) AS handOffRate,
         sum(n * (status = 'abandoned')) * 1.0 / sum(n) AS abandonmentRate,
         sum(n * (status = 'completed')) * 1.0 / sum(n) AS completionRate
       FROM (
         SELECT day, status, handed_off AS was_handed_off, count(*) AS n
         FROM conversation_facts WHERE day IS NOT NULL GROUP BY 1, 2, 3
       ) GROUP BY 1 ORDER BY 1`
    ),
    hours: all("SELECT weekday, hour, customer_messages AS messages FROM busiest_hours"),
    answeredBy: all(
      `SELECT answered_by AS answeredBy, sum(conversations) AS conversations,
         sum(conversations * completion_rate) / sum(conversations) AS completionRate,
         sum(conversations * abandonment_rate) / sum(conversations) AS abandonmentRate
       FROM agent_against_person GROUP BY answered_by ORDER BY conversations DESC`
    ),
    waiting,
    qualified: all(
      `SELECT connection, sum(qualified) AS qualified, sum(not_qualified) AS notQualified
       FROM qualification_outcomes WHERE decided > 0 GROUP BY connection ORDER BY connection`
    ),
    freshness: all(
      `SELECT f.*, (
         SELECT c.error_message FROM run_connections c
         WHERE c.connection = f.connection ORDER BY c.started_at DESC LIMIT 1
       ) AS error FROM freshness f ORDER BY f.connection`
    ),
    runs: all<Run>(
      `SELECT r.id, r.command, r.started_at, r.outcome,
         coalesce((SELECT sum(c.requests) FROM run_connections c WHERE c.run_id = r.id), 0) AS requests,
         coalesce((SELECT sum(c.received) FROM run_connections c WHERE c.run_id = r.id), 0) AS received
       FROM runs r ORDER BY r.id DESC LIMIT ${runsShown}`
    ).toReversed()
  }
}
