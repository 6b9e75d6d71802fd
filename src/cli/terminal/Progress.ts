import { Clock, Effect, Layer, Runtime, Schedule } from "effect"
import { Progress } from "../../sync/progress.ts"
import { Globals, type ProgressMode } from "../globals.ts"
import { Host } from "../Host.ts"
import { Output } from "./Output.ts"
import {
  clientEventLine,
  committedEvent,
  finishedEvent,
  noticeEvent,
  startedEvent
} from "./progressEvents.ts"
import { afterClientEvent, afterCommit, type ConnectionProgress, started } from "./progressState.ts"
import { asciiBar, barLines, finishedLine, plainLine, unicodeBar } from "./progressText.ts"

/** Milliseconds between two pictures on a terminal. */
const frame = 100

/** Milliseconds between two plain lines of a connection that gets on, and of one that waits. */
const plainEvery = 5_000
const plainWaiting = 60_000

const resolveMode = (
  mode: ProgressMode,
  quiet: boolean,
  {
    environment,
    stderr
  }: { readonly environment: Host["Type"]["environment"]; readonly stderr: Host["Type"]["stderr"] }
): Exclude<ProgressMode, "auto"> => {
  if (quiet) return "none"
  const drawable = stderr.isTerminal && environment.TERM !== "dumb"
  if (mode === "bar") return stderr.isTerminal ? "bar" : "plain"
  if (mode !== "auto") return mode
  return drawable ? "bar" : "plain"
}

const speaksUnicode = (environment: Host["Type"]["environment"]): boolean =>
  /utf-?8/i.test(environment.LC_ALL || environment.LC_CTYPE || environment.LANG || "")

/** Shows a run's progress on stderr, as `--progress` and the terminal require. */
export const progressLayer: Layer.Layer<Progress, never, Globals | Host | Output> = Layer.scoped(
  Progress,
  Effect.gen(function* () {
    const globals = yield* Globals
    const host = yield* Host
    const output = yield* Output
    const clock = yield* Effect.clock
    const runSync = Runtime.runSync(yield* Effect.runtime<never>())
    const mode = resolveMode(globals.progress, globals.quiet, host)
    const style = speaksUnicode(host.environment) ? unicodeBar : asciiBar
    const running = new Map<string, ConnectionProgress>()
    let command = ""
    const said = new Map<string, { readonly at: number; readonly records: number }>()

    const say = (text: string | null) => (mode === "none" || text === null ? Effect.void : output.note(text))

    const draw = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const columns = (host.stderr.size()?.columns ?? 80) - 1
      yield* output.live(barLines([...running.values()], now, columns, style))
    })

    const tellPlainly = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const state of running.values()) {
        const last = said.get(state.name)
        const stood = last !== undefined && last.records === state.records
        if (stood && now - last.at < plainWaiting) continue
        said.set(state.name, { at: now, records: state.records })
        yield* output.note(plainLine(state, now))
      }
    })

    if (mode === "bar") {
      yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced(frame)))
      yield* Effect.addFinalizer(() => output.live([]))
    } else if (mode === "plain") {
      yield* Effect.forkScoped(Effect.schedule(tellPlainly, Schedule.spaced(plainEvery)))
    }

    /** Updates one connection and reports it; ignores one that never started. */
    const update = (
      name: string,
      change: (state: ConnectionProgress, now: number) => ConnectionProgress,
      event: (state: ConnectionProgress, now: number) => string | null
    ) =>
      Effect.clockWith((clock) => {
        const state = running.get(name)
        if (state === undefined) return Effect.void
        const now = clock.unsafeCurrentTimeMillis()
        const next = change(state, now)
        running.set(name, next)
        return mode === "json" ? say(event(next, now)) : Effect.void
      })

    return {
      runStarted: (run) =>
        Effect.sync(() => {
          command = run.command
        }),
      runFinished: () => Effect.void,
      connectionStarted: (name, provider, lane) =>
        Effect.gen(function* () {
          const state = started(name, provider, lane, yield* Clock.currentTimeMillis)
          running.set(name, state)
          said.delete(name)
          if (mode === "json") yield* say(startedEvent(state))
        }),
      expected: (name, conversations) =>
        update(
          name,
          (state) => ({ ...state, expected: conversations }),
          () => null
        ),
      clientEvent: (name, event) => {
        const state = running.get(name)
        if (state === undefined) return
        const next = afterClientEvent(state, event)
        running.set(name, next)
        if (mode === "json") runSync(say(clientEventLine(next, event, clock.unsafeCurrentTimeMillis())))
      },
      committed: (name, committed) =>
        update(name, (state, now) => afterCommit(state, committed, now), committedEvent),
      notice: (name, message, hint) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          yield* say(
            mode === "json" ? noticeEvent(name, message, hint, now) : `${name}: ${message} (${hint})`
          )
        }),
      connectionFinished: (name, lane, outcome, message) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const state = running.get(name) ?? started(name, "", lane, now)
          running.delete(name)
          if (mode === "bar") yield* draw
          if (mode === "json") return yield* say(finishedEvent(state, outcome, message, now))
          const idle = lane === "push" && outcome === "complete" && state.requests === 0
          if (!idle) yield* say(finishedLine(state, outcome, message, now, command))
        })
    }
  })
)
