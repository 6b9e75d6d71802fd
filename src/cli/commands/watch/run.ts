import { Clock, Effect, Either } from "effect"
import { isTimeZone, parseDuration, spellDuration } from "../../../config/units.ts"
import { type Address, addressText } from "../../../files/listening.ts"
import { alert } from "../../../sync/alerts/alert.ts"
import { syncLanes } from "../../../sync/lanes.ts"
import { storeLayer, talkingLayer } from "../../../sync/layers.ts"
import { run } from "../../../sync/run.ts"
import { readAddress, serveHealth } from "../../../sync/watch/health.ts"
import type { Rules } from "../../../sync/watch/schedule.ts"
import { readCron, type Timetable } from "../../../sync/watch/timetable.ts"
import { watch as startWatch, type Watch, type Watched } from "../../../sync/watch/watch.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { describeFailure, type Failure, failureDocument, failureText } from "../../failure.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { machineTimeZone } from "../../machineTimeZone.ts"
import { maxWaitMillis } from "../../options.ts"
import { onHangup } from "../../signals.ts"
import { counted } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { eventText } from "../../terminal/progressEvents.ts"
import { fold } from "../../terminal/width.ts"
import type { WatchInput } from "./index.ts"
import { readHintAddress, takingHints } from "./listening.ts"
import { ranDocument, ranText, zonedClock } from "./text.ts"

const usage = (message: string, hint: string) => new UsageError({ message, hint })

/** Milliseconds; null: not given. */
const duration = (
  flag: string,
  text: string | null,
  least: number
): Effect.Effect<number | null, UsageError> => {
  if (text === null) return Effect.succeed(null)
  const millis = parseDuration(text)
  if (millis === null) {
    return usage(`${flag}: "${text}" is not a duration`, "write a number and a unit, such as 30s, 5m, 2h")
  }
  return millis < least
    ? usage(`${flag}: less than ${spellDuration(least)}`, "write a longer time")
    : Effect.succeed(millis)
}

type Given = Pick<WatchInput, "every" | "cron" | "jitter" | "timeZone">

/** `--every auto`: milliseconds between due times, and those that are enough where webhooks bring the news. */
const autoEvery = 30_000
const enoughBesideHints = 15 * 60_000

interface Plan {
  readonly rules: Rules
  /** Whether each connection is synced as often as it bears. */
  readonly isAuto: boolean
  readonly zone: string
  /** In words: `every 5 minutes`. */
  readonly words: string
}

const saysAuto = ({ every }: Given): boolean => every?.trim().toLowerCase() === "auto"

const readTimetable = (
  given: Given,
  zone: string,
  now: number
): Effect.Effect<{ readonly timetable: Timetable; readonly words: string }, UsageError> =>
  Effect.gen(function* () {
    const { cron, every } = given
    if ((every !== null) === (cron !== null)) {
      return yield* usage(
        every !== null ? "--every and --cron are two schedules" : "there is no schedule",
        'give one: --every 5m, --every auto, or --cron "*/5 * * * *"'
      )
    }
    if (saysAuto(given)) {
      const timetable: Timetable = { _tag: "Every", millis: autoEvery, from: now }
      return { timetable, words: `as often as each bears, at most every ${spellDuration(autoEvery)}` }
    }
    const millis = yield* duration("--every", every, 1000)
    if (millis !== null) {
      const timetable: Timetable = { _tag: "Every", millis, from: now }
      return { timetable, words: `every ${spellDuration(millis)}` }
    }
    const expression = cron ?? ""
    const timetable = yield* Either.mapLeft(readCron(expression, zone), (fault) =>
      usage(
        `--cron "${expression}": ${fault}`,
        'write minute, hour, day of the month, month, day of the week, such as "*/5 * * * *"'
      )
    )
    return { timetable, words: `at "${expression}"` }
  })

/** What the options say, or what is wrong with them. @param now epoch milliseconds @param machine its time zone */
const readPlan = (given: Given, now: number, machine: string): Effect.Effect<Plan, UsageError> =>
  Effect.gen(function* () {
    const zone = given.timeZone ?? machine
    if (!isTimeZone(zone)) {
      return yield* usage(
        `--time-zone: there is no time zone "${zone}"`,
        "write a name such as UTC or Europe/Berlin"
      )
    }
    const jitter = yield* duration("--jitter", given.jitter, 0)
    const { timetable, words } = yield* readTimetable(given, zone, now)
    if (jitter !== null && timetable._tag === "Every" && jitter >= timetable.millis) {
      return yield* usage("--jitter is not shorter than --every", "write a shorter time")
    }
    return { rules: { timetable, jitter }, isAuto: saysAuto(given), zone, words }
  })

/** Says things beside the results, in words or as an event. */
const makeSpeaker = Effect.gen(function* () {
  const { progress, quiet } = yield* Globals
  const output = yield* Output
  return (event: string, more: object, text: string) =>
    Effect.gen(function* () {
      if (progress === "json")
        return yield* output.note(eventText(event, yield* Clock.currentTimeMillis, more))
      if (!quiet) yield* output.note(text)
    })
})

