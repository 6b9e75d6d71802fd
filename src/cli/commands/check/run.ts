import { existsSync } from "node:fs"
import { Effect, Either, Runtime } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { present } from "../../../domain/present.ts"
import type { ClientEvent } from "../../../http/contract.ts"
import type { CheckFinding, ContractFinding, Provider } from "../../../providers/Provider.ts"
import { Db } from "../../../store/Db.ts"
import {
  accountListener,
  type KnownAccount,
  knownAccount,
  noAccount,
  whoseAccount
} from "../../../sync/account/whoseAccount.ts"
import { openConnection } from "../../../sync/connection.ts"
import { talkingLayer } from "../../../sync/layers.ts"
import { Progress } from "../../../sync/progress.ts"
import { type Fault, faultOf } from "../../../sync/run.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { exitCodes } from "../../exitCodes.ts"
import { answer } from "../../terminal/answer.ts"
import { wallClock } from "../../terminal/numbers.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { padEnd, textWidth } from "../../terminal/width.ts"
import type { CheckInput } from "./index.ts"

/** A check that would have to wait longer than this says so instead. Milliseconds. */
const maxWaitMillis = 60_000

interface Checked {
  readonly config: ConnectionConfig
  readonly findings: ReadonlyArray<CheckFinding>
  /** With `--contract`: each documented fact beside what was seen. */
  readonly facts: ReadonlyArray<ContractFinding> | null
  /** Why not even the first request was answered. */
  readonly error: Fault | null
}

const isOk = ({ error, facts, findings }: Checked): boolean =>
  error === null &&
  findings.every(({ ok }) => ok) &&
  (facts ?? []).every(({ verdict }) => verdict !== "differs")

const factsMissing = ({ name, definition }: ConnectionConfig): CheckFinding => ({
  ok: false,
  what: `contract of ${name}`,
  detail: `the documented facts of ${definition.title} are not written down: check without --contract`
})

const asked = (config: ConnectionConfig, provider: Provider, isContract: boolean) => {
  if (!isContract) {
    const findings = provider.check({ messages: config.messages === "auto" })
    return Effect.map(
      findings,
      (all): Pick<Checked, "facts" | "findings"> => ({ facts: null, findings: all })
    )
  }
  return provider.contract === undefined
    ? Effect.succeed({ facts: null, findings: [factsMissing(config)] })
    : Effect.map(provider.contract, (facts) => ({ facts, findings: [] }))
}

/** What the mirror knows of whose account it is; nothing, where there is none that could be read. */
const heldOf = (database: string, name: string): Effect.Effect<KnownAccount> =>
  existsSync(database)
    ? Effect.flatMap(Db, (db) => knownAccount(db, name)).pipe(
        Effect.provide(Db.layer(database, { readOnly: true })),
        Effect.orElseSucceed(() => noAccount)
      )
    : Effect.succeed(noAccount)

const checkOne = Effect.fn("check.connection")(function* (
  config: ConnectionConfig,
  database: string,
  isContract: boolean
) {
  const progress = yield* Progress
  const fork = Runtime.runFork(yield* Effect.runtime<never>())
  const tellWaiting = (event: ClientEvent): void => {
    if (event._tag !== "Waiting" || event.until - event.since < 1000) return
    const until = wallClock(event.until, event.since)
    fork(progress.notice(config.name, `waiting until ${until}`, event.reason))
  }
  const listener = accountListener()
  const held = yield* heldOf(database, config.name)
  const open = openConnection(config, "sync", { maxWaitMillis, observe: tellWaiting }, listener.listen)
  const result = yield* open.pipe(
    Effect.flatMap(({ provider }) =>
      Effect.gen(function* () {
        const found = yield* asked(config, provider, isContract)
        if (isContract || !found.findings.every(({ ok }) => ok)) return found
        const account = yield* whoseAccount(config, provider, held, listener)
        return account === null ? found : { ...found, findings: [...found.findings, account] }
      })
    ),
    Effect.either,
    Effect.scoped
  )
  const checked: Checked = Either.match(result, {
    onLeft: (error) => ({ config, findings: [], facts: null, error: faultOf(error) }),
    onRight: (found) => ({ config, ...found, error: null })
  })
  return checked
})

const documentOf = (checked: Checked) => ({
  name: checked.config.name,
  provider: checked.config.provider,
  base_url: checked.config.baseUrl,
  ok: isOk(checked),
  findings: checked.findings,
  ...(checked.facts === null ? {} : { facts: checked.facts }),
  error: checked.error
})

/** What differs comes first, and with its page: that is where the vendor says otherwise. */
const factLines = (facts: ReadonlyArray<ContractFinding>): ReadonlyArray<string> => {
  const columns = Math.max(0, ...facts.map(({ fact }) => textWidth(fact)))
  const order = ["differs", "ok", "not seen"]
  return facts
    .toSorted((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict))
    .map(({ fact, seen, source, verdict }) => {
      const page = verdict === "differs" ? `  (${source})` : ""
      return `  ${padEnd(verdict, 8)}  ${padEnd(fact, columns)}  ${oneLine(seen)}${page}`.trimEnd()
    })
}

const textOf = (checked: Checked): ReadonlyArray<string> => {
  const { config, error, facts, findings } = checked
  const columns = Math.max(0, ...findings.map(({ what }) => textWidth(what)))
  return present(
    `${config.name} (${config.definition.title}, ${config.baseUrl}): ${isOk(checked) ? "ok" : "not ok"}`,
    ...findings.map(({ detail, ok, tried = true, what }) =>
      `  ${!tried ? "-   " : ok ? "ok  " : "FAIL"}  ${padEnd(what, columns)}  ${oneLine(detail)}`.trimEnd()
    ),
    ...factLines(facts ?? []),
    error !== null && [`  FAIL  ${oneLine(error.message)}`, `        ${oneLine(error.hint)}`]
  )
}

export const check = ({ contract, names }: CheckInput) =>
  Effect.gen(function* () {
    const config = yield* loadConfiguration
    const connections = yield* selectConnections(config, names)
    const checked = yield* Effect.forEach(connections, (one) => checkOne(one, config.database, contract), {
      concurrency: "unbounded"
    }).pipe(Effect.provide(talkingLayer))
    const ok = checked.every(isOk)
    const off = names.length > 0 ? [] : config.connections.filter(({ enabled }) => !enabled)
    yield* answer(
      { config: config.path, database: config.database, ok, connections: checked.map(documentOf) },
      [
        `${config.path}: read, and nothing wrong with it`,
        ...checked.flatMap(textOf),
        ...off.map(({ name }) => `${name}: switched off`)
      ].join("\n")
    )
    return ok ? exitCodes.complete : exitCodes.partial
  })
