import { Clock, Effect } from "effect"
import { now } from "../domain/Timestamp.ts"
import type { ConnectionFault } from "../store/ledger/Ledger.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import type { OpenConnection } from "./connection.ts"
import { sampleBrake } from "./deleteBrake.ts"
import { tellingCommit } from "./progress.ts"
import { refetch } from "./refetch.ts"

/*
 * Is the mirror what the provider holds? A sample of conversations is asked for again, one by one, compared, and put
 * right where it differs; the sample says how many of the others may be wrong.
 */

/** Conversations asked for at once. */
const concurrency = 8

export interface Verdict {
  /** Conversations in the mirror that are not marked deleted. */
  readonly held: number
  /** Asked for. */
  readonly checked: number
  /** Differed although the provider has not changed them since: the mirror was wrong, and is put right. */
  readonly repaired: ReadonlyArray<string>
  /** Have changed at the provider since the last sync, and are now as they are there. */
  readonly outdated: number
  /** The provider says that they do not exist. */
  readonly gone: ReadonlyArray<string>
  /** Why those that are gone were not marked deleted; null: they were. */
  readonly stopped: ConnectionFault | null
  /**
   * At most this share of the conversations that were not checked is wrong, with 95% confidence; 0: all were checked.
   * Where those that are gone were not marked, they count as not checked.
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

type Finding = "same" | "repaired" | "outdated" | "gone"

/** Compares one conversation with the provider, and puts the mirror right, unless it is gone. */
const compare = Effect.fn("verify.compare")(function* (
  connection: OpenConnection,
  runId: number,
  providerId: string
) {
  const mirror = yield* Mirror
  const { name, keepRaw } = connection.config
  const known = (yield* mirror.known(name, [providerId])).get(providerId) ?? null
  const askedAt = now(yield* Clock.currentTimeMillis)
  // Without a fingerprint nothing is taken for unchanged.
  const page = yield* refetch(connection, providerId, known === null ? null : { ...known, fingerprint: null })
  const finding = (is: Finding) => ({ providerId, is, askedAt })
  if (page === null) return finding("gone")
  const totals = yield* tellingCommit(
    name,
    mirror.commit({
      runId,
      connection: name,
      lane: connection.lane,
      pages: [page],
      scan: null,
      keepRaw,
      seen: null
    })
  )
  if (totals.inserted + totals.updated === totals.contacts) return finding("same")
  const shown = page.items.find((item) => item._tag === "Sighting")?.conversation.updatedAt ?? null
  const isNewer = shown !== null && known?.updatedAt != null && shown > known.updatedAt
  return finding(isNewer ? "outdated" : "repaired")
})

/** @param sample how many conversations to compare; null: all */
export const verify = Effect.fn("verify")(function* (
  connection: OpenConnection,
  runId: number,
  sample: number | null
) {
  const mirror = yield* Mirror
  const { name } = connection.config
  const held = yield* mirror.countConversations(name)
  const chosen = yield* mirror.sample(name, sample ?? held)
  const findings = yield* Effect.forEach(chosen, (id) => compare(connection, runId, id), { concurrency })
  const ids = (is: Finding) => findings.filter((one) => one.is === is).map(({ providerId }) => providerId)
  const repaired = ids("repaired")
  const gone = ids("gone")
  const stopped = sampleBrake(connection.config, { asked: chosen.length, gone: gone.length, held })
  if (stopped === null) {
    for (const { askedAt, is, providerId } of findings) {
      if (is !== "gone") continue
      yield* mirror.tombstone({ connection: name, providerIds: [providerId], askedAt, runId })
    }
  }
  const sure = chosen.length - (stopped === null ? 0 : gone.length)
  const verdict: Verdict = {
    held,
    checked: chosen.length,
    repaired,
    outdated: ids("outdated").length,
    gone,
    stopped,
    atMostWrong: sure >= held ? 0 : upperBound(repaired.length, sure, 0.95)
  }
  return verdict
})
