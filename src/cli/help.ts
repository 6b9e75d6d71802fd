import { present } from "../domain/present.ts"
import type { Flag, Verb } from "./command.ts"
import type { Described } from "./helpDoc.ts"
import { padEnd, textWidth, wrap } from "./terminal/width.ts"

/** Help reads badly in longer lines than this. */
const widest = 100

const section = (
  title: string,
  entries: ReadonlyArray<Described>,
  columns: number
): ReadonlyArray<string> => {
  if (entries.length === 0) return []
  const labels = entries.map(({ label }) => textWidth(label))
  const labelColumns = Math.min(30, Math.max(...labels))
  const indent = " ".repeat(labelColumns + 4)
  const lines = entries.flatMap(({ label, text }) => {
    const [first = "", ...more] = wrap(text, Math.max(20, columns - indent.length))
    // A long label has a line of its own.
    const head =
      textWidth(label) > labelColumns
        ? [`  ${label}`, `${indent}${first}`]
        : [`  ${padEnd(label, labelColumns)}  ${first}`]
    return [...head, ...more.map((line) => indent + line)].map((line) => line.trimEnd())
  })
  return ["", `${title}:`, ...lines]
}

/** The rest is in the verb's own help. */
const firstSentence = (text: string): string => text.split(/(?<=\.) (?=[A-Z])/, 1)[0] ?? text

const verbEntry = <R>({ args, description, name }: Verb<R>): Described => ({
  label: [name, ...args.map(({ label }) => label)].join(" "),
  text: firstSentence(description)
})

/** `parley --help` */
export const programHelp = <R>(
  verbs: ReadonlyArray<Verb<R>>,
  globals: ReadonlyArray<Flag>,
  columns: number
): string => {
  const width = Math.min(columns, widest)
  return [
    ...wrap(
      "Parley keeps a local SQLite mirror of the conversations that conversational-AI providers hold, and pushes status changes back to them.",
      width
    ),
    "",
    "Usage: parley VERB [OPTIONS] [ARGUMENTS]",
    ...section("Verbs", verbs.map(verbEntry), width),
    ...section("With every verb", globals, width),
    "",
    "parley help VERB describes a verb. New here? parley demo needs no account; parley init sets up yours."
  ].join("\n")
}

/** `parley sync --help` */
export const verbHelp = <R>(
  path: ReadonlyArray<Verb<R>>,
  globals: ReadonlyArray<Flag>,
  columns: number
): string => {
  const width = Math.min(columns, widest)
  const verb = path.at(-1)
  if (verb === undefined) return ""
  const { args, children, description, examples, flags, otherwise } = verb
  const words = ["parley", ...path.map(({ name }) => name)]
  const below = children.length === 0 ? [] : [`[${children.map(({ name }) => name).join("|")}]`]
  const options = flags.length > 0 || children.length > 0 ? ["[OPTIONS]"] : []
  const usage = [...words, ...below, ...options, ...args.map(({ label }) => label)].join(" ")
  return present(
    ...wrap(description, width),
    "",
    `Usage: ${usage}`,
    ...section("Verbs", children.map(verbEntry), width),
    otherwise !== null && ["", `Without one of these: ${otherwise}.`],
    ...section("Arguments", args, width),
    ...section("Options", flags, width),
    ...section("With every verb", globals, width),
    examples.length > 0 && ["", "Examples:", ...examples.map((example) => `  ${example}`)]
  ).join("\n")
}
