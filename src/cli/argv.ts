import { Either } from "effect"
import { nearest, suggestion } from "../config/nearest.ts"
import type { Flag, Verb } from "./command.ts"
import { UsageError } from "./errors.ts"

/*
 * @effect/cli wants each option where it belongs and before all arguments. People write them anywhere: here the words
 * of a command line are put into the order that it understands, and unknown words are reported with what was
 * probably meant.
 */

/** What a command line asks for. */
export type Request<R> =
  | { readonly _tag: "Help"; readonly path: ReadonlyArray<Verb<R>> }
  | { readonly _tag: "Version" }
  | {
      readonly _tag: "Run"
      readonly path: ReadonlyArray<Verb<R>>
      readonly verb: Verb<R>
      /** `--log-level`, which belongs to all of the program. */
      readonly logLevel: string | null
      /** For @effect/cli: options with their values, then `--`, then the arguments. */
      readonly args: ReadonlyArray<string>
    }

interface Given {
  readonly flag: Flag
  readonly words: ReadonlyArray<string>
}

const fail = (message: string, hint: string) => Either.left(new UsageError({ message, hint }))

const helpOf = <R>(path: ReadonlyArray<Verb<R>>): string =>
  `see ${["parley", ...path.map(({ name }) => name), "--help"].join(" ")}`

/** The flags that may stand behind these verbs: a group's are those of the verbs below it. */
const flagsOf = <R>({ children, flags }: Verb<R>): ReadonlyArray<Flag> => [
  ...flags,
  ...children.flatMap(flagsOf)
]

const isFlag = (word: string): boolean => /^-[^\s]+$/.test(word) && !/^-\d/.test(word)

const isHelp = (word: string): boolean => word === "--help" || word === "-h"

/** Whether a flag's next word can be its value: a flag that is known is not. */
const isValue = (word: string | undefined, known: ReadonlyArray<Flag>): word is string =>
  word !== undefined && !isHelp(word) && !known.some(({ name }) => name === word.split("=")[0])

const readVerb = <R>(word: string, verbs: ReadonlyArray<Verb<R>>, path: ReadonlyArray<Verb<R>>) => {
  const found = verbs.find(({ name }) => name === word)
  if (found !== undefined) return Either.right(found)
  const group = path.map(({ name }) => `${name} `).join("")
  return fail(
    `there is no "${group}${word}"${suggestion(
      word,
      verbs.map(({ name }) => name)
    )}`,
    helpOf(path)
  )
}

const unknownFlag = <R>(
  name: string,
  verbs: ReadonlyArray<Verb<R>>,
  path: ReadonlyArray<Verb<R>>,
  known: ReadonlyArray<Flag>
) => {
  const owner =
    path.length === 0 ? verbs.find((verb) => flagsOf(verb).some((flag) => flag.name === name)) : undefined
  if (owner !== undefined) {
    return fail(
      `${name} is an option of "${owner.name}"`,
      `write it behind that word: parley ${owner.name} ${name}`
    )
  }
  const near = nearest(
    name,
    known.map((flag) => flag.name)
  )
  const verb = path.map((entry) => ` ${entry.name}`).join("")
  return fail(
    `parley${verb} has no option ${name}${near === null ? "" : `; did you mean ${near}?`}`,
    `${helpOf(path)}; an argument that begins with a hyphen comes after --`
  )
}

