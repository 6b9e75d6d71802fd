import { groupBy } from "../../domain/groupBy.ts"
import type { Session } from "../../store/Db.ts"
import { connectionNames } from "../../store/read/findConversation.ts"

/** Which conversations a report is about. */
export interface ReportScope {
  /** Started from then on, and before then: UTC, ISO 8601; null: without bound. */
  readonly since: string | null
  readonly until: string | null
  /** Null: all connections. */
  readonly connection: string | null
  /** Whether the period before, of the same length, stands beside it; needs `since`. */
  readonly compare: boolean
}

export const everything: ReportScope = { since: null, until: null, connection: null, compare: false }

/** A share of conversations, and of how many. */
export interface Rate {
  /** 0 to 1; null: there is none of whom it can be said. */
  readonly share: number | null
  /** Conversations whose vendor can say it. */
  readonly of: number
}

/** Everything that a report shows. Numbers of conversations leave out those that the provider no longer has. */
export interface ReportData {
  /** UTC, ISO 8601. */
  readonly generatedAt: string
  /** IANA: days and hours are those of its clock. */
  readonly timeZone: string
  readonly scope: ReportScope
  /** Every connection of the mirror by name: each has its colour by its place. */
  readonly connections: ReadonlyArray<string>
  readonly totals: Totals
  /** The same of the period before; null: not requested. */
  readonly before: Totals | null
  readonly volume: ReadonlyArray<DayVolume>
  readonly bounds: Bounds
  /** Conversations whose start is before 2000 or in the future: they are in no plot over time. */
  readonly undated: number
  readonly outcomes: ReadonlyArray<ConnectionOutcomes>
  readonly channels: ReadonlyArray<ChannelTimes>
  readonly answerTimes: ReadonlyArray<number>
  readonly weeks: ReadonlyArray<Week>
  readonly hours: ReadonlyArray<HourOfWeek>
  readonly answeredBy: ReadonlyArray<AnsweredBy>
  readonly waiting: ReadonlyArray<Waiting>
  /** Who waits longest, now; whenever it started. */
  readonly longest: ReadonlyArray<LongestWait>
  readonly qualified: ReadonlyArray<Qualified>
  readonly freshness: ReadonlyArray<Freshness>
  readonly runs: ReadonlyArray<Run>
}

/** Where the period begins and ends, in local days. */
export interface Bounds {
  /** Null: with the first conversation. */
  readonly first: string | null
  /** Whether a part of that day lies before the period. */
  readonly firstIsPart: boolean
  readonly last: string
  /** Whether a part of that day lies after it, or is still to come. */
  readonly lastIsPart: boolean
}

interface Percentiles {
  /** Seconds; nearest rank. */
  readonly median: number
  readonly p90: number
  /** Of how many. */
  readonly of: number
}

export interface Totals {
  readonly connections: number
  readonly conversations: number
  readonly messages: number
  readonly contacts: number
  /** Of the time from a customer's first message to the first answer. Null: no one was answered. */
  readonly answers: Percentiles | null
  readonly waiting: number
  readonly handedOff: Rate
  readonly completed: Rate
  readonly abandoned: Rate
  /** Conversations with an open change of their status: counted nowhere else. */
  readonly changesRequested: number
}

interface DayVolume {
  /** Local, `2026-03-07`. */
  readonly day: string
  readonly connection: string
  readonly conversations: number
  readonly messages: number
}

export const statuses = ["completed", "active", "handed_off", "abandoned", "unknown"] as const

interface ConnectionOutcomes extends Readonly<Record<(typeof statuses)[number], number>> {
  readonly connection: string
  readonly provider: string
  readonly changesRequested: number
}

interface ChannelTimes {
  readonly channel: string | null
  readonly conversations: number
  readonly messages: number
  readonly answers: Percentiles | null
  readonly handedOff: Rate
  readonly completed: Rate
}

interface Week {
  /** Its Monday, local. */
  readonly week: string
  readonly conversations: number
  readonly handedOff: Rate
  readonly abandoned: Rate
  readonly completed: Rate
}

