import { createHash, timingSafeEqual } from "node:crypto"
import { Clock, Deferred, Effect, Redacted, type Scope } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { now } from "../domain/Timestamp.ts"
import type { HintDelivery } from "../providers/Provider.ts"
import { Hints, type ReceivedHint } from "../store/hints/Hints.ts"

/*
 * Webhooks, from their arrival to their row. Nothing of a body is kept or logged: it holds texts, phone numbers and, at
 * some vendors, a key.
 */

/** A request for the receiver, before its body is read. */
interface Approach {
  readonly method: string
  /** Path and query. */
  readonly target: string
}

/** Takes in what one connection is sent, and completes once it is written down. Never fails. */
export type Deliver = (delivery: HintDelivery) => Effect.Effect<void>

export interface Receiver {
  /** Where a request leads; a number: the status to answer with at once, whatever its body is. */
  readonly lead: (approach: Approach) => Deliver | 404 | 405
}

/** So many webhooks wait to be written down; others are counted, and what they would have said comes with the next sync. */
const mostWaiting = 1_000

const countsWritten = 1_000
const hour = 3_600_000

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

interface Post {
  readonly config: ConnectionConfig
  readonly path: Buffer
}

/** @param arrived called for each connection of which something was written down */
export const makeReceiver = (
  connections: ReadonlyArray<ConnectionConfig>,
  arrived: (connection: string) => void
): Effect.Effect<Receiver, never, Hints | Scope.Scope> =>
  Effect.gen(function* () {
    const hints = yield* Hints
    const posts = new Map<string, Post>(
      connections.flatMap((config) =>
        config.hints === undefined
          ? []
          : [[config.name, { config, path: digest(Redacted.value(config.hints.path)) }] as const]
      )
    )
    const nowhere = digest("")

    const waiting: Array<{ readonly hint: ReceivedHint; readonly done: Deferred.Deferred<void> }> = []
    const turned = new Map<string, { refused: number; unread: number; dropped: number }>()
    const someWait = yield* Effect.makeLatch(false)
    const someTurned = yield* Effect.makeLatch(false)
    const reported = new Map<string, number>()

    /** One line in the log for each kind and hour. */
    const report = (connection: string, kind: string, message: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        const key = `${connection} ${kind}`
        if (at - (reported.get(key) ?? Number.NEGATIVE_INFINITY) < hour) return Effect.void
        reported.set(key, at)
        return Effect.logWarning(`${connection}: ${message}`)
      })

    const turn = (connection: string, what: "refused" | "unread" | "dropped") =>
      Effect.suspend(() => {
        const counts = turned.get(connection) ?? { refused: 0, unread: 0, dropped: 0 }
        counts[what] += 1
        turned.set(connection, counts)
        return someTurned.open
      })

    const writeDown = Effect.gen(function* () {
      yield* someWait.await
      yield* someWait.close
      const batch = waiting.splice(0)
      if (batch.length === 0) return
      const written = yield* Effect.either(hints.record(batch.map(({ hint }) => hint)))
      if (written._tag === "Left") {
        for (const { hint } of batch) yield* turn(hint.connection, "dropped")
        yield* Effect.logError(`webhooks cannot be written down: ${written.left.message}`)
      }
      for (const { done } of batch) yield* Deferred.succeed(done, undefined)
      if (written._tag === "Right") for (const { hint } of batch) arrived(hint.connection)
    })

    const countDown = Effect.suspend(() => {
      const counts = [...turned]
      turned.clear()
      return Effect.forEach(counts, ([connection, each]) => Effect.ignore(hints.turned(connection, each)))
    })
    yield* Effect.addFinalizer(() => countDown)
    yield* Effect.forkScoped(Effect.forever(writeDown))
    // A flood of what is refused costs one write a second.
    yield* Effect.forkScoped(
      Effect.forever(
        someTurned.await.pipe(
          Effect.zipRight(someTurned.close),
          Effect.zipRight(countDown),
          Effect.zipRight(Effect.sleep(countsWritten))
        )
      )
    )

    const deliver =
      ({ definition, hints: configured, name }: ConnectionConfig): Deliver =>
      (delivery) =>
        Effect.gen(function* () {
          const { hints: vendor, title } = definition
          if (vendor === undefined || configured === undefined) return
          if (!vendor.isSigned(delivery, configured.signingKeys)) {
            yield* turn(name, "refused")
            return yield* report(
              name,
              "refused",
              `a webhook was refused: no signingKey of this connection has signed it. Where ${title} sent it, correct the key (${vendor.setUp})`
            )
          }
          const reading = vendor.read(Buffer.from(delivery.body).toString("utf8"))
          if (reading._tag !== "Hint") {
            yield* turn(name, "unread")
            return yield* reading._tag === "Test"
              ? Effect.logInfo(`${name}: ${title} tried whether its webhooks arrive: they do`)
              : report(
                  name,
                  reading.kind,
                  `webhooks of ${title} that name no conversation (${reading.kind}) are not used`
                )
          }
          if (waiting.length >= mostWaiting) {
            yield* turn(name, "dropped")
            return yield* report(
              name,
              "dropped",
              "more webhooks come than can be written down: the next sync finds the rest"
            )
          }
          const { _tag, ...read } = reading
          const at = now(yield* Clock.currentTimeMillis)
          const done = yield* Deferred.make<void>()
          waiting.push({ hint: { connection: name, ...read, at }, done })
          yield* someWait.open
          yield* Deferred.await(done)
        })

    return {
      lead: ({ method, target }) => {
        const [path = ""] = target.split("?")
        const [, room, name = "", secret = "", ...more] = path.split("/")
        const post = posts.get(name)
        // Compared in any case, so that the time does not tell which names there are.
        const isIt = timingSafeEqual(digest(secret), post?.path ?? nowhere)
        if (room !== "hints" || post === undefined || !isIt || more.length > 0) return 404
        return method === "POST" ? deliver(post.config) : 405
      }
    }
  })
