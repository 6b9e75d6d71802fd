import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Effect, Layer, Queue } from "effect"
import { runConnector } from "../../src/airbyte/connector.ts"
import { destination } from "../../src/airbyte/destination.ts"
import { source } from "../../src/airbyte/source.ts"
import { Lines, Sink } from "../../src/airbyte/stdio.ts"
import { registry } from "../../src/providers/index.ts"
import { baseUrls, type Simulator, type VendorId } from "../../src/simulator/index.ts"
import { inProcessOrigins, simulatedTransport } from "../support/simulatedTransport.ts"
import { unlimited } from "../support/unlimited.ts"

/*
 * A small stand-in for a platform: it writes the files that a connector is given, reads its lines, and can end it at any of
 * them.
 */

// biome-ignore lint/suspicious/noExplicitAny: what a connector prints is looked at here as a platform would
export type Message = any

export interface Ran {
  /** Null: it was ended from outside. */
  readonly code: 0 | 1 | null
  readonly messages: ReadonlyArray<Message>
  readonly text: string
}

export interface VerbOptions {
  readonly config: object
  readonly catalog?: object
  readonly state?: unknown
  /** What comes on stdin. */
  readonly lines?: ReadonlyArray<string>
  /** After so many of these, a minute passes before the others come. */
  readonly pauseAt?: number
  /** The reader is gone after so many lines; what is written later is lost. */
  readonly endAfter?: number
  /** Called for each line, before the next one is written. */
  readonly reading?: (line: string) => Effect.Effect<void>
}

/** What a form would give for an account at a simulated vendor. */
export const configFor = (simulator: Simulator, vendor: VendorId, more: object = {}) => ({
  provider: { provider: vendor, ...simulator.vendors[vendor].settings() },
  base_url: baseUrls(simulator, inProcessOrigins)[vendor],
  checkpoint_seconds: 0,
  ...more
})

const transport = (simulator: Simulator) => Layer.merge(unlimited, simulatedTransport(simulator))

/** Runs a verb of a connector in this process. @param surroundings the transport and the limits; left out: no limits */
export const runVerb = (
  of: "source" | "destination",
  verb: string,
  simulator: Simulator,
  options: VerbOptions,
  surroundings: ReturnType<typeof transport> = transport(simulator)
): Effect.Effect<Ran> =>
  Effect.gen(function* () {
    const folder = mkdtempSync(join(tmpdir(), "parley-platform-"))
    const file = (name: string, value: unknown): ReadonlyArray<string> => {
      if (value === undefined) return []
      const path = join(folder, `${name}.json`)
      writeFileSync(path, JSON.stringify(value))
      return [`--${name}`, path]
    }
    const argv = [
      verb,
      ...file("config", options.config),
      ...file("catalog", options.catalog),
      ...file("state", options.state)
    ]
    const received: Array<string> = []
    const gone = yield* Deferred.make<void>()
    const write = (text: string): Effect.Effect<void> =>
      Effect.forEach(
        text.split("\n").slice(0, -1),
        (line) =>
          Effect.gen(function* () {
            if (received.length >= (options.endAfter ?? Number.POSITIVE_INFINITY)) {
              yield* Deferred.succeed(gone, undefined)
              return yield* Effect.never
            }
            received.push(line)
            if (options.reading !== undefined) yield* options.reading(line)
          }),
        { discard: true }
      )
    const queue = yield* Queue.unbounded<string | null>()
    const lines = [...(options.lines ?? []), null]
    const { pauseAt = lines.length } = options
    yield* Queue.offerAll(queue, lines.slice(0, pauseAt))
    yield* Effect.fork(Effect.zipRight(Effect.sleep("1 minute"), Queue.offerAll(queue, lines.slice(pauseAt))))
    const sink = Layer.succeed(Sink, { write })
    const providers = Effect.succeed(registry)
    const program =
      of === "source" ? runConnector(source, providers, argv) : runConnector(destination, providers, argv)
    const code = yield* Effect.raceFirst(
      program.pipe(
        Effect.provide(Layer.mergeAll(sink, surroundings, Layer.succeed(Lines, queue))),
        Effect.disconnect
      ),
      Effect.as(Deferred.await(gone), null)
    )
    rmSync(folder, { recursive: true, force: true })
    return { code, messages: received.map((line) => JSON.parse(line)), text: received.join("\n") }
  })

export const ofType = (messages: ReadonlyArray<Message>, type: string): ReadonlyArray<Message> =>
  messages.filter((message) => message.type === type)

export const recordsOf = (messages: ReadonlyArray<Message>, stream?: string): ReadonlyArray<Message> =>
  ofType(messages, "RECORD")
    .map(({ record }) => record)
    .filter((record) => stream === undefined || record.stream === stream)

/** The last state of each stream, as a platform hands them back. */
export const lastStates = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => [
  ...new Map(
    ofType(messages, "STATE").map(({ state }) => [state.stream.stream_descriptor.name, state])
  ).values()
]

/** Every stream, to be read in this way. */
export const catalogOf = (streams: ReadonlyArray<Message>, sync_mode = "incremental"): object => ({
  streams: streams.map((stream) => ({ stream, sync_mode, destination_sync_mode: "append_dedup" }))
})

const lineage = new Set(["observed_at", "change_seq"])

/** A table as a destination would hold it: of each id the record with the greatest cursor, and none that is gone. */
export const receivedTable = (
  records: ReadonlyArray<Message>,
  stream: string
): ReadonlyMap<string, Message> => {
  const rows = new Map<string, Message>()
  for (const { data } of records.filter((record) => record.stream === stream)) {
    const before = rows.get(data.id)
    if (before === undefined || before.change_seq <= data.change_seq) rows.set(data.id, data)
  }
  return new Map(
    [...rows].map(([id, row]) => [
      id,
      Object.fromEntries(Object.entries(row).filter(([column]) => !lineage.has(column)))
    ])
  )
}
