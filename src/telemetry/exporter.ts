import { Clock, Context, Effect, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { postJson } from "../http/exchange/postJson.ts"
import { Transport } from "../http/exchange/transport.ts"
import { metricsDocument, type Sender, traceDocument } from "./otlp.ts"
import type { Recorder } from "./Recorder.ts"
import type { Settings } from "./settings.ts"

/*
 * Sends what was recorded to a collector, beside the run and never in its way: posts are bounded in time, what cannot be
 * sent is dropped, with one warning.
 */

const spansAtOnce = 512

/** Milliseconds between two posts of spans, and of metrics. */
const spansEvery = 5000
const metricsEvery = 10_000

/** Milliseconds that one post may take, and all that is left to be sent when the program ends. */
const postMillis = 5000
const lastMillis = 2000

export interface Exporter {
  /** To be called when spans were added. */
  readonly added: () => void
}

/** A collector that answers one of these may be asked again. */
const isPassing = (status: number): boolean => [429, 502, 503, 504].includes(status)

/** Sends for as long as the scope; when that closes, what is left is sent. */
export const makeExporter = (
  { headers, metricsUrl, origin, tracesUrl }: Settings,
  sender: Sender,
  recorder: Recorder
): Effect.Effect<Exporter, never, Scope.Scope> =>
  Effect.gen(function* () {
    // Not the scope itself: what is sent last needs the connection while that closes.
    const connection = yield* Scope.make()
    // The caller's logger: what is logged at the end goes the same way.
    const runtime = yield* Effect.runtime<never>()
    const transport = yield* Effect.cached(
      Effect.promise(() => import("../http/exchange/undici.ts")).pipe(
        Effect.flatMap(({ undiciTransport }) => Layer.buildWithScope(undiciTransport, connection)),
        Effect.map((context) => Context.get(context, Transport))
      )
    )
    const full = yield* Effect.makeLatch(false)
    const turn = yield* Effect.makeSemaphore(1)
    let warned = false
    let well = true
    let measuredAt = yield* Clock.currentTimeMillis

    const warn = (why: string) =>
      Effect.suspend(() => {
        if (warned) return Effect.void
        warned = true
        return Effect.logWarning(
          `traces and metrics could not be sent to ${origin} (${why}): the run goes on without`
        )
      }).pipe(Effect.provide(runtime))

    /** Whether it is done with, sent or refused; what failed for now may be sent again. */
    const post = (url: string, document: object): Effect.Effect<boolean> =>
      Effect.gen(function* () {
        const { dispatch } = yield* transport
        const own = Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)])
        const status = yield* postJson(dispatch, url, Object.fromEntries(own), document)
        if (status < 300) return true
        yield* warn(`it answered ${status}`)
        return !isPassing(status)
      }).pipe(
        Effect.timeout(postMillis),
        Effect.catchTag("TimeoutException", () => Effect.as(warn("it does not answer"), false)),
        Effect.catchAllCause(() => Effect.as(warn("it gave no answer"), false))
      )

    const sendSpans = Effect.gen(function* () {
      while (recorder.waiting > 0) {
        const spans = recorder.take(spansAtOnce)
        well = yield* Effect.onInterrupt(post(tracesUrl, traceDocument(sender, spans)), () =>
          Effect.sync(() => recorder.giveBack(spans))
        )
        if (!well) return recorder.giveBack(spans)
      }
    })

    const sendMetrics = Effect.gen(function* () {
      measuredAt = yield* Clock.currentTimeMillis
      yield* post(metricsUrl, metricsDocument(sender, recorder.metrics.read(measuredAt)))
    })

    const now = turn.withPermits(1)(
      Effect.gen(function* () {
        yield* sendSpans
        if (recorder.began && (yield* Clock.currentTimeMillis) - measuredAt >= metricsEvery) {
          yield* sendMetrics
        }
      })
    )

    const last = turn.withPermits(1)(
      Effect.gen(function* () {
        recorder.endAll(yield* Clock.currentTimeMillis)
        if (recorder.began) yield* Effect.all([sendMetrics, sendSpans], { concurrency: 2, discard: true })
        if (recorder.lost > 0) yield* warn(`it is too slow: ${recorder.lost} spans were given up`)
      })
    )

    // Where nothing is taken, more spans are no reason to ask again sooner.
    const due = Effect.suspend(() =>
      well ? Effect.race(full.await, Effect.sleep(spansEvery)) : Effect.sleep(spansEvery)
    )
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.zipRight(due, full.close), now)))
    yield* Effect.addFinalizer(() =>
      last.pipe(
        Effect.timeoutTo({ duration: lastMillis, onSuccess: () => true, onTimeout: () => false }),
        // In a fiber of its own: that of a program that is stopped is interrupted already, and would send nothing.
        Effect.interruptible,
        Effect.forkDaemon,
        Effect.flatMap(Fiber.join),
        Effect.flatMap((isSent) => (isSent ? Effect.void : warn("it does not answer"))),
        Effect.ensuring(Scope.close(connection, Exit.void))
      )
    )
    return {
      added: () => {
        if (recorder.waiting >= spansAtOnce) full.unsafeOpen()
      }
    }
  })
