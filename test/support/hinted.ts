import { Effect } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import { receiving } from "../../src/hints/hints.ts"
import type { Receiver } from "../../src/hints/receive.ts"
import {
  type HintFaults,
  type HintOnItsWay,
  noHintFaults,
  type Simulator,
  sendHints
} from "../../src/simulator/index.ts"

/** One webhook, as HTTP would hand it over. Gives what it is answered with. */
export const deliver = (
  receiver: Receiver,
  { body, headers, path }: Pick<HintOnItsWay, "body" | "headers" | "path">
) => {
  const led = receiver.lead({ method: "POST", target: path })
  return typeof led === "number"
    ? Effect.succeed(led)
    : Effect.as(led({ headers, body: Buffer.from(body) }), 200)
}

/** The simulated vendors send webhooks to a receiver of these connections, for as long as the scope. */
export const hinted = (
  simulator: Simulator,
  connections: ReadonlyArray<ConnectionConfig>,
  faults: HintFaults = noHintFaults
) =>
  Effect.gen(function* () {
    const receiver = yield* receiving({ connections })
    const runtime = yield* Effect.runtime<never>()
    const scope = yield* Effect.scope
    const sent: Array<HintOnItsWay> = []
    sendHints(simulator, faults, (hint) => {
      sent.push(hint)
      const arrives = Effect.zipRight(Effect.sleep(hint.delayMillis), deliver(receiver, hint))
      Effect.runFork(Effect.forkIn(arrives, scope).pipe(Effect.provide(runtime)))
    })
    return { receiver, sent }
  })