interface HourOfWeek {
  /** 1 Monday to 7 Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly messages: number
}

interface AnsweredBy {
  readonly answeredBy: "agent" | "both" | "human" | "nobody"
  readonly conversations: number
  readonly completed: Rate
  readonly abandoned: Rate
}

export interface Waiting {
  readonly connection: string
  /** One number for each of `waitingBounds` and one for longer; the last is for unknown. */
  readonly counts: ReadonlyArray<number>
}

interface LongestWait {
  readonly connection: string
  readonly channel: string | null
  /** UTC, ISO 8601. */
  readonly since: string
  readonly seconds: number
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

/** Of those who wait, how many are listed. */
const longestShown = 10

/** A row of conversation_facts, as far as a report counts it. */
interface Fact {
  readonly connection: string
  readonly provider: string
  readonly channel: string | null
  readonly contact_id: string | null
  readonly status: (typeof statuses)[number]
  readonly requested_status: string | null
  readonly day: string | null
  readonly started_at: string | null
  readonly messages: number
  readonly agent_messages: number
  readonly human_messages: number
  readonly answer: number | null
  readonly handed_off: 0 | 1
  readonly qualified: 0 | 1 | null
}

type Says = (fact: Fact, status: "abandoned" | "completed") => boolean

const rateOf = (
  facts: ReadonlyArray<Fact>,
  can: (fact: Fact) => boolean,
  is: (fact: Fact) => boolean
): Rate => {
  const those = facts.filter(can)
  return { share: those.length === 0 ? null : those.filter(is).length / those.length, of: those.length }
}

const rates = (facts: ReadonlyArray<Fact>, says: Says) => ({
  handedOff: rateOf(
    facts,
    () => true,
    (fact) => fact.handed_off === 1
  ),
  completed: rateOf(
    facts,
    (fact) => says(fact, "completed"),
    (fact) => fact.status === "completed"
  ),
  abandoned: rateOf(
    facts,
    (fact) => says(fact, "abandoned"),
    (fact) => fact.status === "abandoned"
  )
})

/** Nearest rank: the least value that so large a share of them does not exceed. */
const nearestRank = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share - 1e-9) - 1)] ?? 0

const answersOf = (facts: ReadonlyArray<Fact>): Percentiles | null => {
  const sorted = facts.flatMap(({ answer }) => (answer === null ? [] : [answer])).sort((a, b) => a - b)
  return sorted.length === 0
    ? null
    : { median: nearestRank(sorted, 0.5), p90: nearestRank(sorted, 0.9), of: sorted.length }
}

const sumOf = (facts: ReadonlyArray<Fact>, of: (fact: Fact) => number): number =>
  facts.reduce((sum, fact) => sum + of(fact), 0)

/** How many lie below each bound and not below the one before, and how many above all. */
const spread = (bounds: ReadonlyArray<number>, values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  for (const value of values) {
    const place = bounds.findIndex((bound) => value < bound)
    const at = place < 0 ? bounds.length : place
    counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}

const totalsOf = (facts: ReadonlyArray<Fact>, waiting: number, says: Says): Totals => ({
  connections: new Set(facts.map(({ connection }) => connection)).size,
  conversations: facts.length,
  messages: sumOf(facts, ({ messages }) => messages),
  contacts: new Set(facts.flatMap(({ contact_id }) => (contact_id === null ? [] : [contact_id]))).size,
  answers: answersOf(facts),
  waiting,
  ...rates(facts, says),
  changesRequested: facts.filter(({ requested_status }) => requested_status !== null).length
})

const answererOf = ({ agent_messages, human_messages }: Fact): AnsweredBy["answeredBy"] => {
  if (agent_messages > 0 && human_messages > 0) return "both"
  return agent_messages > 0 ? "agent" : human_messages > 0 ? "human" : "nobody"
}

const mondayOf = (day: string): string => {
  const date = new Date(`${day}T00:00:00Z`)
  return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * 86_400_000).toISOString().slice(0, 10)
}

const byName =
  <A>(name: (row: A) => string) =>
  (one: A, other: A): number =>
    name(one) < name(other) ? -1 : name(one) > name(other) ? 1 : 0

const connectionWhere = "($connection IS NULL OR connection = $connection)"

