import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { hex, mix, pick, unit } from "./random.ts"
import { type Language, languages } from "./texts.ts"

/** Who says a line. `human` is a person on the business's side who took over from the agent. */
export type Speaker = "customer" | "agent" | "human" | "system"

/** One thing that was said. `hash` decides what is left open, e.g. the type of message. */
export interface Line {
  /** Epoch milliseconds; two lines may share an instant. */
  readonly at: number
  /** The same in seconds, but never the same twice within a conversation. */
  readonly tick: number
  readonly by: Speaker
  readonly text: string
  readonly hash: number
}

/** All that is needed to make a conversation's lines, always the same ones. Times are epoch milliseconds. */
export interface Plan {
  readonly key: number
  readonly count: number
  readonly startedAt: number
  readonly lastAt: number
  /** A person takes over in the last part. */
  readonly handedOff: boolean
}

/** Where texts come from: how many lines a conversation has, and who says what. */
export interface Library {
  readonly count: (key: number) => number
  readonly said: (
    plan: Plan
  ) => (position: number, hash: number) => { readonly by: Speaker; readonly text: string }
}

const languageOf = (key: number): Language => pick(languages, mix(key, 11))

type Template = ReadonlyArray<string>
const compiled = new Map<string, Template>()
const compile = (text: string): Template => {
  const known = compiled.get(text)
  if (known !== undefined) return known
  const parts = text.split(/[{}]/)
  compiled.set(text, parts)
  return parts
}

const fill = (text: string, language: Language, hash: number): string => {
  const parts = compile(text)
  if (parts.length === 1) return text
  let filled = ""
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string
    if (i % 2 === 0) filled += part
    else if (part === "code") filled += `${hex(hash, 4).toUpperCase()}-{${hash % 97}}`
    else filled += pick(language.slots[part] ?? [part], mix(hash, i))
  }
  return filled
}

/** About one conversation in forty has no message yet, one in five hundred has hundreds; the mean is near 17. */
const generatedCount = (key: number): number => {
  const kind = unit(mix(key, 1))
  if (kind < 0.025) return 0
  if (kind < 0.027) return 250 + (mix(key, 2) % 500)
  return 2 + Math.floor(-Math.log(1 - unit(mix(key, 3))) * 13.9)
}

/** Dialogues made up from sentences in five languages. */
export const generated: Library = {
  count: generatedCount,
  said: (plan) => {
    const language = languageOf(plan.key)
    const agentOpens = mix(plan.key, 5) % 3 === 0
    const takeOver = plan.handedOff ? Math.floor(plan.count * 0.7) : plan.count
    return (position, hash) => {
      const doubled = position > 0 && hash % 11 === 0
      const customer = (position + (agentOpens ? 1 : 0) + (doubled ? 1 : 0)) % 2 === 0
      if (position === takeOver) return { by: "system", text: "Conversation assigned to the team." }
      const by = customer ? "customer" : position > takeOver ? "human" : "agent"
      const last = position === plan.count - 1
      const list = position === 0 && customer ? language.opening : last ? language.closing : language[by]
      let text = fill(pick(list, mix(hash, 1)), language, mix(hash, 2))
      const more = by === "customer" ? hash % 3 === 0 : hash % 2 === 0
      if (more && !last) text += ` ${fill(pick(language[by], mix(hash, 3)), language, mix(hash, 4))}`
      return { by, text }
    }
  }
}

interface Dialogue {
  readonly turns: ReadonlyArray<readonly [number, string]>
}

/**
 * Dialogues from a file of gzipped JSON lines, `{"turns": [[0, "customer says"], [1, "assistant says"], ...]}`.
 * Reads the whole file; throws what the file system throws where it cannot be read.
 */
export const loadDialogues = (path: string): Library => {
  const dialogues = gunzipSync(readFileSync(path))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as Dialogue).turns)
  const turnsOf = (key: number) => pick(dialogues, mix(key, 1))
  return {
    count: (key) => turnsOf(key).length,
    said: (plan) => {
      const turns = turnsOf(plan.key)
      return (position) => {
        const [speaker, text] = turns[position % turns.length] ?? [0, ""]
        return { by: speaker === 0 ? "customer" : "agent", text }
      }
    }
  }
}

