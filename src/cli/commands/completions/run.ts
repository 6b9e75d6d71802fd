import { Effect } from "effect"
import { suggestion } from "../../../config/nearest.ts"
import type { Verb } from "../../command.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { everywhere } from "../../root.ts"
import { Output } from "../../terminal/Output.ts"
import { type CompletionsInput, shells } from "./index.ts"

/** A place on the command line, and what can stand there. */
interface Place {
  /** The verbs before it: `changes list`; empty: none. */
  readonly path: string
  readonly words: ReadonlyArray<{ readonly word: string; readonly text: string }>
}

const firstSentence = (text: string): string => text.split(/(?<=\.) /, 1)[0] ?? text

const placesOf = <R>(verbs: ReadonlyArray<Verb<R>>, path: string): ReadonlyArray<Place> =>
  verbs.flatMap((verb) => {
    const here = path === "" ? verb.name : `${path} ${verb.name}`
    // A group stands for its usual verb.
    const usual = verb.children.find(({ name }) => name === verb.otherwise)
    const flags = [...verb.flags, ...(usual?.flags ?? []), ...everywhere]
    const words = [
      ...verb.children.map(({ description, name }) => ({ word: name, text: firstSentence(description) })),
      ...flags.map(({ name, text }) => ({ word: name, text: firstSentence(text) }))
    ]
    return [{ path: here, words }, ...placesOf(verb.children, here)]
  })

const cases = (places: ReadonlyArray<Place>): string =>
  places
    .map(({ path, words }) => `    "${path}") words="${words.map(({ word }) => word).join(" ")}" ;;`)
    .join("\n")

const bash = (places: ReadonlyArray<Place>): string => `# parley completions for bash
_parley() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words="" path="" word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    next="\${path:+$path }$word"
    case "$next" in
${places
  .filter(({ path }) => path !== "")
  .map(({ path }) => `      "${path}") path="$next" ;;`)
  .join("\n")}
    esac
  done
  case "$path" in
${cases(places)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ -z "$COMPREPLY" ]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -F _parley parley
`

const zsh = (places: ReadonlyArray<Place>): string =>
  `#compdef parley\nautoload -U +X bashcompinit && bashcompinit\n${bash(places)}`

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`

const fish = (places: ReadonlyArray<Place>): string => {
  const lines = places.flatMap(({ path, words }) => {
    const seen = path.split(" ").map((verb) => `__fish_seen_subcommand_from ${verb}`)
    const when = path === "" ? "__fish_use_subcommand" : seen.join("; and ")
    return words.map(({ text, word }) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`
      return `complete -c parley -n ${quoted(when)} ${what} -d ${quoted(text)}`
    })
  })
  return ["# parley completions for fish", ...lines, ""].join("\n")
}

const scripts = { bash, zsh, fish }

const isShell = (word: string): word is keyof typeof scripts => Object.hasOwn(scripts, word)

export const completions = Effect.fn("completions")(function* ({ shell }: CompletionsInput) {
  const output = yield* Output
  if (!isShell(shell)) {
    return yield* new UsageError({
      message: `there are no completions for "${shell}"${suggestion(shell, shells)}`,
      hint: `write one of ${shells.join(", ")}`
    })
  }
  const { verbs } = yield* Effect.promise(() => import("../index.ts"))
  const top: Place = {
    path: "",
    words: [
      ...verbs.map(({ description, name }) => ({ word: name, text: firstSentence(description) })),
      { word: "help", text: "Describes a verb." },
      ...everywhere.map(({ name, text }) => ({ word: name, text: firstSentence(text) }))
    ]
  }
  // As a piece: the program's name stays as the shell knows it.
  yield* output.piece(scripts[shell]([top, ...placesOf(verbs, "")]))
  return exitCodes.complete
})
