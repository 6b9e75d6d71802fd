import packageJson from "../../../package.json" with { type: "json" }
import type { Freshness, Rate, ReportData } from "./data.ts"
import * as figures from "./figures.ts"
import { ago, day, duration, moment, number, percent, shortNumber } from "./format.ts"
import { type Figure, figure, safeText } from "./html.ts"
import { style } from "./style.ts"

/** How a report of ours begins: a file that begins so may be replaced by the next one. */
export const reportMark = '<!doctype html><html lang="en"><head><meta name="generator" content="Parley'

interface Tile {
  readonly name: string
  readonly figure: string
  readonly more: string
}

const tile = ({ figure, more, name }: Tile): string =>
  `<div class="tile"><dt>${safeText(name)}</dt><dd><span class="figure">${safeText(figure)}</span><span class="more">${safeText(more)}</span></dd></div>`

const unknown = "–"

/** How a number moved from the period before; empty: there is nothing to compare with. */
const moved = (
  now: number | null,
  before: number | null | undefined,
  say: (value: number) => string
): string => (now === null || before === null || before === undefined ? "" : `; before: ${say(before)}`)

const rateTile = (name: string, rate: Rate, before: Rate | undefined, more = ""): Tile => ({
  name,
  figure: rate.share === null ? unknown : percent(rate.share),
  more:
    rate.share === null
      ? "no vendor here can say it"
      : `of ${number(rate.of)}${moved(rate.share, before?.share, percent)}${more}`
})

const tiles = ({ before, totals }: ReportData): ReadonlyArray<Tile> => {
  const { answers } = totals
  return [
    {
      name: "Waiting for a person",
      figure: shortNumber(totals.waiting),
      more: totals.waiting === 0 ? "no one, now" : "now"
    },
    {
      name: "Conversations",
      figure: shortNumber(totals.conversations),
      more: `${shortNumber(totals.messages)} messages${moved(totals.conversations, before?.conversations, shortNumber)}`
    },
    {
      name: "First answer",
      figure: answers === null ? unknown : duration(answers.median),
      more:
        answers === null
          ? "no one was answered"
          : `half of ${number(answers.of)} within; nine of ten in ${duration(answers.p90)}${moved(answers.median, before?.answers?.median, duration)}`
    },
    rateTile("Completed", totals.completed, before?.completed),
    rateTile("Abandoned", totals.abandoned, before?.abandoned),
    rateTile("Handed to a person", totals.handedOff, before?.handedOff),
    {
      name: "Contacts",
      figure: shortNumber(totals.contacts),
      more: `at ${number(totals.connections)} ${totals.connections === 1 ? "connection" : "connections"}${moved(totals.contacts, before?.contacts, shortNumber)}`
    },
    {
      name: "Changes requested",
      figure: shortNumber(totals.changesRequested),
      more: "not yet at the provider, and counted nowhere else"
    }
  ]
}

/** Two beside each other; one that would stand alone takes the whole width. */
const section = (title: string, content: ReadonlyArray<Figure | string | null>): string => {
  const there = content.filter((each) => each !== null)
  let isLeft = true
  const laid = there.map((each, index) => {
    if (typeof each === "string" || each.wide === true) {
      isLeft = true
      return typeof each === "string" ? each : figure(each)
    }
    const next = there[index + 1]
    const isAlone = isLeft && (next === undefined || typeof next === "string" || next.wide === true)
    isLeft = isAlone || !isLeft
    return figure(isAlone ? { ...each, wide: true } : each)
  })
  return there.length === 0
    ? ""
    : `<section><h2>${safeText(title)}</h2><div class="grid">${laid.join("\n")}</div></section>`
}

const state = (outcome: string | null): string =>
  outcome === null
    ? "never ran"
    : `<span class="state ${safeText(outcome)}">${safeText(outcome === "complete" ? "went well" : outcome)}</span>`

const freshnessHead = [
  "connection",
  "last attempt",
  "when",
  "last complete sync",
  "newest message",
  "conversations",
  "incomplete",
  "open changes",
  "in quarantine"
] as const

