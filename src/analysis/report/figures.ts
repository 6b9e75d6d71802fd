import { bars, columns, ranges, runMarks, shareBars, weekMap } from "./barPlots.ts"
import { answerBounds, type Rate, type ReportData, statuses, waitingBounds } from "./data.ts"
import { day, duration, moment, number, percent, shortNumber } from "./format.ts"
import type { Figure, Series } from "./html.ts"
import { periodsOf } from "./periods.ts"
import { lines, stackedColumns } from "./timePlots.ts"

/*
 * Each plot with its words and its numbers. Null: there is nothing to show.
 */

/** Series that still have colours of their own. */
const mostSeries = 6

const none = "not said"

const statusSeries: ReadonlyArray<Series> = [
  { name: "completed", color: "c2" },
  { name: "active", color: "c1" },
  { name: "handed off", color: "c4" },
  { name: "abandoned", color: "c5" },
  { name: "unknown", color: "c6" }
]

const stepped = (bounds: ReadonlyArray<number>): ReadonlyArray<string> => [
  ...bounds.map((bound) => `< ${duration(bound)}`),
  "longer"
]

/** `12% of 340` */
const withCount = (rate: Rate): string =>
  rate.share === null ? "–" : `${percent(rate.share)} of ${number(rate.of)}`

/** The colour of a connection: its own, whatever the report is about. */
const colorOf = (connections: ReadonlyArray<string>, name: string): string => {
  const place = connections.indexOf(name)
  const hasOwn = place >= 0 && (connections.length <= mostSeries || place < mostSeries - 1)
  return `c${hasOwn ? place + 1 : mostSeries}`
}

export const volume = ({ bounds, connections, undated, volume: days }: ReportData): Figure | null => {
  if (days.length === 0) return null
  const named = [...new Set(days.map(({ connection }) => connection))].sort()
  const own = named.filter(
    (name) => connections.length <= mostSeries || colorOf(connections, name) !== `c${mostSeries}`
  )
  const shown = own.length < named.length ? [...own, "others"] : own
  const place = (connection: string) => {
    const index = shown.indexOf(connection)
    return index >= 0 ? index : shown.length - 1
  }
  const counted = days.map((row) => ({
    day: row.day,
    series: place(row.connection),
    count: row.conversations
  }))
  const { periods, step } = periodsOf(counted, shown.length, bounds)
  const series = shown.map((name) => ({ name, color: colorOf(connections, name) }))
  const title = `Conversations started each ${step}`
  const left = undated === 0 ? "" : ` ${number(undated)} without a plausible start are left out.`
  const part = periods.some(({ isPartial }) => isPartial) ? ` A paler ${step} is counted in part only.` : ""
  return {
    title,
    note: `By connection.${part}${left}`,
    series,
    wide: true,
    plot: (width) => stackedColumns(`${title}, stacked by connection`, series, periods, width),
    table: {
      caption: title,
      head: [step, ...shown, "all"],
      rows: periods.map(({ label, values }) => [
        label,
        ...values,
        values.reduce((sum, value) => sum + value, 0)
      ])
    }
  }
}

export const outcomes = ({ outcomes: rows }: ReportData): Figure | null => {
  if (rows.length === 0) return null
  const present = statuses.flatMap((status, index) =>
    rows.some((row) => row[status] > 0)
      ? [{ status, series: statusSeries[index] ?? { name: status, color: "c6" } }]
      : []
  )
  const series = present.map((each) => each.series)
  const parts = rows.map((row) => ({
    name: row.connection,
    values: present.map(({ status }) => row[status])
  }))
  return {
    title: "How conversations stand",
    note: "As the providers hold them: shares of each connection's conversations. Changes that are only requested count beside.",
    series,
    plot: (width) => shareBars("Shares of statuses by connection", series, parts, width),
    table: {
      caption: "Conversations by status",
      head: ["connection", "provider", ...series.map(({ name }) => name), "all", "changes requested"],
      rows: rows.map((row) => [
        row.connection,
        row.provider,
        ...present.map(({ status }) => row[status]),
        statuses.reduce((sum, status) => sum + row[status], 0),
        row.changesRequested
      ])
    }
  }
}

