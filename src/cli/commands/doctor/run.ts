import { dirname, join, resolve } from "node:path"
import { Clock, Effect, Either } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { configPath } from "../../../config/load.ts"
import { present } from "../../../domain/present.ts"
import { now } from "../../../domain/Timestamp.ts"
import { type Dispatch, Transport } from "../../../http/exchange/transport.ts"
import { quotaFile } from "../../../http/limits/shared/quotaStore.ts"
import { hashKeyFile } from "../../../privacy/key.ts"
import { fileCopies } from "../../../store/copies/fileCopies.ts"
import { unnoticedRestoration } from "../../../store/copies/restored.ts"
import { Db } from "../../../store/Db.ts"
import { doctorFacts } from "../../../store/read/health/doctorFacts.ts"
import { writersKept } from "../../../store/read/health/oldWriters.ts"
import { talkingLayer } from "../../../sync/layers.ts"
import { loadConfiguration, mirrorPath } from "../../configuration.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { version } from "../../root.ts"
import { answer } from "../../terminal/answer.ts"
import { fold } from "../../terminal/width.ts"
import {
  backupFinding,
  clockFinding,
  diskFinding,
  type Finding,
  fileFindings,
  modeFinding,
  privacyFindings,
  restoredFinding,
  writableFinding
} from "./findings.ts"
import type { DoctorInput } from "./index.ts"

/** Milliseconds that a provider may take to say what time it is. */
const clockWithin = 5_000

/** The header `Date` of an answer to a request without credentials; null: there is none. */
const dateAt = (dispatch: Dispatch, baseUrl: string): Effect.Effect<string | null> =>
  Effect.async((resume) => {
    const { origin, pathname } = new URL(baseUrl)
    const { abort } = dispatch(
      { origin, path: pathname, method: "GET", headers: {}, body: null },
      {
        started: (_status, headers) => resume(Effect.succeed(headers.date ?? null)),
        data: () => {},
        ended: () => {},
        failed: () => resume(Effect.succeed(null))
      }
    )
    return Effect.sync(abort)
  })

const clockOf = Effect.fn("doctor.clock")(function* ({ baseUrl, name }: ConnectionConfig) {
  const { dispatch } = yield* Transport
  const sentAt = yield* Clock.currentTimeMillis
  const date = yield* Effect.timeoutTo(dateAt(dispatch, baseUrl), {
    duration: clockWithin,
    onTimeout: () => null,
    onSuccess: (found) => found
  })
  const receivedAt = yield* Clock.currentTimeMillis
  const said = Date.parse(date ?? "")
  if (Number.isNaN(said)) {
    return { verdict: "warn", what: "clock", detail: `${name} did not say what time it is` } satisfies Finding
  }
  // `Date` has whole seconds: its middle, against the middle of the exchange.
  return clockFinding(name, said + 500 - (sentAt + receivedAt) / 2)
})

const fileOf = (database: string, whole: boolean, connections: ReadonlyArray<ConnectionConfig>) =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    return yield* Effect.gen(function* () {
      const db = yield* Db
      const facts = yield* db.use("doctor", (session) =>
        doctorFacts(session, { at: now(at), since: now(at - writersKept), whole })
      )
      const copies = yield* db.use("doctor", fileCopies)
      return [
        ...fileFindings(facts, whole),
        ...privacyFindings(facts, connections),
        ...restoredFinding(yield* unnoticedRestoration(quotaFile())),
        ...backupFinding(copies)
      ]
    }).pipe(Effect.provide(Db.layer(database, { readOnly: true })))
  }).pipe(
    Effect.catchTag("StoreError", ({ hint, kind, message }) =>
      Effect.succeed<ReadonlyArray<Finding>>([
        {
          verdict: kind === "no-such-file" || kind === "older-schema" ? "warn" : "bad",
          what: "file",
          detail: `${message}. ${hint}`
        }
      ])
    )
  )

const inColour = /^(bad|warn)\b/gm

export const doctor = Effect.fn("doctor")(function* ({ full, offline }: DoctorInput) {
  const { config: given } = yield* Globals
  const { cwd, environment } = yield* Host
  const database = yield* mirrorPath
  const configuration = yield* Effect.either(loadConfiguration)
  const connections = Either.isRight(configuration)
    ? configuration.right.connections.filter(({ enabled }) => enabled)
    : []
  const env = join(dirname(resolve(cwd, configPath({ config: given, environment }))), ".env")
  const clocks = offline
    ? []
    : yield* Effect.forEach(connections, clockOf, { concurrency: "unbounded" }).pipe(
        Effect.provide(talkingLayer)
      )
  const findings: ReadonlyArray<Finding> = present(
    { verdict: "ok", what: "parley", detail: `${version}, Node ${process.versions.node}` },
    Either.isRight(configuration)
      ? { verdict: "ok", what: "configuration", detail: configuration.right.path }
      : {
          verdict: "bad",
          what: "configuration",
          detail: `${configuration.left.faults.length} faults: \`parley check\` lists them`
        },
    ...modeFinding(env, "secrets"),
    ...modeFinding(database, "mirror"),
    ...writableFinding(database),
    diskFinding(database),
    ...(yield* fileOf(database, full, connections)),
    connections.some(({ privacy }) => privacy !== undefined) &&
      modeFinding(hashKeyFile(environment), "hash key"),
    ...clocks
  )
  const isBad = findings.some(({ verdict }) => verdict === "bad")
  const line = ({ detail, verdict, what }: Finding) => `${verdict.padEnd(4)}  ${what.padEnd(13)}  ${detail}`
  yield* answer(
    { ok: !isBad, database, findings },
    (room) => findings.map((finding) => fold(line(finding), room)).join("\n"),
    inColour
  )
  return isBad ? exitCodes.partial : exitCodes.complete
})
