import packageJson from "../../../package.json" with { type: "json" }
import type { Freshness, ReportData } from "./data.ts"
import * as figures from "./figures.ts"
import { ago, day, duration, moment, number, percent, shortNumber } from "./format.ts"
import { safeText } from "./html.ts"
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

const tiles = ({ answers, totals }: ReportData): ReadonlyArray<Tile> => [
  {
    name: "Conversations",
    figure: shortNumber(totals.conversations),
    more: `${shortNumber(totals.messages)} messages`
  },
  {
    name: "First answer",
    figure: answers === null ? unknown : duration(answers.median),
    more: answers === null ? "no one was answered" : `half within; nine of ten in ${duration(answers.p90)}`
  },
  {
    name: "Completed",
    figure: totals.completionRate === null ? unknown : percent(totals.completionRate),
    more: totals.abandonmentRate === null ? "" : `${percent(totals.abandonmentRate)} abandoned`
  },
  {
    name: "Handed to a person",
    figure: totals.handOffRate === null ? unknown : percent(totals.handOffRate),
    more: `${number(totals.waiting)} waiting now`
  },
  {
    name: "Contacts",
    figure: shortNumber(totals.contacts),
    more: `at ${number(totals.connections)} ${totals.connections === 1 ? "connection" : "connections"}`
  }
]

const section = (title: string, content: ReadonlyArray<string | null>): string => {
  const there = content.filter((each) => each !== null)
  return there.length === 0
    ? ""
    : `<section><h2>${safeText(title)}</h2><div class="grid">${there.join("\n")}</div></section>`
}

const state = (outcome: string | null): string =>
  outcome === null
    ? "never ran"
    : `<span class="state ${safeText(outcome)}">${safeText(outcome === "complete" ? "went well" : outcome)}</span>`

const freshnessRow = (row: Freshness, now: string): string => {
  const when = (time: string | null) =>
    time === null ? "never" : `<time datetime="${safeText(time)}">${safeText(ago(time, now))}</time>`
  const fault =
    row.error === null || row.last_attempt_outcome === "complete"
      ? ""
      : `<br><span class="fault">${safeText(row.error)}</span>`
  const counts = [row.conversations, row.conversations_incomplete, row.changes_open, row.quarantined]
  return `<tr><th scope="row">${safeText(row.connection)}<br><small>${safeText(row.provider)}</small></th><td>${state(
    row.last_attempt_outcome
  )}${fault}</td><td>${when(row.last_attempt_at)}</td><td>${when(row.last_complete_sync_at)}</td><td>${when(
    row.newest_message_at
  )}</td>${counts.map((count) => `<td class="n">${number(count)}</td>`).join("")}</tr>`
}

const freshness = ({ freshness: rows, generatedAt }: ReportData): string | null =>
  rows.length === 0
    ? null
    : `<div class="card wide"><h3>Connections</h3><div class="scroll" tabindex="0" role="region" aria-label="Connections"><table><caption>How current and how whole the mirror is, as of this report</caption>
<thead><tr><th scope="col">connection</th><th scope="col">last attempt</th><th scope="col">when</th><th scope="col">last complete sync</th><th scope="col">newest message</th><th scope="col" class="n">conversations</th><th scope="col" class="n">incomplete</th><th scope="col" class="n">open changes</th><th scope="col" class="n">in quarantine</th></tr></thead>
<tbody>${rows.map((row) => freshnessRow(row, generatedAt)).join("")}</tbody></table></div></div>`

const span = ({ volume }: ReportData): string => {
  const first = volume[0]?.day
  const last = volume.at(-1)?.day
  return first === undefined || last === undefined
    ? ""
    : first === last
      ? `Conversations of ${day(first)}. `
      : `Conversations from ${day(first)} to ${day(last)}. `
}

/** The whole page: one file that loads nothing else. It contains no message, name, address or number. */
export const reportPage = (data: ReportData): string => {
  const sections = [
    section("Volume", [figures.volume(data), figures.channels(data), figures.answeredBy(data)]),
    section("Outcomes", [
      figures.outcomes(data),
      figures.weekly(data),
      figures.qualified(data),
      figures.waiting(data)
    ]),
    section("Response times", [figures.answerTimes(data), figures.channelTimes(data), figures.hours(data)]),
    section("Freshness and health", [freshness(data), figures.runs(data)])
  ]
  const body =
    data.totals.conversations === 0
      ? `<p class="nothing">There are no conversations in the mirror yet: run <code>parley sync</code>.</p>${sections.at(-1)}`
      : `<dl class="tiles">${tiles(data).map(tile).join("")}</dl>${sections.join("\n")}`
  return `${reportMark} ${packageJson.version}"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>Conversations: a report by Parley</title><style>${style}</style></head>
<body><header><h1>Conversations</h1><p>${span(data)}Read from the mirror on ${moment(data.generatedAt)}.</p></header>
<main>${body}</main>
<footer>Made by Parley ${packageJson.version}. Days and hours are UTC. The numbers of each plot are below it; what they mean is in the mirror's table <code>dictionary</code>.</footer></body></html>
`
}