const readFacts = ({ prepare }: Session, scope: ReportScope): ReadonlyArray<Fact> =>
  prepare(
    `SELECT connection, provider, channel, contact_id, status, requested_status, day, started_at, messages, agent_messages,
       human_messages, seconds_to_first_answer AS answer, handed_off, qualified
     FROM conversation_facts
     WHERE ${connectionWhere} AND ($since IS NULL OR started_at >= $since) AND ($until IS NULL OR started_at < $until)`
  ).all({ connection: scope.connection, since: scope.since, until: scope.until }) as ReadonlyArray<Fact>

/** Whether a fact's vendor has a word for a status; where that is not known, it has. */
const readSays = ({ prepare }: Session, facts: ReadonlyArray<Fact>): Says => {
  const words = prepare("SELECT connection, status FROM readable_statuses").raw().all() as ReadonlyArray<
    readonly [connection: string, status: string]
  >
  const known = new Set(words.map(([connection]) => connection))
  const said = new Set([
    ...words.map((word) => word.join(" ")),
    ...facts.map(({ connection, status }) => `${connection} ${status}`)
  ])
  return ({ connection }, status) => !known.has(connection) || said.has(`${connection} ${status}`)
}

const readWaiting = ({ prepare }: Session, now: string, connection: string | null) => {
  const rows = prepare(
    `SELECT connection, channel, waiting_since AS since, (julianday($now) - julianday(waiting_since)) * 86400 AS seconds
     FROM waiting_for_person WHERE ${connectionWhere} ORDER BY waiting_since`
  ).all({ connection, now }) as ReadonlyArray<LongestWait | (LongestWait & { since: null; seconds: null })>
  const names = [...new Set(rows.map((row) => row.connection))].sort()
  const waiting = names.map((name) => {
    const own = rows.filter((row) => row.connection === name)
    const known = own.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]))
    return { connection: name, counts: [...spread(waitingBounds, known), own.length - known.length] }
  })
  const longest = rows.filter(({ since }) => since !== null).slice(0, longestShown)
  return { waiting, longest: longest as ReadonlyArray<LongestWait>, total: rows.length }
}

const localDay = ({ prepare }: Session, at: string): string =>
  String(
    prepare(
      `SELECT date($at, (SELECT z.seconds FROM zone_offsets z WHERE z.from_at <= $at ORDER BY z.from_at DESC LIMIT 1) || ' seconds')`
    )
      .pluck()
      .get({ at })
  )

/** Whether a moment is the beginning of a local day. */
const isMidnight = (session: Session, at: string): boolean =>
  localDay(session, at) !== localDay(session, new Date(Date.parse(at) - 1).toISOString())

/** The period before, of the same length. */
const scopeBefore = (scope: ReportScope, now: string): ReportScope | null => {
  if (!scope.compare || scope.since === null) return null
  const length = Date.parse(scope.until ?? now) - Date.parse(scope.since)
  const since = new Date(Date.parse(scope.since) - length).toISOString()
  return { ...scope, since, until: scope.since, compare: false }
}

/**
 * Reads all that a report shows; to be called in one transaction. Who waits, freshness and runs are as of now, whatever the
 * period.
 * @param now UTC, ISO 8601
 */