const day = 86_400_000

/** Conversations lie within this many days before the world's beginning. */
const historyDays = 60

/** The plan of conversation number `index`. `now` is epoch milliseconds; nothing was said in its last minute. */
export const planConversation = (library: Library, key: number, now: number): Plan => {
  const count = library.count(key)
  const pace = 15_000 + Math.floor(unit(mix(key, 21)) ** 3 * 1_200_000)
  const lasts = Math.min(Math.max(0, count - 1) * pace, 5 * day)
  // The newest are more frequent than an even spread would have it, as anything that is worked on every day.
  const age = 60_000 + Math.floor(unit(mix(key, 22)) ** 1.3 * (historyDays * day - lasts - 120_000))
  const lastAt = Math.floor((now - age) / 1000) * 1000
  return { key, count, startedAt: lastAt - lasts, lastAt, handedOff: mix(key, 23) % 6 === 0 }
}

/** When line `position` of a plan is said: evenly spread, with a shake, and now and then two in the same instant. */
const timeOf = (plan: Plan, position: number, hash: number): number => {
  if (position === 0) return plan.startedAt
  if (position === plan.count - 1) return plan.lastAt
  const step = (plan.lastAt - plan.startedAt) / (plan.count - 1)
  return Math.floor(
    plan.startedAt + step * position + (hash % 13 === 0 ? 0 : (unit(hash) - 0.5) * step * 0.8)
  )
}

/** A conversation's lines, oldest first. */
export const linesOf = (library: Library, plan: Plan): Array<Line> => {
  const said = library.said(plan)
  const lines: Array<Line> = []
  let previous = plan.startedAt
  let tick = 0
  for (let position = 0; position < plan.count; position++) {
    const hash = mix(plan.key, 1000 + position)
    const { by, text } = said(position, hash)
    const together = position > 0 && position < plan.count - 1 && hash % 29 === 0
    const at = together ? previous : Math.max(previous, timeOf(plan, position, hash))
    previous = at
    tick = Math.max(tick + 1, Math.floor(at / 1000))
    lines.push({ at, tick, by, text, hash })
  }
  return lines
}

/** One more line after those that are there, at `when` (epoch milliseconds) or, if that is earlier, with the last one. */
export const nextLine = (
  library: Library,
  key: number,
  lines: ReadonlyArray<Line>,
  when: number,
  given: { readonly by?: Speaker | undefined; readonly text?: string | undefined }
): Line => {
  const position = lines.length
  const last = lines.at(-1)
  const at = Math.max(when, last?.at ?? when)
  const hash = mix(key, 1000 + position)
  // Room for more lines behind it keeps it from being a farewell.
  const plan: Plan = { key, count: position + 2, startedAt: at, lastAt: at, handedOff: false }
  const { by, text } = library.said(plan)(position, hash)
  const tick = Math.max((last?.tick ?? 0) + 1, Math.floor(at / 1000))
  return { at, tick, by: given.by ?? by, text: given.text ?? text, hash }
}

/** The text of the last line, without making the others; null where there is none. */
export const lastText = (library: Library, plan: Plan): string | null =>
  plan.count === 0 ? null : library.said(plan)(plan.count - 1, mix(plan.key, 999 + plan.count)).text

/** A person, always the same for the same key. Names, numbers and addresses are made up; no such number exists. */
export interface Person {
  readonly firstName: string
  readonly lastName: string
  readonly name: string
  readonly email: string | null
  readonly phone: string
  readonly language: Language
}

export const personOf = (key: number): Person => {
  const language = languageOf(key)
  const firstName = pick(language.firstNames, mix(key, 31))
  const lastName = pick(language.lastNames, mix(key, 32))
  const number = mix(key, 33) % 10_000_000
  return {
    firstName,
    lastName,
    name: language.code === "zh" ? `${lastName}${firstName}` : `${firstName} ${lastName}`,
    email: mix(key, 34) % 4 === 0 ? null : `person.${number}@example.com`,
    phone: `${language.dialCode}555${String(number).padStart(7, "0")}`,
    language
  }
}
