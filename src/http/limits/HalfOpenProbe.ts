import { isProbed, served } from "./cooldown.ts"
import { recovered } from "./rateSearch.ts"
import type { QuotaLedger, SharedBucket } from "./shared/sharedState.ts"
import { type Blocked, blockedUntil, look } from "./take.ts"

const reason = "one request finds out whether it is over"

/** After a refusal: who finds out whether it is over. One request at a time, in all processes together. */
export class HalfOpenProbe {
  private readonly ledger: QuotaLedger
  private readonly key: string
  private readonly member: string
  private isOut = false

  constructor(ledger: QuotaLedger, key: string, member: string) {
    this.ledger = ledger
    this.key = key
    this.member = member
  }

  /** Whether the next request is the one. Asks the shared state; the answer holds until it is sent. */
  claim(shared: SharedBucket, now: number): Blocked | null {
    const { member } = this
    if (this.isOut || isProbed(shared, member, now)) return blockedUntil(now + look, reason)
    const view = this.ledger.update(this.key, now, (before) => {
      const isFree = before.shared.refusals > 0 && before.shared.until <= now
      return isFree && !isProbed(before.shared, member, now)
        ? { shared: { ...before.shared, probe: { member, at: now } } }
        : {}
    })
    return view.shared.probe?.member === member && view.shared.until <= now
      ? null
      : blockedUntil(now + look, reason)
  }

  sent(): void {
    this.isOut = true
  }

  /** It came to nothing: another one may follow. */
  lost(): void {
    this.isOut = false
  }

  served(now: number): void {
    this.isOut = false
    this.ledger.update(this.key, now, ({ shared }) => {
      const { finder } = shared
      return { shared: { ...served(shared), finder: finder === null ? null : recovered(finder, now) } }
    })
  }
}
