import { createHash } from "node:crypto"
import { Effect, Either, Redacted } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import type { Rejected } from "../domain/ProviderError.ts"
import type { ProviderClient } from "../http/client.ts"
import type { ClientEvent, Lane } from "../http/contract.ts"
import { makeProviderClient } from "../http/makeClient.ts"
import { type Door, withDoor } from "../privacy/door.ts"
import { type AccountCheck, anyAccount, type Provider } from "../providers/Provider.ts"
import { behindDoor, wantedPrivacy } from "./privacy/door.ts"
import { requestLogger } from "./requestLog.ts"
import { StopSignal, UnderWay } from "./stopSignal.ts"

/** A configured connection with a live client behind it, for one lane of one run. */
export interface OpenConnection {
  readonly config: ConnectionConfig
  readonly lane: Lane
  readonly provider: Provider
  readonly options: OpenOptions
  readonly privacy: ConnectionPrivacy
}

/** What of people is not stored of a connection. */
interface ConnectionPrivacy {
  /** As `connections.privacy` has it; null: everything is stored as it comes. */
  readonly text: string | null
  /** What its answers go through; null: nothing. */
  readonly door: Door | null
  /** The provider as it is without. */
  readonly live: Provider
  /** False: something was stored before under another setting. */
  readonly isFollowed: boolean
  /** Why it cannot be followed: nothing is requested then; null: it can. */
  readonly fault: Rejected | null
}

/** Nothing leaves. */
const refusing = (fault: Rejected): ProviderClient => ({
  read: () => Effect.fail(fault),
  begin: (_, done) => {
    done(Effect.fail(fault))
    return () => {}
  },
  write: () => Effect.fail(fault),
  stream: () => Effect.fail(fault)
})

export interface OpenOptions {
  /** Milliseconds that any single wait may take; a longer one ends the connection with the time to come back. */
  readonly maxWaitMillis: number
  readonly observe: (event: ClientEvent) => void
}

/** What decides which conversations an account shows: where, as whom, and what of it is wanted. Holds no secret. */
export const subjectOf = ({ baseUrl, messages, provider, settings }: ConnectionConfig): string => {
  const { name: _name, statusMap: _statusMap, ...own } = settings
  const shown = JSON.stringify({ baseUrl, messages, provider, own }, (_key, value: unknown) =>
    Redacted.isRedacted(value) ? null : value
  )
  return createHash("sha256").update(shown).digest("hex").slice(0, 16)
}

/** Opens a connection for the life of the scope. Sends nothing yet. `account` receives the account's id. */
export const openConnection = Effect.fn("openConnection")(function* (
  config: ConnectionConfig,
  lane: Lane,
  options: OpenOptions,
  account: AccountCheck = anyAccount
) {
  const { definition } = config
  const signal = yield* StopSignal
  const underWay = yield* UnderWay
  const log = yield* requestLogger(config.name)
  const observe = (event: ClientEvent): void => {
    log?.(event)
    if (event._tag === "Sent") underWay.requests += 1
    else if (event._tag === "Answered" || event._tag === "Unanswered") underWay.requests -= 1
    options.observe(event)
  }
  const client = yield* makeProviderClient({
    connection: config.name,
    title: definition.title,
    baseUrl: config.baseUrl,
    authorization: definition.authorize(config.settings, account),
    lane,
    limits: config.limits,
    quota: config.quota,
    concurrency: config.concurrency,
    maxWaitMillis: options.maxWaitMillis,
    maxAnswerBytes: config.maxAnswerBytes,
    observe,
    withholdsWords: config.privacy?.texts === "drop",
    isStopping: () => signal() !== null
  })
  const wanted = yield* Effect.either(wantedPrivacy(config))
  const make = (through: ProviderClient) => definition.make(config.settings, through, account)
  const live = make(Either.isLeft(wanted) ? refusing(wanted.left) : client)
  const { door, text } = Either.getOrElse(wanted, () => ({ door: null, text: null }))
  const provider = door === null ? live : behindDoor(make(withDoor(client, door)), live, door)
  const fault = Either.isLeft(wanted) ? wanted.left : null
  const privacy: ConnectionPrivacy = { text, door, live, isFollowed: true, fault }
  const opened: OpenConnection = { config, lane, provider, options, privacy }
  return opened
})
