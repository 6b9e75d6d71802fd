import { statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { parseEnv } from "node:util"
import { Effect, Either } from "effect"
import { isRecord } from "../domain/isRecord.ts"
import type { BusinessTime } from "../domain/localTime.ts"
import type { Retention } from "../domain/Retention.ts"
import { fileFaults } from "../files/faults.ts"
import { readRegular } from "../files/readRegular.ts"
import { type Config, ConfigError, type ConnectionConfig, type Fault, type Registry } from "./Config.ts"
import { readConnection } from "./connection.ts"
import { suggestion } from "./nearest.ts"
import { readNotify } from "./notify.ts"
import { Document } from "./schema.ts"
import { decode, type Report } from "./schemaFaults.ts"
import { keysOf } from "./schemaKeys.ts"
import { type Environment, resolveVariables } from "./variables.ts"
import { formatPath, parseYaml } from "./yamlSource.ts"

export interface LoadOptions {
  readonly registry: Registry
  /** `--config`; null: `$PARLEY_CONFIG`, else `config/parley.yaml`. */
  readonly config: string | null
  /** `--db`, from the current folder; null: what the configuration says. */
  readonly database: string | null
  readonly cwd: string
  readonly environment: Environment
}

const TopKeys = Document.pick("businessHours", "timeZone")
const KeepKeys = Document.pick("keep")

const defaultPath = "config/parley.yaml"

/** The file to read, as the user calls it. */
export const configPath = ({ config, environment }: Pick<LoadOptions, "config" | "environment">): string =>
  config ?? (environment.PARLEY_CONFIG || defaultPath)

/** What to say of a file that could not be read; `code` is the system's, such as `ENOENT`. */
export const unreadable = (path: string, code: string): string => {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "no such file; `parley init` writes one, or name another with --config FILE"
    case "EISDIR":
      return `a folder, not a file; name the file in it, such as ${join(path, "parley.yaml")}`
    case "EACCES":
    case "EPERM":
      return `no permission to read it; allow that with: chmod u+r ${path}`
    case "ENCODING":
      return "not text in UTF-8; save it again in that encoding"
    case "NOT_REGULAR":
    case "ENXIO":
      return "a named pipe or a device, not a file; put a file in its place"
    default: {
      const fault = fileFaults[code]
      return fault === undefined
        ? `cannot be read (${code}); name another with --config FILE`
        : `cannot be read: ${fault.what}; ${fault.advice.charAt(0).toLowerCase()}${fault.advice.slice(1)}`
    }
  }
}

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown reason"

/** A file's text, or the system's code for why there is none. */
const readText = (path: string): Either.Either<string, string> =>
  Either.flatMap(Either.try({ try: () => readRegular(path), catch: codeOf }), (bytes) =>
    Either.try({
      try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
      catch: () => "ENCODING"
    })
  )

interface Source {
  readonly path: string
  /** The folder that relative paths in the file start at. */
  readonly folder: string
  readonly document: Readonly<Record<string, unknown>>
  readonly environment: Environment
  readonly dotenv: string
  readonly faults: Array<Fault>
  readonly report: Report
}

/** Who besides its owner can read the secrets in a file; null: no one. */
const exposed = (dotenv: string, absolute: string): string | null => {
  const stats = statSync(absolute, { throwIfNoEntry: false })
  if (stats === undefined || process.platform === "win32" || (stats.mode & 0o044) === 0) return null
  const who = (stats.mode & 0o004) === 0 ? "its group" : "every user of this machine"
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0")
  return `${dotenv} has the mode ${mode}: ${who} can read the secrets in it; end that with: chmod 600 ${dotenv}`
}

/** The variables that can be put in; what is set in the environment itself wins over the file. */
const readEnvironment = (options: LoadOptions, dotenv: string, absolute: string, faults: Array<Fault>) => {
  const text = readText(absolute)
  if (Either.isRight(text)) return { ...parseEnv(text.right), ...options.environment }
  if (text.left !== "ENOENT") {
    const message =
      text.left === "EISDIR"
        ? "a folder, not a file; move it away, and write the variables into a file of this name"
        : unreadable(dotenv, text.left)
    faults.push({ file: dotenv, line: null, where: "", message })
  }
  return options.environment
}

