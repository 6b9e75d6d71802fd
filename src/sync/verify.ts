import { Clock, Effect } from "effect"
import { now, type Timestamp } from "../domain/Timestamp.ts"
import type { Known } from "../providers/Provider.ts"
import type { ConnectionFault } from "../store/ledger/Ledger.ts"
import { Mirror, type Totals } from "../store/mirror/Mirror.ts"
import { commitPages } from "./commitPages.ts"
import type { OpenConnection } from "./connection.ts"
import { sampleBrake } from "./deleteBrake.ts"
import { mergedInto } from "./merges.ts"
import { tellOtherPrivacy } from "./privacy/stricter.ts"
import { lookedUpOf, refetch } from "./refetch.ts"

/*
 * Does the mirror equal what the provider holds? A sample of conversations is requested again, one by one, compared, and put
 * right where it differs; the sample says how many of the others may be wrong.
 */

/** Conversations requested at once. */
const concurrency = 8

export interface Verdict {
  /** Conversations in the mirror that are not marked deleted. */
  readonly held: number
  /** Asked for. */
  readonly checked: number
  /** Differed although the provider does not say that they have changed since: the mirror was wrong, and is put right. */
  readonly repaired: ReadonlyArray<string>
  /** Of the others, those whose contact differed, and is put right. */
  readonly contacts: number
  /** Could not be read, wholly or in part: that part is in quarantine, and was not compared. */
  readonly unreadable: ReadonlyArray<string>
  /** Records that are open in quarantine now, and that nobody dismissed: what they hold was not compared. */
  readonly quarantined: number
  /** Another run requested them later and stored that meanwhile. */
  readonly overtaken: number
  /** Have messages here, which the provider did not show: these were not compared. */
  readonly withoutMessages: number
  /** Have changed at the provider since the last sync, and are now as they are there. */
  readonly outdated: number
  /** The provider says that they do not exist. */
  readonly gone: ReadonlyArray<string>
  /** Were merged into others there, and are marked so. */
  readonly merged: ReadonlyArray<string>
  /** Why those that are gone were not marked deleted; null: they were. */
  readonly stopped: ConnectionFault | null
  /**
   * At most this share of the conversations that were not checked is wrong, with 95% confidence; 0: all were checked.
   * Those that could not be read, or without their messages, count as not checked, and where those that are gone were not
   * marked, they do too.
   */
  readonly atMostWrong: number
}

/** The chance of at most `wrong` out of `checked`, where each is wrong with chance `share`. Logarithms never underflow. */
const atMost = (wrong: number, checked: number, share: number): number => {
  let logTerm = checked * Math.log1p(-share)
  let sum = Math.exp(logTerm)
  for (let count = 1; count <= wrong; count += 1) {
    logTerm += Math.log((checked - count + 1) / count) + Math.log(share) - Math.log1p(-share)
    sum += Math.exp(logTerm)
  }
  return sum
}

/**
 * The largest share of wrong records that a random sample leaves plausible (exact one-sided binomial bound).
 * @param confidence between 0 and 1
 */
