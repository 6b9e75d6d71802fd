import type { TranscriptHead, TranscriptMessage } from "../../../store/read/transcript.ts"
import { counted, grouped } from "../../terminal/numbers.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { shortTime } from "../../terminal/times.ts"
import { wrap } from "../../terminal/width.ts"

/** A conversation with the messages that are shown of it. */
export interface Shown {
  readonly head: TranscriptHead
  readonly messages: ReadonlyArray<TranscriptMessage>
}

const contactText = ({ contact }: TranscriptHead): string => {
  const known = [contact?.name, contact?.email, contact?.phone].flatMap((text) => text || [])
  return known.length === 0 ? "not known" : known.map(oneLine).join(", ")
}

const statusText = ({ change_state, provider, provider_status, remote_status, status }: TranscriptHead) => {
  const word = provider_status === null ? "" : ` ("${oneLine(provider_status)}")`
  const here = change_state === null ? "" : `; wanted here: ${status}, change ${change_state}`
  return `${remote_status}${word} at ${provider}${here}`
}

const amountText = ({ head, messages }: Shown): string => {
  const { declared_messages: declared, expired_messages: expired, stored_messages: stored } = head
  const missing = declared !== null && declared > stored + expired ? ` of ${grouped(declared)}` : ""
  const left = messages.length < stored ? `, the last ${grouped(messages.length)} shown` : ""
  return `${counted(stored, "message")}${missing} stored${left}${expired === 0 ? "" : `, ${grouped(expired)} let go because of their age`}`
}

/** What there is to say of it, as labels and values. */
const facts = (shown: Shown): ReadonlyArray<readonly [string, string]> => {
  const { head } = shown
  const optional: ReadonlyArray<readonly [string, string | null]> = [
    ["title", head.title],
    ["summary", head.summary],
    ["tags", head.tags.length === 0 ? null : head.tags.join(", ")],
    ["qualified", head.qualified === null ? null : head.qualified === 1 ? "yes" : "no"],
    ["deleted", head.deleted_at === null ? null : `at the provider, noticed ${shortTime(head.deleted_at)}`],
    ["merged into", head.merged_into]
  ]
  return [
    ["contact", contactText(head)],
    ["channel", oneLine(head.channel ?? "not known")],
    ["status", statusText(head)],
    ["began", shortTime(head.started_at)],
    ["messages", amountText(shown)],
    ...optional.flatMap(([label, text]) => (text === null ? [] : [[label, oneLine(text)] as const]))
  ]
}

const typeText = ({ type }: TranscriptMessage): string => (type === "text" ? "" : `, ${oneLine(type)}`)

const contentLines = ({ content, type }: TranscriptMessage): ReadonlyArray<string> =>
  content === null || content === "" ? [`(${oneLine(type)}, without text)`] : content.split(/\r\n|[\r\n]/)

const labelColumns = 13
const indent = "  "

/** @param room columns of the terminal; null: not a terminal, and nothing is wrapped */
export const showText = (shown: Shown, room: number | null): string => {
  const { head, messages } = shown
  const fold = (text: string, columns: number) => (room === null ? [text] : wrap(text, columns))
  return [
    head.id,
    ...facts(shown).flatMap(([label, text]) =>
      fold(text, (room ?? 0) - labelColumns).map(
        (line, at) => (at === 0 ? label : "").padEnd(labelColumns) + line
      )
    ),
    ...messages.flatMap((message) => [
      "",
      `${shortTime(message.sent_at)}  ${message.role}${typeText(message)}`,
      ...contentLines(message)
        .flatMap((line) => fold(line, (room ?? 0) - indent.length))
        .map((line) => indent + line)
    ])
  ].join("\n")
}

/** Text that is shown as it is, whatever Markdown it looks like. */
const escaped = (text: string): string =>
  text.replace(/[\\`*_[\]<>~|]/g, "\\$&").replace(/^(\s*)([#+=-]|\d+[.)])/, "$1\\$2")

export const showMarkdown = (shown: Shown): string => {
  const { head, messages } = shown
  return [
    `# ${escaped(oneLine(head.title ?? head.id))}`,
    "",
    `- id: \`${head.id}\``,
    ...facts(shown).map(([label, text]) => `- ${label}: ${escaped(text)}`),
    ...messages.flatMap((message) => [
      "",
      `**${message.role}**, ${shortTime(message.sent_at)}${escaped(typeText(message))}`,
      "",
      // A line of a quotation that ends with two spaces is a line of its own.
      ...contentLines(message).map((line) => `> ${escaped(line)}  `)
    ])
  ].join("\n")
}
