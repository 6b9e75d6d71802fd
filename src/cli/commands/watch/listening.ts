import { isIP } from "node:net"
import { Effect, Exit, Layer, Scope } from "effect"
import type { Address } from "../../../files/listening.ts"
import { receiveHints } from "../../../hints/hints.ts"
import { storeLayer, talkingLayer } from "../../../sync/layers.ts"
import type { Fault } from "../../../sync/run.ts"
import type { Watched } from "../../../sync/watch/watch.ts"
import { toUsage, UsageError } from "../../errors.ts"

/*
 * What `watch --hints` and `serve --hints` have in common.
 */

const isLoopback = (host: string): boolean => host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

/** Null: webhooks are not taken in. */
export const readHintAddress = (text: string | null): Effect.Effect<Address | null, UsageError> => {
  if (text === null) return Effect.succeed(null)
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const written = bracketed ?? plain ?? ""
  const host = written === "localhost" ? "127.0.0.1" : written
  const port = Number(digits)
  if (digits === undefined || port > 65_535 || isIP(host) === 0) {
    return new UsageError({
      message: `--hints: "${text}" is not an address and a port`,
      hint: "write one such as 127.0.0.1:8718; port 0 takes any that is free"
    })
  }
  return isLoopback(host)
    ? Effect.succeed({ host, port })
    : new UsageError({
        message: `--hints: ${host} is reached from other machines, and webhooks would travel there unencrypted`,
        hint: `write 127.0.0.1:${port}, and let a proxy or tunnel on this machine speak TLS in front of it`
      })
}

/** Takes webhooks in for as long as the scope. Gives the address that it has. */
export const takeHints = Effect.fn("cli.takeHints")(function* (
  address: Address,
  { connections, database }: Watched,
  failed: (connection: string, fault: Fault) => Effect.Effect<void>
) {
  if (!connections.some((config) => config.hints !== undefined)) {
    return yield* new UsageError({
      message: "--hints: no connection expects webhooks",
      hint: "write hints: with path: and signingKey: below it, each a variable, at those whose vendor sends some"
    })
  }
  const store = yield* Layer.build(Layer.merge(storeLayer(database), talkingLayer))
  return yield* receiveHints(address, { connections, failed }).pipe(
    Effect.provide(store),
    Effect.catchTag("CannotListen", toUsage)
  )
})

/** The same, and again where something else is to be watched: what came until then is read, and the port is given back. */
export const takingHints = Effect.fn("cli.takingHints")(function* (...given: Parameters<typeof takeHints>) {
  const [address, first, failed] = given
  let scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const open = (wanted: Address, watched: Watched) => Scope.extend(takeHints(wanted, watched, failed), scope)
  const bound = yield* open(address, first)
  const again = (watched: Watched) =>
    Effect.gen(function* () {
      yield* Scope.close(scope, Exit.void)
      scope = yield* Scope.make()
      yield* open(bound, watched)
    })
  return { address: bound, again }
})