/** In a narrow window each row is a list of names and values. */
const freshnessRow = (row: Freshness, now: string, timeZone: string): string => {
  const when = (time: string | null) =>
    time === null
      ? "never"
      : `<time datetime="${safeText(time)}" title="${safeText(moment(time, timeZone))}">${safeText(ago(time, now))}</time>`
  const fault =
    row.error === null || row.last_attempt_outcome === "complete"
      ? ""
      : `<br><span class="fault">${safeText(row.error)}</span>`
  const counts = [row.conversations, row.conversations_incomplete, row.changes_open, row.quarantined]
  const values = [
    `${state(row.last_attempt_outcome)}${fault}`,
    when(row.last_attempt_at),
    when(row.last_complete_sync_at),
    when(row.newest_message_at),
    ...counts.map(number)
  ]
  const cells = values.map(
    (value, index) =>
      `<td data-name="${freshnessHead[index + 1]}"${index > 3 ? ' class="n"' : ""}><span>${value}</span></td>`
  )
  return `<tr><th scope="row">${safeText(row.connection)}<br><small>${safeText(row.provider)}</small></th>${cells.join("")}</tr>`
}

const freshness = ({ freshness: rows, generatedAt, timeZone }: ReportData): string | null =>
  rows.length === 0
    ? null
    : `<div class="card wide"><h3>Connections</h3><div class="scroll" tabindex="0" role="region" aria-label="Connections"><table class="stacked"><caption>How current and how whole the mirror is, as of this report</caption>
<thead><tr>${freshnessHead.map((name, index) => `<th scope="col"${index > 4 ? ' class="n"' : ""}>${name}</th>`).join("")}</tr></thead>
<tbody>${rows.map((row) => freshnessRow(row, generatedAt, timeZone)).join("")}</tbody></table></div></div>`

/** What the report is about, in words. */
const about = ({ scope, timeZone, volume }: ReportData): string => {
  const { connection, since, until } = scope
  const first = volume[0]?.day
  const last = volume.at(-1)?.day
  const days =
    first === undefined || last === undefined
      ? "No conversations"
      : first === last
        ? `Conversations of ${day(first)}`
        : `Conversations from ${day(first)} to ${day(last)}`
  const period =
    since === null && until === null
      ? ""
      : `, started${since === null ? "" : ` from ${moment(since, timeZone)} on`}${until === null ? "" : ` before ${moment(until, timeZone)}`}`
  const compared = scope.compare && since !== null ? ", beside the period of the same length before" : ""
  return `${days}${connection === null ? "" : ` of ${connection}`}${period}${compared}. `
}

/** The whole page: one file that loads nothing else. It contains no message, name, address or number. */
export const reportPage = (data: ReportData): string => {
  const { generatedAt, timeZone, totals } = data
  const sections = [
    section("Now", [figures.waiting(data)]),
    section("Volume", [figures.volume(data), figures.channels(data), figures.answeredBy(data)]),
    section("Outcomes", [figures.outcomes(data), figures.weekly(data), figures.qualified(data)]),
    section("Response times", [figures.answerTimes(data), figures.channelTimes(data), figures.hours(data)]),
    section("Freshness and health", [freshness(data), figures.runs(data)])
  ]
  const isAll = data.scope.since === null && data.scope.until === null && data.scope.connection === null
  const nothing = isAll
    ? "There are no conversations in the mirror yet: run <code>parley sync</code>."
    : "No conversations of the mirror are in this period."
  const body =
    totals.conversations === 0
      ? `<p class="nothing">${nothing}</p>${sections[0]}${sections.at(-1)}`
      : `<dl class="tiles">${tiles(data).map(tile).join("")}</dl>${sections.join("\n")}`
  return `${reportMark} ${packageJson.version}"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>Conversations: a report by Parley</title><style>${style}</style></head>
<body><header><h1>Conversations</h1><p>${safeText(about(data))}Read from the mirror on ${moment(generatedAt, timeZone)}.</p></header>
<main>${body}</main>
<footer>Made by Parley ${packageJson.version}. Days and hours are those of ${safeText(timeZone)}. Numbers are of what the providers hold; medians are nearest-rank. The numbers of each plot are below it; what they mean is in the mirror's table <code>dictionary</code>.</footer></body></html>
`
}