const readFlag = <R>(
  word: string,
  next: string | undefined,
  context: {
    readonly verbs: ReadonlyArray<Verb<R>>
    readonly path: ReadonlyArray<Verb<R>>
    readonly known: ReadonlyArray<Flag>
  }
): Either.Either<Given & { readonly consumed: number }, UsageError> => {
  const equals = word.indexOf("=")
  const name = equals === -1 ? word : word.slice(0, equals)
  const inline = equals === -1 ? undefined : word.slice(equals + 1)
  const flag = context.known.find((candidate) => candidate.name === name)
  if (flag === undefined) return unknownFlag(name, context.verbs, context.path, context.known)
  if (!flag.takesValue) {
    // Said in full, so that the words of all flags go in pairs.
    return Either.right({ flag, words: [flag.name, inline ?? "true"], consumed: 1 })
  }
  if (inline !== undefined) return Either.right({ flag, words: [flag.name, inline], consumed: 1 })
  return isValue(next, context.known)
    ? Either.right({ flag, words: [flag.name, next], consumed: 2 })
    : fail(`${flag.name} needs a value: ${flag.label}`, helpOf(context.path))
}

/** A group stands for its usual verb, and a flag belongs to the verb it was given to. */
const settle = <R>(
  path: ReadonlyArray<Verb<R>>,
  globals: ReadonlyArray<Flag>,
  given: ReadonlyArray<Given>
) => {
  const last = path.at(-1)
  const usual = last?.children.find(({ name }) => name === last.otherwise)
  const verb = usual ?? last
  if (verb === undefined) return Either.left(new UsageError({ message: "", hint: "" }))
  const full = usual === undefined ? path : [...path, usual]
  const allowed = [...globals, ...verb.flags]
  const seen = new Set<string>()
  for (const { flag } of given) {
    if (!allowed.includes(flag)) return unknownFlag(flag.name, [], full, allowed)
    if (seen.has(flag.name) && !flag.repeatable) return fail(`${flag.name} is given twice`, "give it once")
    seen.add(flag.name)
  }
  return Either.right({ verb, path: full })
}

/**
 * @param argv what follows the program's name
 * @param verbs all verbs there are
 * @param globals the flags that every verb takes, before or after it; `--log-level` among them
 */
export const readArgv = <R>(
  argv: ReadonlyArray<string>,
  verbs: ReadonlyArray<Verb<R>>,
  globals: ReadonlyArray<Flag>
): Either.Either<Request<R>, UsageError> => {
  const path: Array<Verb<R>> = []
  const given: Array<Given> = []
  const args: Array<string> = []
  let isAsking = false
  for (let index = 0; index < argv.length; ) {
    const word = argv[index] ?? ""
    const last = path.at(-1)
    if (word === "--") {
      args.push(...argv.slice(index + 1))
      break
    }
    if (isHelp(word)) return Either.right({ _tag: "Help", path })
    if ((word === "--version" || word === "-V") && last === undefined)
      return Either.right({ _tag: "Version" })
    if (isFlag(word)) {
      const known = [...globals, ...(last === undefined ? [] : flagsOf(last))]
      const flag = readFlag(word, argv[index + 1], { verbs, path, known })
      if (Either.isLeft(flag)) return Either.left(flag.left)
      given.push(flag.right)
      index += flag.right.consumed
      continue
    }
    index += 1
    // `help sync` is `sync --help`.
    if (word === "help" && last === undefined && !isAsking) {
      isAsking = true
      continue
    }
    const choices = last === undefined ? verbs : last.children
    if (isAsking && choices.length === 0) {
      return fail(`"${word}" is none of the verbs of "${last?.name ?? ""}"`, helpOf(path))
    }
    if (choices.length === 0) {
      args.push(word)
      continue
    }
    const verb = readVerb(word, choices, path)
    if (Either.isLeft(verb)) return Either.left(verb.left)
    path.push(verb.right)
  }
  if (isAsking || path.length === 0) return Either.right({ _tag: "Help", path })
  return Either.map(settle(path, globals, given), (settled) => ({
    _tag: "Run" as const,
    path: settled.path,
    verb: settled.verb,
    logLevel: given.find(({ flag }) => flag.name === "--log-level")?.words[1] ?? null,
    args: [
      ...given.filter(({ flag }) => flag.name !== "--log-level").flatMap(({ words }) => words),
      "--",
      ...args
    ]
  }))
}