const readSource = (options: LoadOptions): Either.Either<Source, ConfigError> => {
  const path = configPath(options)
  const absolute = resolve(options.cwd, path)
  const faults: Array<Fault> = []
  const fail = (line: number | null, where: string, message: string) =>
    Either.left(new ConfigError({ faults: [...faults, { file: path, line, where, message }] }))

  const text = readText(absolute)
  if (Either.isLeft(text)) return fail(null, "", unreadable(path, text.left))
  const yaml = parseYaml(text.right)
  faults.push(...yaml.faults.map((fault) => ({ file: path, ...fault })))
  if (!yaml.readable) return Either.left(new ConfigError({ faults }))
  const { value } = yaml
  if (value === undefined || value === null) {
    return fail(1, "", "nothing is written in it; delete it and let `parley init` write one")
  }
  if (!isRecord(value)) {
    return fail(1, "", "expected the keys database: and connections: at the left margin")
  }
  const dotenv = join(dirname(path), ".env")
  return Either.right({
    path,
    folder: dirname(absolute),
    document: value,
    environment: readEnvironment(options, dotenv, join(dirname(absolute), ".env"), faults),
    dotenv,
    faults,
    report: (at, message) => {
      faults.push({ file: path, line: yaml.lineOf(at), where: formatPath(at), message })
    }
  })
}

/** The mirror's file, absolute; null where something was reported. */
const readDatabase = (source: Source, options: LoadOptions): string | null => {
  if (options.database !== null) return resolve(options.cwd, options.database)
  const { database } = source.document
  if (typeof database !== "string" || database === "") {
    const state = "database" in source.document ? "expected the path of a file" : "missing"
    source.report(["database"], `${state}; write database: ../parley.db, or give --db FILE`)
    return null
  }
  const { text, faults } = resolveVariables(database, source.environment, source.dotenv)
  for (const fault of faults) source.report(["database"], fault)
  if (text.includes("\0")) {
    source.report(["database"], "no path holds the character NUL; write another one")
    return null
  }
  return faults.length > 0 ? null : resolve(source.folder, text)
}

const readBusinessTime = (source: Source): BusinessTime => {
  const { businessHours, timeZone } = source.document
  const decoded = decode(TopKeys, { businessHours, timeZone }, source.report)
  return { timeZone: decoded?.timeZone ?? "UTC", businessHours: decoded?.businessHours ?? null }
}

const readKeep = (source: Source): Retention => {
  const { keep } = source.document
  const { ledger = null, messages = null, raw = null } = decode(KeepKeys, { keep }, source.report)?.keep ?? {}
  return { messages, raw, ledger }
}

const reportUnknownKeys = (source: Source): void => {
  const names = keysOf(Document).map(({ name }) => name)
  for (const name of Object.keys(source.document)) {
    if (!names.includes(name)) source.report([name], `unknown key${suggestion(name, names)}`)
  }
}

const reportTwins = (source: Source, entries: ReadonlyArray<unknown>): void => {
  const first = new Map<string, number>()
  entries.forEach((entry, index) => {
    const name = isRecord(entry) ? entry.name : undefined
    if (typeof name !== "string") return
    const other = first.get(name)
    if (other === undefined) first.set(name, index)
    else {
      const path = ["connections", index, "name"]
      source.report(path, `connections[${other}] has this name too; give each connection its own`)
    }
  })
}

const readConnections = (source: Source, registry: Registry): ReadonlyArray<ConnectionConfig> => {
  const { connections } = source.document
  const entries = decode(Document.fields.connections, connections, (_path, message) =>
    source.report(["connections"], connections === undefined ? `missing; ${message}` : message)
  )
  if (entries === null) return []
  const context = { registry, environment: source.environment, dotenv: source.dotenv }
  const read = entries.map((entry, index) =>
    readConnection(entry, context, (path, message) => source.report(["connections", index, ...path], message))
  )
  reportTwins(source, entries)
  return read.filter((connection) => connection !== null)
}

const inOrder = (faults: ReadonlyArray<Fault>): ReadonlyArray<Fault> =>
  [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0))

/** Reads and decodes the configuration. Everything that is wrong with it is in the one error. */
export const loadConfig = (options: LoadOptions): Effect.Effect<Config, ConfigError> =>
  Effect.gen(function* () {
    const source = yield* readSource(options)
    const database = readDatabase(source, options)
    reportUnknownKeys(source)
    const businessTime = readBusinessTime(source)
    const keep = readKeep(source)
    const notify = readNotify(source.document.notify, source, (path, message) =>
      source.report(["notify", ...path], message)
    )
    const connections = readConnections(source, options.registry).map((each) => ({
      ...each,
      businessTime,
      keep
    }))
    if (source.faults.length > 0 || database === null) {
      return yield* new ConfigError({ faults: inOrder(source.faults) })
    }
    const warning = exposed(source.dotenv, join(source.folder, ".env"))
    return { path: source.path, database, connections, notify, warnings: warning === null ? [] : [warning] }
  })

/**
 * Where the mirror is, for commands that only read it: `--db`, else what the configuration says. Its connections, and
 * the secrets they need, are not looked at.
 */
export const loadDatabasePath = (options: LoadOptions): Effect.Effect<string, ConfigError> =>
  Effect.gen(function* () {
    if (options.database !== null) return resolve(options.cwd, options.database)
    const source = yield* readSource(options)
    const database = readDatabase(source, options)
    return database ?? (yield* new ConfigError({ faults: inOrder(source.faults) }))
  })