/** Reloads the configuration; a broken one is reported, and the old one stays. */
const readAgain = <R>(watching: Watch<unknown>, load: Effect.Effect<Watched, Failure, R>) =>
  Effect.gen(function* () {
    const globals = yield* Globals
    const output = yield* Output
    const speak = yield* makeSpeaker
    const loaded = yield* Effect.either(load)
    if (Either.isRight(loaded)) {
      const { connections } = loaded.right
      yield* speak(
        "configuration_read",
        { connections: connections.map(({ name }) => name) },
        `the configuration was read again: ${counted(connections.length, "connection")}`
      )
      return yield* watching.replace(loaded.right)
    }
    const failure = describeFailure(loaded.left)
    const { error } = failureDocument(failure)
    if (globals.progress === "json") {
      const now = yield* Clock.currentTimeMillis
      return yield* output.note(eventText("configuration_refused", now, error))
    }
    yield* output.note(
      `${failureText(failure)}\nthe configuration was not changed: the one read before stays`
    )
  })

const healthAddress = (text: string): Effect.Effect<Address, UsageError> => {
  const address = readAddress(text)
  return address === null
    ? usage(`--health: "${text}" is not an address`, "write a port, such as 9464, or 127.0.0.1:9464")
    : Effect.succeed(address)
}

const whyNotListening: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EACCES: "this user may not listen there; ports below 1024 are the system's",
  EADDRNOTAVAIL: "this machine does not have that address",
  ENOTFOUND: "there is no such host"
}

export const watch = Effect.fn("watch")(function* (input: WatchInput) {
  const { json } = yield* Globals
  const output = yield* Output
  const speak = yield* makeSpeaker
  const { isAuto, rules, words, zone } = yield* readPlan(
    input,
    yield* Clock.currentTimeMillis,
    machineTimeZone((yield* Host).environment)
  )
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const load = Effect.gen(function* () {
    const config = yield* loadConfiguration
    const { database, notify } = config
    return { database, notify, connections: yield* selectConnections(config, input.names) }
  })
  const address = yield* readHintAddress(input.hints)
  const health = input.health === null ? null : yield* healthAddress(input.health)
  let watched = yield* load
  let beatAt = yield* Clock.currentTimeMillis
  // An unusable mirror is reported now rather than in every run.
  yield* Effect.provide(Effect.void, storeLayer(watched.database))
  if (health !== null) {
    const bound = yield* serveHealth(
      health,
      () => watched.database,
      () => ({ beatAt })
    ).pipe(
      Effect.mapError(({ code, hint }) =>
        usage(`--health: ${input.health}: ${whyNotListening[code] ?? code}`, hint)
      )
    )
    yield* speak(
      "health",
      { address: bound.host, port: bound.port },
      `health at ${addressText(bound)}/healthz and /metrics`
    )
  }
  const listening =
    address === null
      ? null
      : yield* takingHints(address, watched, (name, { hint, kind, message }) =>
          speak(
            "hints_failed",
            { connection: name, error: { kind, message, hint } },
            `${name}: what webhooks named could not be read: ${message}`
          )
        )
  if (listening !== null) {
    const names = watched.connections.filter(({ hints }) => hints !== undefined).map(({ name }) => name)
    const at = addressText(listening.address)
    yield* speak(
      "listening",
      { address: at, connections: names },
      `webhooks of ${names.join(", ")} are taken in at ${at}/hints/NAME/PATH`
    )
  }
  const watching = yield* startWatch({
    beat: (at) => {
      beatAt = at
    },
    rules,
    watched,
    enough: ({ hints }) => (isAuto && address !== null && hints !== undefined ? enoughBesideHints : 0),
    run: ({ connections, database, notify = [] }, settled) =>
      run({
        command: "watch",
        connections,
        maxWaitMillis: waitMillis,
        lanes: syncLanes({ pullOnly: input.pullOnly, pushOnly: false, full: false }),
        settled
      }).pipe(
        Effect.map(({ report }) => report),
        Effect.tap((report) => alert(notify, report)),
        Effect.provide([storeLayer(database), talkingLayer])
      ),
    began: (nextAt) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const first = nextAt <= now ? "now" : `at ${zonedClock(nextAt, now, zone)}`
        yield* speak(
          "watching",
          {
            schedule: words,
            time_zone: zone,
            next_run_at: new Date(nextAt).toISOString(),
            connections: watched.connections.map(({ name }) => name)
          },
          `watching ${counted(watched.connections.length, "connection")}, ${words}, times of ${zone}; first run ${first}`
        )
      }),
    ran: (ran) =>
      json
        ? output.line(ranDocument(ran))
        : Effect.flatMap(output.resultColumns, (room) => output.result(fold(ranText(ran, zone), room)))
  })
  const loading = Effect.tap(load, (loaded) =>
    Effect.sync(() => {
      watched = loaded
    })
  )
  /** A configuration with which webhooks cannot be taken in is reported, and none are until the next. */
  const replace = (next: Watched) =>
    Effect.zipRight(
      watching.replace(next),
      listening === null
        ? Effect.void
        : Effect.catchAll(listening.again(next), (error) => {
            const failure = describeFailure(error)
            return speak("hints_stopped", failureDocument(failure), failureText(failure))
          })
    )
  yield* onHangup(readAgain({ ...watching, replace }, loading))
  return yield* watching.forever
}, Effect.scoped)
