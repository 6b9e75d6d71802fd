import { spawn } from "node:child_process"
import { isIP } from "node:net"
import { dirname, join } from "node:path"
import { Clock, Effect, Either } from "effect"
import type { Config, ConnectionConfig } from "../../../config/Config.ts"
import { parseDuration, spellDuration } from "../../../config/units.ts"
import { present } from "../../../domain/present.ts"
import type { RequestedChange } from "../../../domain/StatusChange.ts"
import { addressText } from "../../../files/listening.ts"
import type { Settings } from "../../../serve/api.ts"
import type { Runs } from "../../../serve/runs.ts"
import { type Elsewhere, serve as startServing } from "../../../serve/serve.ts"
import { rulesOf } from "../../../sync/push/rules.ts"
import { watch } from "../../../sync/watch/watch.ts"
import { loadConfiguration, mirrorPath } from "../../configuration.ts"
import { toUsage, UsageError } from "../../errors.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { version } from "../../root.ts"
import { answer } from "../../terminal/answer.ts"
import { Output } from "../../terminal/Output.ts"
import { readHintAddress, takeHints } from "../watch/listening.ts"
import type { ServeInput } from "./index.ts"

/** Holds the token of a page that is reached through a proxy. */
const tokenVariable = "PARLEY_SERVE_TOKEN"
const shortestToken = 32

const usage = (message: string, hint: string) => new UsageError({ message, hint })

const loopback = (address: string): boolean => address === "::1" || /^127\./.test(address)

const readUrl = (text: string): Either.Either<URL, UsageError> =>
  Either.try({
    try: () => {
      const url = new URL(text)
      if (!/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.username !== "") throw new Error()
      return url
    },
    catch: () =>
      usage(
        `--behind-proxy: "${text}" is not an address of a page`,
        "write one such as https://parley.example"
      )
  })

/** Null: this machine alone. */
const readElsewhere = (
  { behindProxy, host }: ServeInput,
  token: string | undefined
): Either.Either<Elsewhere | null, UsageError> =>
  Either.gen(function* () {
    const address = host ?? "127.0.0.1"
    if (isIP(address) === 0) {
      return yield* Either.left(
        usage(`--host: "${address}" is not an IP address`, "write one such as 10.0.0.5")
      )
    }
    if (behindProxy === null) {
      return loopback(address)
        ? null
        : yield* Either.left(
            usage(
              `--host ${address} would show everything to whoever reaches it`,
              `put a proxy that knows its users in front, and name its address with --behind-proxy; on this machine alone, leave --host out`
            )
          )
    }
    if (token === undefined || token.length < shortestToken) {
      return yield* Either.left(
        usage(
          `${tokenVariable} holds no token of at least ${shortestToken} characters`,
          `set it, for example to what \`openssl rand -hex 32\` prints; browsers are let in by it`
        )
      )
    }
    return { host: address, origin: yield* readUrl(behindProxy), token }
  })

/** Milliseconds; null: no schedule. */
const readInterval = (text: string | null): Either.Either<number | null, UsageError> => {
  if (text === null) return Either.right(null)
  const millis = parseDuration(text)
  return millis === null || millis < 1_000
    ? Either.left(
        usage(`--watch: "${text}" is not an interval`, "write a number and a unit, such as 30s, 5m, 2h")
      )
    : Either.right(millis)
}

const plain: RequestedChange = { status: null, category: null, summary: null, title: null, tags: [] }

/** What a change of a connection's conversations may carry beside a status: what the provider does not refuse. */
const fieldsOf = (config: ConnectionConfig) =>
  Effect.map(rulesOf(config), ({ refuse }) => {
    const takes = (more: Partial<RequestedChange>) =>
      refuse({ ...plain, status: "completed", ...more }) === null
    return present(
      takes({ category: "a" }) && "category",
      takes({ category: "a", summary: "a" }) && "summary",
      takes({ title: "a" }) && "title",
      takes({ tags: ["a"] }) && "tags"
    )
  })

