import { Effect, type Scope } from "effect"
import PQueue from "p-queue"
import { Rejected } from "../domain/ProviderError.ts"
import { type Asked, loginRejected } from "./answer/classify.ts"
import type { ProviderClient } from "./client.ts"
import type { Authorization, ClientEvent, Lane, Limit, ProviderRequest } from "./contract.ts"
import { accountKey, originKey } from "./exchange/accountKey.ts"
import { type Receive, whole } from "./exchange/attempt.ts"
import { boundsOf, defaultAnswerBytes } from "./exchange/bounds.ts"
import { type Connection, makeDeadlines } from "./exchange/connection.ts"
import type { ClientContext } from "./exchange/context.ts"
import { makeCredentials } from "./exchange/credentials.ts"
import { target } from "./exchange/request.ts"
import { asEffect, begin, send } from "./exchange/retry.ts"
import { inPieces } from "./exchange/stream.ts"
import { Transport } from "./exchange/transport.ts"
import { Governor } from "./limits/Governor.ts"

export interface ProviderClientOptions {
  /** The connection's name, for messages. */
  readonly connection: string
  /** The vendor's name for people. */
  readonly title: string
  /** Origin and prefix. */
  readonly baseUrl: string
  readonly authorization: Authorization
  readonly lane: Lane
  /** Empty: unknown, to be found out. */
  readonly limits: ReadonlyArray<Limit>
  /** Share of each limit to use, above 0 and at most 1. */
  readonly quota: number
  /** Requests in flight at once; null: found out. */
  readonly concurrency: number | null
  /** Any single longer wait fails at once, with the time to come back. */
  readonly maxWaitMillis: number
  /** Nothing leaves any more: a read waits for good, a write fails at once, and was not applied. Left out: never. */
  readonly isStopping?: () => boolean
  /**
   * Bytes of an answer that are read at most, as sent and unpacked, and of one element of a streamed list. A streamed
   * answer may be 64 times as large. Left out or null: 64 MB.
   */
  readonly maxAnswerBytes?: number | null
  /** Errors repeat nothing of what the vendor says. Left out: false. */
  readonly withholdsWords?: boolean
  readonly observe: (event: ClientEvent) => void
}

/** `.` and `..` in a path, encoded or not, lead to another one: such an id is never sent. */
const leadsElsewhere = ({ path }: ProviderRequest): boolean => /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i.test(path)

const notAnAddress = ({ operation, title }: Asked): Rejected =>
  new Rejected({
    message: `${title} cannot be asked to ${operation}: the id would lead to another address; nothing was sent`,
    hint: "an id of only dots cannot be requested: change this record at the vendor",
    status: 0,
    body: ""
  })

/**
 * Requests of a client that the limiter looks at, at once: twice as many as are ever in flight. It goes through all of
 * them whenever one may leave, so that the others stand in line outside, however many a caller sends together.
 */
const considered = 128

/**
 * A client for one connection in one lane. Sends nothing until it is asked to; for a `Session` the first request logs
 * in first.
 */
export const makeProviderClient = (
  options: ProviderClientOptions
): Effect.Effect<ProviderClient, never, Scope.Scope | Transport | Governor> =>
  Effect.gen(function* () {
    const { dispatch } = yield* Transport
    const governor = yield* Governor
    const clock = yield* Effect.clock
    const to = target(options.baseUrl, process.env)
    const limiter = yield* governor.open({
      key: accountKey(to.origin, options.authorization.credential),
      origin: originKey(to.origin),
      limits: options.limits,
      quota: options.quota,
      concurrency: options.concurrency,
      lane: options.lane,
      maxWaitMillis: options.maxWaitMillis,
      observe: options.observe
    })
    const deadlines = makeDeadlines(limiter.timer)
    const open = new Set<Connection>()
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const connection of open) connection.abort()
        deadlines.close()
      })
    )
    let secrets: ReadonlyArray<string> = []
    let credentialSetting = "the credential"
    const asked = (operation: string): Asked => ({
      title: options.title,
      connection: options.connection,
      operation,
      credentialSetting,
      secrets,
      withholdsWords: options.withholdsWords ?? false
    })
    const context: ClientContext = {
      dispatch,
      deadlines,
      to,
      bounds: boundsOf(options.maxAnswerBytes ?? defaultAnswerBytes),
      now: () => clock.unsafeCurrentTimeMillis(),
      observe: options.observe,
      limiter,
      line: new PQueue({ concurrency: considered }),
      maxWaitMillis: options.maxWaitMillis,
      isStopping: options.isStopping ?? (() => false),
      asked
    }
    const login = (request: ProviderRequest) =>
      send(context, { changes: false, credentials: null }, request, whole).pipe(
        Effect.catchTag("Rejected", (error) => Effect.fail(loginRejected(asked(request.operation), error)))
      )
    const credentials = yield* makeCredentials(options.authorization, login)
    secrets = credentials.secrets
    credentialSetting = credentials.setting

    const reading = { changes: false, credentials }
    const writing = { changes: true, credentials }
    const sent = <A>(mode: typeof reading, request: ProviderRequest, receive: Receive<A>) =>
      leadsElsewhere(request)
        ? Effect.fail(notAnAddress(asked(request.operation)))
        : send(context, mode, request, receive)
    const beginReading: ProviderClient["begin"] = (request, done) => {
      if (!leadsElsewhere(request)) return begin(context, reading, request, whole, null, done)
      done(Effect.fail(notAnAddress(asked(request.operation))))
      return () => {}
    }
    const streamed = inPieces(open)
    const client: ProviderClient = {
      read: (request) => asEffect((done) => beginReading(request, done)),
      begin: beginReading,
      write: (request) => sent(writing, request, whole),
      stream: (request) => sent(reading, request, streamed)
    }
    return client
  })
