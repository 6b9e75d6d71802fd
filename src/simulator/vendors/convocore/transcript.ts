import type { Line } from "../../dialogues.ts"
import { mix } from "../../random.ts"
import type { Fields } from "../../vendor.ts"

/** A message as an export shows it: no id, and a time without a zone. */
export interface ConvocoreMessage {
  readonly from: "user" | "bot"
  readonly message: {
    readonly type: string
    readonly ts: string
    readonly payload: Readonly<Record<string, unknown>>
  }
}

interface ConvocoreTurn {
  readonly from: "user" | "bot"
  readonly messages: ReadonlyArray<unknown>
}

export const messageFields: Fields = { type: "word", ts: "time", payload: "object" }

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]

const ordinal = (day: number): string => {
  const ending = ["th", "st", "nd", "rd"][day % 10] ?? "th"
  return `${day}${day >= 11 && day <= 13 ? "th" : ending}`
}

const two = (value: number) => String(value).padStart(2, "0")

const offsets = new Map<string, number>()

/** Milliseconds that a zone's clock is ahead of UTC. */
const offsetOf = (zone: string, at: number): number => {
  if (zone === "UTC") return 0
  const hour = Math.floor(at / 900_000)
  const name = `${zone} ${hour}`
  const known = offsets.get(name)
  if (known !== undefined) return known
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    timeZoneName: "longOffset"
  }).formatToParts(at)
  const text = parts.find((part) => part.type === "timeZoneName")?.value ?? "GMT"
  const [, sign, hours = "0", minutes = "0"] = /GMT([+-])(\d{2}):(\d{2})/.exec(text) ?? []
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  offsets.set(name, offset)
  return offset
}

/** `December 1st 2024, 10:30:00 am`: the wall clock of a zone that is not named. */
export const exportTime = (at: number, zone: string): string => {
  const wall = new Date(at + offsetOf(zone, at))
  const hour = wall.getUTCHours()
  const date = `${months[wall.getUTCMonth()]} ${ordinal(wall.getUTCDate())} ${wall.getUTCFullYear()}`
  const time = `${hour % 12 === 0 ? 12 : hour % 12}:${two(wall.getUTCMinutes())}:${two(wall.getUTCSeconds())}`
  return `${date}, ${time} ${hour < 12 ? "am" : "pm"}`
}

const bot = (line: Line): { type: string; payload: Readonly<Record<string, unknown>> } => {
  const feedback = mix(line.hash, 81) % 30 === 0 ? "Positive" : "Unset"
  if (line.by === "system") {
    return { type: "info:default", payload: { message: line.text, feedback: "Unset", aiGenerated: false } }
  }
  if (line.by === "human") {
    return { type: "text", payload: { message: line.text, feedback: "Unset", aiGenerated: false } }
  }
  switch (mix(line.hash, 82) % 40) {
    case 0:
      return {
        type: "choice",
        payload: { buttons: [{ name: "Yes" }, { name: "No" }], feedback, aiGenerated: true }
      }
    case 1:
      return {
        type: "visual",
        payload: { image: `https://files.example/${line.hash}.png`, aiGenerated: true }
      }
    case 2:
      return { type: "debug:tell", payload: { message: "route: booking", aiGenerated: false } }
    default:
      return { type: "text", payload: { message: line.text, feedback, aiGenerated: true } }
  }
}

const user = (line: Line): { type: string; payload: Readonly<Record<string, unknown>> } =>
  mix(line.hash, 82) % 60 === 0
    ? { type: "FileUpload", payload: { url: `https://files.example/${line.hash}.pdf`, aiGenerated: false } }
    : { type: "text", payload: { message: line.text, feedback: "Unset", aiGenerated: false } }

export const renderMessage = (line: Line, zone: string): ConvocoreMessage => {
  const customer = line.by === "customer"
  const { type, payload } = customer ? user(line) : bot(line)
  return { from: customer ? "user" : "bot", message: { type, ts: exportTime(line.at, zone), payload } }
}

/** Messages of one speaker in a row are one turn. */
export const toTurns = (
  messages: ReadonlyArray<ConvocoreMessage>,
  change: (message: object, position: number) => unknown
): ReadonlyArray<ConvocoreTurn> => {
  const turns: Array<{ from: "user" | "bot"; messages: Array<unknown> }> = []
  messages.forEach(({ from, message }, position) => {
    const current = turns.at(-1)
    if (current?.from === from) current.messages.push(change(message, position))
    else turns.push({ from, messages: [change(message, position)] })
  })
  return turns
}