const connectionSettings = (config: ConnectionConfig) =>
  Effect.map(fieldsOf(config), (fields) => ({
    name: config.name,
    provider: config.provider,
    title: config.definition.title,
    writable: { ...config.statusMap },
    fields,
    push_brake: config.pushBrake
  }))

/** Opens an address in the desktop's browser; where there is none, the printed one is enough. */
const openInBrowser = (address: string): void => {
  const [command, ...words] =
    process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
        ? ["rundll32", "url.dll,FileProtocolHandler"]
        : ["xdg-open"]
  const child = spawn(command ?? "xdg-open", [...words, address], { stdio: "ignore", detached: true })
  child.on("error", () => undefined)
  child.unref()
}

const watching = (
  runs: Runs,
  database: string,
  connections: ReadonlyArray<ConnectionConfig>,
  millis: number
) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const started = yield* watch({
      rules: { timetable: { _tag: "Every", millis, from: now }, jitter: null },
      watched: { database, connections },
      run: (watched, settled) => runs.scheduled(watched.connections, settled),
      began: () => Effect.void,
      ran: () => Effect.void
    })
    return yield* started.forever
  })

/** The configuration, and why nothing is changed; null: changes are possible. */
const readSides = Effect.fn("serve.sides")(function* (isReadOnly: boolean) {
  const globals = yield* Globals
  const loaded = yield* Effect.either(loadConfiguration)
  if (Either.isRight(loaded)) {
    return { config: loaded.right, readOnly: isReadOnly ? "it was started with --read-only" : null }
  }
  // A mirror that is named by itself can be read without the configuration that fills it.
  if (!isReadOnly && globals.db === null) return yield* loaded.left
  const config: Config | null = null
  return {
    config,
    readOnly: isReadOnly
      ? "it was started with --read-only"
      : "there is no usable configuration (`parley check` says why), so changes could not be sent"
  }
})

export const serve = Effect.fn("serve")(function* (input: ServeInput) {
  const { quiet } = yield* Globals
  const { environment, queryProgram } = yield* Host
  const output = yield* Output
  const elsewhere = yield* readElsewhere(input, environment[tokenVariable])
  const interval = yield* readInterval(input.watch)
  const { config, readOnly } = yield* readSides(input.readOnly)
  if (interval !== null && readOnly !== null) {
    return yield* usage("--watch syncs, and this page changes nothing", `leave out --watch: ${readOnly}`)
  }
  const hints = yield* readHintAddress(input.hints)
  if (hints !== null && readOnly !== null) {
    return yield* usage(
      "--hints reads what webhooks name, and this page changes nothing",
      `leave out --hints: ${readOnly}`
    )
  }
  const connections = config?.connections.filter(({ enabled }) => enabled) ?? []
  const database = yield* mirrorPath
  const settings: Omit<Settings, "time_zone"> = {
    version,
    database,
    read_only: readOnly,
    schedule: interval === null ? null : `every ${spellDuration(interval)}`,
    connections: yield* Effect.forEach(connections, connectionSettings)
  }
  const options = {
    database,
    connections,
    notify: config?.notify ?? [],
    settings,
    elsewhere,
    page: join(dirname(queryProgram), "page"),
    queryProgram
  }
  const { address, ended, runs } = yield* startServing({ ...options, port: input.port }).pipe(
    Effect.catchTag("CannotListen", toUsage)
  )
  yield* answer({ url: address, read_only: readOnly }, address)
  if (!quiet && readOnly !== null) yield* output.note(`read-only: ${readOnly}`)
  if (hints !== null) {
    const taken = yield* takeHints(hints, { database, connections }, (name, { message }) =>
      output.note(`${name}: what webhooks named could not be read: ${message}`)
    )
    if (!quiet) yield* output.note(`webhooks are taken in at ${addressText(taken)}/hints/NAME/PATH`)
  }
  if (input.open) openInBrowser(address)
  return yield* interval === null
    ? ended
    : Effect.raceFirst(ended, watching(runs, database, connections, interval))
}, Effect.scoped)