export const upperBound = (wrong: number, checked: number, confidence: number): number => {
  if (checked === 0 || wrong >= checked) return 1
  let low = 0
  let high = 1
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2
    if (atMost(wrong, checked, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** What came of one conversation. */
interface Finding {
  readonly providerId: string
  readonly askedAt: Timestamp
  readonly is: "same" | "repaired" | "outdated" | "contact" | "overtaken" | "gone" | "merged"
  readonly isUnreadable: boolean
  readonly lacksMessages: boolean
}

type Difference = Exclude<Finding["is"], "gone" | "merged">

/** What a commit of one conversation says of what was stored before. @param shown the vendor's time of the last change */
const differenceOf = (
  { contacts, inserted, overtaken, updated }: Totals,
  shown: Timestamp | null,
  known: Known | null,
  now: Timestamp
): Difference => {
  if (overtaken > 0) return "overtaken"
  if (inserted + updated === 0) return "same"
  if (inserted + updated === contacts) return "contact"
  const isNewer = shown !== null && shown <= now && known?.updatedAt != null && shown > known.updatedAt
  return isNewer ? "outdated" : "repaired"
}

/** Compares one conversation with the provider, and puts the mirror right, unless it is gone. */
const compare = Effect.fn("verify.compare")(function* (
  connection: OpenConnection,
  runId: number,
  providerId: string
) {
  const mirror = yield* Mirror
  const { name, messages } = connection.config
  const known = (yield* mirror.known(name, [providerId])).get(providerId) ?? null
  const askedAt = now(yield* Clock.currentTimeMillis)
  // Without a fingerprint nothing is taken for unchanged.
  const page = yield* refetch(connection, providerId, known === null ? null : { ...known, fingerprint: null })
  const finding: Finding = { providerId, askedAt, is: "gone", isUnreadable: false, lacksMessages: false }
  if (page === null) {
    const into = yield* mergedInto(connection.provider, mirror.mergeCandidates(name, providerId))
    if (into === null) return finding
    yield* mirror.merged({ connection: name, providerId, into, askedAt })
    const merged: Finding = { ...finding, is: "merged" }
    return merged
  }
  // Nothing can be requested by this id: what is in quarantine of it already says more.
  if (known === null && page.exchange.status === 0) {
    const unknown: Finding = { ...finding, is: "same", isUnreadable: true }
    return unknown
  }
  const totals = yield* commitPages(connection, runId, [page], {
    overwrites: true,
    lookedUp: lookedUpOf(known)
  })
  const sighting = page.items.find((item) => item._tag === "Sighting")
  const at = now(yield* Clock.currentTimeMillis)
  const found: Finding = {
    ...finding,
    is: differenceOf(totals, sighting?.conversation.updatedAt ?? null, known, at),
    isUnreadable: sighting === undefined || sighting.unreadable.length > 0,
    lacksMessages:
      messages === "auto" &&
      sighting?.unreadable.length === 0 &&
      sighting.messages === null &&
      (known?.storedMessages ?? 0) > 0
  }
  return found
})

/** Conversations of which the mirror holds nothing but records in quarantine, as many of them as wanted. */
const onlyQuarantined = Effect.fn("verify.onlyQuarantined")(function* (name: string, most: number) {
  const mirror = yield* Mirror
  const open = yield* mirror.openQuarantine(name)
  const ids = open.flatMap(({ providerId }) => (providerId === null ? [] : [providerId]))
  const known = yield* mirror.known(name, ids)
  return ids.filter((id) => !known.has(id)).slice(0, most)
})

/** @param sample how many conversations to compare; null: all */
export const verify = Effect.fn("verify")(function* (
  connection: OpenConnection,
  runId: number,
  sample: number | null
) {
  const mirror = yield* Mirror
  const { name } = connection.config
  yield* tellOtherPrivacy(connection)
  const held = yield* mirror.countConversations(name)
  const chosen = yield* mirror.sample(name, sample ?? held)
  const lacking = yield* onlyQuarantined(name, sample ?? Number.POSITIVE_INFINITY)
  const comparing = (ids: ReadonlyArray<string>) =>
    Effect.forEach(ids, (id) => compare(connection, runId, id), { concurrency })
  const findings = yield* comparing(chosen)
  const found = yield* comparing(lacking)
  const that = (is: (one: Finding) => boolean) => findings.filter(is).map(({ providerId }) => providerId)
  const mended = found.filter(({ is }) => is === "repaired").map(({ providerId }) => providerId)
  const repaired = [...that(({ is }) => is === "repaired"), ...mended]
  const gone = that(({ is }) => is === "gone")
  const unreadable = that(({ isUnreadable }) => isUnreadable)
  const stopped = sampleBrake(connection.config, { asked: chosen.length, gone: gone.length, held })
  if (stopped === null) {
    for (const { askedAt, is, providerId } of findings) {
      if (is !== "gone") continue
      yield* mirror.tombstone({ connection: name, providerIds: [providerId], askedAt, runId })
    }
  }
  const withoutMessages = that(({ lacksMessages }) => lacksMessages).length
  const sure = chosen.length - unreadable.length - withoutMessages - (stopped === null ? 0 : gone.length)
  const verdict: Verdict = {
    held,
    checked: chosen.length,
    repaired,
    contacts: that(({ is }) => is === "contact").length,
    unreadable,
    quarantined: (yield* mirror.openQuarantine(name)).reduce((sum, { records }) => sum + records, 0),
    overtaken: that(({ is }) => is === "overtaken").length,
    withoutMessages,
    outdated: that(({ is }) => is === "outdated").length,
    gone,
    merged: that(({ is }) => is === "merged"),
    stopped,
    atMostWrong: sure >= held ? 0 : upperBound(repaired.length - mended.length, sure, 0.95)
  }
  return verdict
})