export const weekly = ({ bounds, weeks }: ReportData): Figure | null => {
  if (weeks.length < 2) return null
  const starts = weeks.map(({ week }) => new Date(`${week}T00:00:00Z`))
  const sunday = (week: string) => new Date(Date.parse(week) + 6 * 86_400_000).toISOString().slice(0, 10)
  const isPart = (week: string) =>
    (bounds.first !== null && week < bounds.first) || sunday(week) > bounds.last
  const said = [
    { name: "completed", color: "c2", rates: weeks.map((week) => week.completed) },
    { name: "handed off", color: "c4", rates: weeks.map((week) => week.handedOff) },
    { name: "abandoned", color: "c5", rates: weeks.map((week) => week.abandoned) }
  ].filter(({ rates }) => rates.some(({ share }) => share !== null))
  const all = said.map(({ color, name, rates }) => ({ name, color, values: rates.map(({ share }) => share) }))
  return {
    title: said
      .map(({ name }) => name)
      .join(", ")
      .replace(/^./, (letter) => letter.toUpperCase()),
    note: "Shares of the conversations that started in each week, where the vendor can say it. The newest weeks still move.",
    plot: (width) => lines("Rates by week", starts, all, percent, width),
    table: {
      caption: "Rates by week, each with the number of conversations it is of",
      head: ["week of", ...all.map(({ name }) => name)],
      rows: weeks.map((week, index) => [
        `${day(week.week)}${isPart(week.week) ? " (in part)" : ""}`,
        ...said.map(({ rates }) => withCount(rates[index] ?? { share: null, of: 0 }))
      ])
    }
  }
}

export const answerTimes = ({ answerTimes: counts, totals: { answers } }: ReportData): Figure | null => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0 || answers === null) return null
  const names = stepped(answerBounds)
  const rows = counts
    .map((count, index) => ({ name: names[index] ?? "", value: count, text: percent(count / total) }))
    .slice(0, counts.findLastIndex((count) => count > 0) + 1)
  return {
    title: "Time to the first answer",
    note: `Half of ${number(total)} answered conversations within ${duration(answers.median)}, nine of ten within ${duration(answers.p90)}.`,
    plot: (width) => columns("Share of answered conversations by the time to the first answer", rows, width),
    table: {
      caption: "Answered conversations by the time from the customer's first message to the first answer",
      head: ["time", "conversations", "share"],
      rows: rows.map(({ name, text, value }) => [name, value, text])
    }
  }
}

export const channelTimes = ({ channels }: ReportData): Figure | null => {
  const rows = channels.flatMap(({ answers, channel }) =>
    answers === null ? [] : [{ name: channel ?? none, ...answers }]
  )
  if (rows.length === 0) return null
  return {
    title: "Time to the first answer, by channel",
    note: "Half of the answered conversations within the first dot, nine of ten within the second.",
    series: [
      { name: "half", color: "c1" },
      { name: "nine of ten", color: "c4" }
    ],
    plot: (width) => ranges("Time to the first answer by channel, logarithmic", rows, width),
    table: {
      caption: "Time to the first answer by channel",
      head: ["channel", "answered", "half within", "nine of ten within"],
      rows: rows.map(({ median, name, of, p90 }) => [name, of, duration(median), duration(p90)])
    }
  }
}

export const channels = ({ channels: rows }: ReportData): Figure | null => {
  if (rows.length === 0) return null
  const all = rows.map((row) => ({
    name: row.channel ?? none,
    value: row.conversations,
    text: shortNumber(row.conversations)
  }))
  return {
    title: "Channels",
    note: "Conversations held on each.",
    plot: (width) => bars("Conversations by channel", all, width),
    table: {
      caption: "Conversations by channel",
      head: ["channel", "conversations", "messages", "handed off", "completed"],
      rows: rows.map((row) => [
        row.channel ?? none,
        row.conversations,
        row.messages,
        withCount(row.handedOff),
        withCount(row.completed)
      ])
    }
  }
}

export const hours = ({ hours: rows }: ReportData): Figure | null => {
  if (rows.every(({ messages }) => messages === 0)) return null
  const counts = new Map(rows.map((row) => [row.weekday * 24 + row.hour, row.messages]))
  const value = (weekday: number, hour: number) => counts.get(weekday * 24 + hour) ?? 0
  const names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
  return {
    title: "When customers write",
    note: "Messages of customers by weekday and hour: the stronger the colour, the more.",
    wide: true,
    plot: (width) => weekMap("Messages of customers by weekday and hour", value, width),
    table: {
      caption: "Messages of customers by hour and weekday",
      head: ["hour", ...names.map((name) => name.slice(0, 3))],
      rows: Array.from({ length: 24 }, (_, hour) => [
        `${String(hour).padStart(2, "0")}:00`,
        ...names.map((_, index) => value(index + 1, hour))
      ])
    }
  }
}

