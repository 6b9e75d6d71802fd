import { Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { fromIso, type Timestamp } from "../domain/Timestamp.ts"
import { storeLayer } from "../layers.ts"
import { Mirror } from "../store/Mirror.ts"
import { backfillLane } from "../sync.ts"
import { loadConfiguration, selectConnections } from "./configuration.ts"
import { UsageError } from "./errors.ts"
import { maxWait, maxWaitMillis, names } from "./options.ts"
import { runAndReport } from "./running.ts"
import { verb } from "./verb.ts"

const time = (name: "since" | "until", means: string) =>
  Options.text(name).pipe(Options.withPseudoName("TIME"), Options.withDescription(means), Options.optional)

/** UTC; null: without bound. */
const readTime = (flag: string, text: Option.Option<string>): Effect.Effect<Timestamp | null, UsageError> => {
  if (Option.isNone(text)) return Effect.succeed(null)
  const read = fromIso(text.value)
  return read === null
    ? Effect.fail(
        new UsageError({
          message: `${flag}: "${text.value}" is not a time`,
          hint: "write a date or a time in ISO 8601, such as 2026-03-01 or 2026-03-01T08:00:00+01:00; without a zone it is UTC"
        })
      )
    : Effect.succeed(read)
}

export const backfill = verb(
  {
    name: "backfill",
    description:
      "Pulls the full history, beside the scheduled sync and behind it in line. An interrupted one goes on where it stopped.",
    config: {
      names,
      since: time("since", "Only conversations that began at this time or later."),
      until: time("until", "Only conversations that began before this time."),
      restart: Options.boolean("restart").pipe(
        Options.withDescription("Forget how far an interrupted backfill has come, and begin anew.")
      ),
      maxWait
    },
    examples: [
      "parley backfill",
      "parley backfill support --since 2026-01-01 --until 2026-02-01",
      "parley backfill --restart --max-wait 10m"
    ]
  },
  Effect.fn("backfill")(function* (input) {
    const since = yield* readTime("--since", input.since)
    const until = yield* readTime("--until", input.until)
    if (since !== null && until !== null && since >= until) {
      return yield* new UsageError({
        message: `--since ${since} is not before --until ${until}: nothing lies between them`,
        hint: "--since is part of the window, --until is its first moment outside"
      })
    }
    const waitMillis = yield* maxWaitMillis(input.maxWait)
    const config = yield* loadConfiguration
    const connections = yield* selectConnections(config, input.names)
    if (input.restart) {
      yield* Effect.flatMap(Mirror, (mirror) =>
        Effect.forEach(connections, ({ name }) => mirror.dropScan(name, "backfill"))
      ).pipe(Effect.provide(storeLayer(config.database)))
    }
    return yield* runAndReport(config.database, {
      command: "backfill",
      connections,
      maxWaitMillis: waitMillis,
      lanes: [backfillLane({ since, until })]
    })
  })
)
