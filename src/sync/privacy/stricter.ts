import { Clock, Effect } from "effect"
import { isHashed } from "../../domain/phone.ts"
import { keptOf, throughDoor } from "../../privacy/door.ts"
import { everyKind, maskText } from "../../privacy/recognize.ts"
import { mergeIndex } from "../../store/forget/finish.ts"
import { Mirror, type RawConversation } from "../../store/mirror/Mirror.ts"
import { removeKinds } from "../../store/mirror/removeMessages.ts"
import {
  applyToContacts,
  applyToRaw,
  applyToWords,
  dropFormerContacts,
  type Keeping,
  keptSighting,
  withoutRaw
} from "../../store/privacy/apply.ts"
import { commitReplayed, unsentPage } from "../commitPages.ts"
import type { OpenConnection } from "../connection.ts"
import { Progress } from "../progress.ts"

/*
 * What was stored before a connection had its privacy is made to follow it, without asking a provider.
 */

const contactsAtOnce = 500
const conversationsAtOnce = 25

/** Tells once a run what is stored otherwise than the configuration wants it. */
export const tellOtherPrivacy = ({ config, privacy }: Pick<OpenConnection, "config" | "privacy">) =>
  privacy.isFollowed
    ? Effect.void
    : Effect.flatMap(Progress, (progress) =>
        progress.notice(
          config.name,
          "some of what is stored was stored under another privacy than the configuration has now",
          `\`parley rebuild ${config.name}\` applies it to all that is stored; what it left out before comes back with \`parley sync --full ${config.name}\``
        )
      )

/** In addresses of requests an `@` is encoded. */
const inPath = (text: string): string => text.replace(/(\/(?:email|phone):)[^/?\s]+/g, "$1…")

/**
 * The work beside making a connection's conversations again; null: there is none.
 * `payloads`: of conversations that are about to be made again. `others`: whatever is not made from payloads, at the end.
 */
export const stricterPrivacy = Effect.fn("stricterPrivacy")(function* (
  connection: OpenConnection,
  runId: number
) {
  const { config, privacy, provider } = connection
  const mirror = yield* Mirror
  const progress = yield* Progress
  const { door, isFollowed, live, text } = privacy
  if (door === null || isFollowed) return null
  const { name } = config
  const keeping: Keeping = {
    json: (record) => throughDoor(door, record),
    value: (value, fieldClass) => keptOf(door, value, fieldClass),
    words: (said) => maskText(inPath(said), everyKind)
  }

  /** A listed row that was shown as it is stored is shown as its payload is kept: it need not be fetched again. */
  const fingerprintOf = (payloads: RawConversation["payloads"], held: string | null): string | null => {
    const before = live.interpret(payloads)
    const after = provider.interpret(payloads)
    const isOf = "_tag" in before && before.fingerprint === held
    return isOf && "_tag" in after ? after.fingerprint : null
  }

  const payloads = Effect.fn("stricterPrivacy.payloads")(function* (
    conversations: ReadonlyArray<RawConversation>
  ) {
    const known = yield* mirror.known(
      name,
      conversations.map(({ conversationId }) => conversationId)
    )
    const changes = conversations.map(({ conversationId, key, payloads }) => {
      const held = known.get(conversationId)?.fingerprint ?? null
      return { key, fingerprint: held === null ? null : fingerprintOf(payloads, held) }
    })
    yield* mirror.applyPrivacy((session) => applyToRaw(session, changes, keeping))
  })

  /** Conversations of which not all payloads are kept are made from their rows. */
  const bare = Effect.fn("stricterPrivacy.bare")(function* () {
    for (let after = 0; ; ) {
      const keys = yield* mirror.applyPrivacy((session) =>
        withoutRaw(session, name, after, conversationsAtOnce)
      )
      const sightings = yield* mirror.applyPrivacy((session) =>
        keys.map((key) => keptSighting(session, key, keeping))
      )
      const at = yield* Clock.currentTimeMillis
      const stored = yield* Effect.forEach(sightings, ({ conversation: { providerId: conversationId } }) =>
        Effect.map(mirror.rawOf(name, conversationId), (payloads) => ({ conversationId, payloads }))
      )
      if (sightings.length > 0) {
        const page = unsentPage("rebuild", "conversations", sightings, at)
        yield* commitReplayed(connection, runId, [page], stored)
        yield* mirror.applyPrivacy((session) =>
          applyToRaw(
            session,
            keys.map((key) => ({ key, fingerprint: null })),
            keeping
          )
        )
      }
      const last = keys.at(-1)
      if (last === undefined || keys.length < conversationsAtOnce) return
      after = last
    }
  })

  const others = Effect.gen(function* () {
    yield* bare()
    for (let after: string | null = ""; after !== null; ) {
      const from: string = after
      after = yield* mirror.applyPrivacy((session, at) =>
        applyToContacts(session, at, { connection: name, after: from, limit: contactsAtOnce, runId }, keeping)
      )
    }
    yield* mirror.applyPrivacy((session) => {
      dropFormerContacts(session, name, (id) => {
        const kept = door.treatment.text(id, "contact", "")
        return kept !== undefined && !isHashed(id)
      })
      applyToWords(session, name, keeping)
    })
    while (yield* mirror.applyPrivacy(mergeIndex));
    yield* mirror.applyPrivacy(removeKinds)
    const unfinished = yield* mirror.compact
    if (unfinished === null) yield* mirror.noteFollowed(name, text, "applied")
    else {
      yield* progress.notice(
        name,
        `privacy is applied to all that is stored, but the file's free space may still hold what was there: ${unfinished.reason}`,
        "run the same again once that is over"
      )
    }
  })

  return { payloads, others } as const
})