const answerers = {
  agent: { name: "agent only", color: "c1" },
  both: { name: "both", color: "c3" },
  human: { name: "person only", color: "c4" },
  nobody: { name: "nobody", color: "c6" }
} as const

export const answeredBy = ({ answeredBy: rows }: ReportData): Figure | null => {
  if (rows.length === 0) return null
  const total = rows.reduce((sum, { conversations }) => sum + conversations, 0)
  const all = rows.map((row) => ({
    ...answerers[row.answeredBy],
    value: row.conversations,
    text: `${shortNumber(row.conversations)} (${percent(row.conversations / total)})`
  }))
  return {
    title: "Agent against person",
    note: `Who answered. Completed: ${rows
      .filter((row) => row.answeredBy !== "nobody")
      .map((row) => `${withCount(row.completed)} (${answerers[row.answeredBy].name})`)
      .join(", ")}.`,
    plot: (width) => bars("Conversations by who answered", all, width),
    table: {
      caption: "Conversations by who answered",
      head: ["answered by", "conversations", "completed", "abandoned"],
      rows: rows.map((row) => [
        answerers[row.answeredBy].name,
        row.conversations,
        withCount(row.completed),
        withCount(row.abandoned)
      ])
    }
  }
}

export const waiting = ({ longest, timeZone, totals, waiting: rows }: ReportData): Figure | null => {
  if (totals.waiting === 0) return null
  const names = [...stepped(waitingBounds), "unknown"]
  const sums = names.map((_, index) => rows.reduce((sum, { counts }) => sum + (counts[index] ?? 0), 0))
  const used = names.flatMap((name, index) => (name === "unknown" && sums[index] === 0 ? [] : [index]))
  const all = used.map((index) => ({
    name: names[index] ?? "",
    value: sums[index] ?? 0,
    text: shortNumber(sums[index] ?? 0),
    color: "c4"
  }))
  return {
    title: "Waiting for a person",
    note: `${number(totals.waiting)} conversations were handed over, and no person had the last word; by how long ago the customer wrote. The longest ${longest.length === 1 ? "waits" : "wait"} since ${longest[0] === undefined ? "an unknown time" : `${moment(longest[0].since, timeZone)}`}.`,
    wide: true,
    plot: (width) => columns("Waiting conversations by how long they wait", all, width),
    table: {
      caption: "Waiting conversations by how long they wait",
      head: ["connection", ...all.map(({ name }) => name)],
      rows: rows.map(({ connection, counts }) => [connection, ...used.map((index) => counts[index] ?? 0)])
    }
  }
}

export const qualified = ({ qualified: rows }: ReportData): Figure | null => {
  if (rows.length === 0) return null
  const series = [
    { name: "qualified", color: "c2" },
    { name: "not qualified", color: "c6" }
  ]
  const parts = rows.map((row) => ({ name: row.connection, values: [row.qualified, row.notQualified] }))
  return {
    title: "Qualified leads",
    note: "Of those that were decided.",
    series,
    plot: (width) => shareBars("Shares of qualified leads by connection", series, parts, width),
    table: {
      caption: "Decided leads",
      head: ["connection", "qualified", "not qualified"],
      rows: rows.map((row) => [row.connection, row.qualified, row.notQualified])
    }
  }
}

export const runs = ({ runs: rows, timeZone }: ReportData): Figure | null => {
  if (rows.length === 0) return null
  const marks = rows.map(({ command, id, outcome, requests, started_at }) => ({
    outcome,
    title: `run ${id}, ${command}, ${moment(started_at, timeZone)}: ${outcome}, ${number(requests)} requests`
  }))
  const bad = rows.filter(({ outcome }) => outcome !== "complete" && outcome !== "running").length
  const shown: Figure = {
    title: "Latest runs",
    note: `${bad === 0 ? "All" : `${rows.length - bad} of ${rows.length}`} went well; oldest first, taller marks are those that did not.`,
    wide: true,
    plot: (width) => runMarks("Outcomes of the latest runs, oldest first", marks, width),
    table: {
      caption: "Latest runs, newest first",
      head: ["run", "command", "started", "outcome", "requests", "records received"],
      rows: rows
        .toReversed()
        .map((run) => [
          String(run.id),
          run.command,
          moment(run.started_at, timeZone),
          run.outcome,
          run.requests,
          run.received
        ])
    }
  }
  return shown
}
