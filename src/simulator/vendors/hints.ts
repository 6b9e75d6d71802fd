import type { HintFaults } from "../names.ts"
import { hex, makeRandom, mix } from "../random.ts"
import type { Simulator } from "../simulator.ts"
import type { AnyVendor, SimulatedHint } from "../vendor.ts"
import { type VendorId, vendorIds } from "./index.ts"

/*
 * The vendors' webhooks, and what can become of them on their way.
 */

/** One that is under way. */
export interface HintOnItsWay extends SimulatedHint {
  readonly vendor: VendorId
  /** Of the address that it is sent to: `/hints/NAME/PATH`. */
  readonly path: string
  /** What it tells of happened then, epoch milliseconds. */
  readonly happenedAt: number
  /** It arrives so many milliseconds later. */
  readonly delayMillis: number
  readonly conversationId: string
  readonly isForged: boolean
}

const usualDelay = 400
const longDelay = 120_000

/** Where a vendor's webhooks are sent to, below the receiver's address; null: it sends none. */
export const hintPath = ({ connection, hints }: Pick<AnyVendor, "connection" | "hints">): string | null =>
  hints === undefined ? null : `/hints/${connection}/${hints.path}`

/** Hands over each webhook as it is sent, from now on. The same seed gives the same faults. */
export const sendHints = (
  simulator: Simulator,
  faults: HintFaults,
  send: (hint: HintOnItsWay) => void
): void => {
  const random = makeRandom(mix(simulator.seed, 947))
  for (const id of vendorIds) {
    const vendor: AnyVendor = simulator.vendors[id]
    const { hints, world } = vendor
    const path = hintPath(vendor)
    if (hints === undefined || path === null) continue
    world.listeners.push((change) => {
      const isForged = random.unit() < faults.forged
      const hint = hints.hintOf(change, isForged ? hex(mix(simulator.seed, random.next()), 40) : hints.key)
      if (hint === null || random.unit() < faults.lost) return
      const copies = random.unit() < faults.doubled ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        const longest = random.unit() < faults.late ? longDelay : usualDelay
        const delayMillis = 1 + random.below(longest)
        const { at: happenedAt, conversationId } = change
        send({ ...hint, vendor: id, path, happenedAt, delayMillis, conversationId, isForged })
      }
    })
  }
}