export const readReport = (session: Session, now: string, scope: ReportScope = everything): ReportData => {
  const all = <A>(sql: string, parameters: Readonly<Record<string, unknown>> = {}) =>
    session.prepare(sql).all(parameters) as ReadonlyArray<A>
  const { connection, since, until } = scope
  const facts = readFacts(session, scope)
  const says = readSays(session, facts)
  const { longest, total, waiting } = readWaiting(session, now, connection)
  const before = scopeBefore(scope, now)
  // What is in the mirror was there before now, whatever the machine's clock says.
  const newest = session.prepare("SELECT at FROM commits ORDER BY seq DESC LIMIT 1").pluck().get()
  const present = typeof newest === "string" && newest > now ? newest : now
  const tomorrow = localDay(session, new Date(Date.parse(present) + 86_400_000).toISOString())
  const dated = facts.filter(({ day }) => day !== null && day >= "2000-01-01" && day <= tomorrow)
  const dayOf = ({ day }: Fact) => day ?? ""
  const end = until ?? present
  return {
    generatedAt: now,
    timeZone: String(session.prepare("SELECT time_zone FROM analysis_clock").pluck().get()),
    scope,
    connections: connectionNames(session),
    totals: totalsOf(facts, total, says),
    before: before === null ? null : totalsOf(readFacts(session, before), 0, says),
    volume: [...groupBy(dated, (fact) => `${fact.day} ${fact.connection}`).values()]
      .map((own) => ({
        day: dayOf(own[0]),
        connection: own[0].connection,
        conversations: own.length,
        messages: sumOf(own, ({ messages }) => messages)
      }))
      .sort(byName(({ connection: name, day }) => `${day} ${name}`)),
    bounds: {
      first: since === null ? null : localDay(session, since),
      firstIsPart: since !== null && !isMidnight(session, since),
      last: localDay(session, new Date(Date.parse(end) - 1).toISOString()),
      lastIsPart: !isMidnight(session, end)
    },
    undated: facts.length - dated.length,
    outcomes: [...groupBy(facts, (fact) => fact.connection)]
      .map(([name, own]) => ({
        connection: name,
        provider: own[0].provider,
        ...(Object.fromEntries(
          statuses.map((status) => [status, own.filter((fact) => fact.status === status).length])
        ) as Record<(typeof statuses)[number], number>),
        changesRequested: own.filter(({ requested_status }) => requested_status !== null).length
      }))
      .sort(byName((row) => row.connection)),
    channels: [...groupBy(facts, (fact) => fact.channel)]
      .map(([channel, own]) => ({
        channel,
        conversations: own.length,
        messages: sumOf(own, ({ messages }) => messages),
        answers: answersOf(own),
        ...rates(own, says)
      }))
      .sort((one, other) => other.conversations - one.conversations),
    answerTimes: spread(
      answerBounds,
      facts.flatMap(({ answer }) => (answer === null ? [] : [answer]))
    ),
    weeks: [...groupBy(dated, (fact) => mondayOf(dayOf(fact)))]
      .map(([week, own]) => ({ week, conversations: own.length, ...rates(own, says) }))
      .sort(byName(({ week }) => week)),
    hours: all(
      `SELECT weekday, local_hour AS hour, sum(messages) AS messages FROM messages_by_hour
       WHERE role = 'customer' AND ${connectionWhere} AND ($from IS NULL OR local_date >= $from)
         AND ($to IS NULL OR local_date <= $to)
       GROUP BY weekday, local_hour`,
      {
        connection,
        from: since === null ? null : localDay(session, since),
        to: until === null ? null : localDay(session, new Date(Date.parse(until) - 1).toISOString())
      }
    ),
    answeredBy: [...groupBy(facts, answererOf)]
      .map(([answeredBy, own]) => ({ answeredBy, conversations: own.length, ...rates(own, says) }))
      .sort((one, other) => other.conversations - one.conversations),
    waiting,
    longest,
    qualified: [
      ...groupBy(
        facts.filter(({ qualified }) => qualified !== null),
        (fact) => fact.connection
      )
    ]
      .map(([name, own]) => ({
        connection: name,
        qualified: own.filter(({ qualified }) => qualified === 1).length,
        notQualified: own.filter(({ qualified }) => qualified === 0).length
      }))
      .sort(byName((row) => row.connection)),
    freshness: all(
      `SELECT f.*, (
         SELECT c.error_message FROM run_connections c
         WHERE c.connection = f.connection ORDER BY c.started_at DESC LIMIT 1
       ) AS error FROM freshness f WHERE ${connectionWhere} ORDER BY f.connection`,
      { connection }
    ),
    runs: all<Run>(
      `SELECT r.id, r.command, r.started_at, r.outcome,
         coalesce((SELECT sum(c.requests) FROM run_connections c WHERE c.run_id = r.id), 0) AS requests,
         coalesce((SELECT sum(c.received) FROM run_connections c WHERE c.run_id = r.id), 0) AS received
       FROM runs r ORDER BY r.id DESC LIMIT ${runsShown}`
    ).toReversed()
  }
}
