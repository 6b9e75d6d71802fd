import { Effect, Redacted } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { Malformed, type ProviderError, Rejected } from "../../domain/ProviderError.ts"
import { isHashed } from "../../domain/phone.ts"
import type { StatusChange } from "../../domain/StatusChange.ts"
import { type Door, keptOf, throughDoor } from "../../privacy/door.ts"
import { hashKey, keyedHash, keyMark } from "../../privacy/key.ts"
import { isKeyed, type KeyedHash, keepsEverything, type Privacy } from "../../privacy/policy.ts"
import { everyKind, maskText } from "../../privacy/recognize.ts"
import { treatmentOf } from "../../privacy/treat.ts"
import type { Provider, RemoteState } from "../../providers/Provider.ts"

/*
 * A provider of which nothing is stored but what the connection's `privacy` allows.
 */

const keyOf = (privacy: Privacy, given: ConnectionConfig["hashKey"]) => {
  if (!isKeyed(privacy)) return Effect.succeed(null)
  return given !== undefined
    ? Effect.succeed(Buffer.from(Redacted.value(given)))
    : hashKey().pipe(
        Effect.mapError(
          ({ hint, message }) =>
            new Rejected({ message: `${message}; nothing was requested`, hint, status: 0, body: "" })
        )
      )
}

/** What a connection's answers go through, and as what the mirror remembers it; both null: they are stored as they come. */
interface WantedPrivacy {
  readonly door: Door | null
  /** As `connections.privacy` has it: another text as soon as another setting or another key is in use. */
  readonly text: string | null
}

/** Fails where values are to be hashed and there is no key. */
export const wantedPrivacy = ({
  definition,
  hashKey: given,
  privacy
}: Pick<ConnectionConfig, "definition" | "hashKey" | "privacy">): Effect.Effect<WantedPrivacy, Rejected> =>
  privacy === undefined || keepsEverything(privacy)
    ? Effect.succeed({ door: null, text: null })
    : Effect.map(keyOf(privacy, given), (key) => {
        const { emails, names, phones, texts } = privacy
        const hash: KeyedHash = key === null ? (_kind, value) => value : keyedHash(key)
        return {
          door: { fields: definition.personal, treatment: treatmentOf(privacy, hash) },
          text: JSON.stringify({
            emails,
            ...(key === null ? {} : { key: keyMark(key) }),
            names,
            phones,
            texts
          })
        }
      })

const withoutQuotes = (text: string): string => maskText(text.replace(/"[^"]*"/g, '"…"'), everyKind)

/** Faults in what was read may quote a few characters of it. */
const unquoted = (error: ProviderError): ProviderError =>
  error._tag === "Malformed"
    ? new Malformed({
        message: withoutQuotes(error.message),
        hint: error.hint,
        where: error.where,
        detail: withoutQuotes(error.detail)
      })
    : error

/**
 * @param stored sees what is stored: its answers come through the door
 * @param live sees what the vendor holds, so that what was requested here can be found in it; nothing else of that is kept
 */
export const behindDoor = (stored: Provider, live: Provider, door: Door): Provider => {
  const keptTags = (tags: ReadonlyArray<string>) => tags.flatMap((tag) => keptOf(door, tag, "text") ?? [])
  const asWasRequested = ({ requested }: StatusChange, state: RemoteState): RemoteState => ({
    ...state,
    kept: { title: keptOf(door, state.title, "text"), tags: keptTags(state.tags) },
    title: state.title === requested.title ? state.title : keptOf(door, state.title, "text"),
    tags: state.tags.flatMap((tag) => (requested.tags.includes(tag) ? tag : keptTags([tag]))),
    ...(state.likeness === undefined
      ? {}
      : {
          likeness: {
            ...state.likeness,
            phone: keptOf(door, state.likeness.phone, "phone"),
            email: keptOf(door, state.likeness.email, "email")
          }
        })
  })
  const { contract } = live
  const { findByContact } = stored
  return {
    ...stored,
    readStatus: (change) =>
      live.readStatus(change).pipe(
        Effect.map((state) => (state === null ? null : asWasRequested(change, state))),
        Effect.mapError(unquoted)
      ),
    setStatus: (change) =>
      live.setStatus(change).pipe(
        Effect.map(({ state }) => ({ state: state === null ? null : asWasRequested(change, state) })),
        Effect.mapError(unquoted)
      ),
    // Nothing of it is stored, and it is about what the vendor sends.
    ...(contract === undefined ? {} : { contract }),
    // A hash leads nowhere.
    ...(findByContact === undefined
      ? {}
      : {
          findByContact: (kind, value) =>
            isHashed(value) ? Effect.succeed(null) : findByContact(kind, value)
        }),
    // What was stored by another setting, or before there was one, is made again as it would be stored now.
    interpret: (payloads) =>
      stored.interpret(payloads.map((one) => ({ ...one, payload: throughDoor(door, one.payload) })))
  }
}
