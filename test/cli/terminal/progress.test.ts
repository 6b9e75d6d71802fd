import { it } from "@effect/vitest"
import { Effect, Exit, FastCheck as fc, Layer, Scope, TestClock } from "effect"
import { describe, expect, it as test } from "vitest"
import { Globals, type ProgressMode } from "../../../src/cli/globals.ts"
import { Host } from "../../../src/cli/Host.ts"
import { wallClock } from "../../../src/cli/terminal/numbers.ts"
import { Output } from "../../../src/cli/terminal/Output.ts"
import { progressLayer } from "../../../src/cli/terminal/Progress.ts"
import { afterClientEvent, afterCommit, started, timeLeft } from "../../../src/cli/terminal/progressState.ts"
import {
  asciiBar,
  barLine,
  barLines,
  finishedLine,
  plainLine,
  unicodeBar
} from "../../../src/cli/terminal/progressText.ts"
import { textWidth } from "../../../src/cli/terminal/width.ts"
import { Progress } from "../../../src/sync/progress.ts"
import { makeScreen } from "../../support/screen.ts"

const committed = (received: number) => ({
  received,
  inserted: received,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  quarantined: 0,
  conversations: received / 10,
  messages: 0,
  startedAt: 0
})

const atWork = (records: number, expected: number | null) => ({
  ...afterCommit(started("support", "convocore", "sync", 0), committed(records), 10_000),
  expected,
  requests: 12
})

const waiting = (until: number) =>
  afterClientEvent(atWork(1234, 500), { _tag: "Waiting", since: 10_000, until, reason: "it asked for 30 s" })

describe("a bar", () => {
  test("shows share, records, rate and time left where there is room", () => {
    expect(barLine(atWork(1000, 400), 10_000, 79, 8, asciiBar)).toBe(
      "support  #######-----------------------  25%  1,000 records  100/s  30s left"
    )
  })

  test("moves where nobody knows how much there will be", () => {
    const line = (now: number) => barLine(atWork(1000, null), now, 79, 7, unicodeBar)
    expect(line(10_000)).toMatch(/^support [━─]{30} 1,000 records {2}100\/s$/)
    expect(line(10_000)).not.toBe(line(10_500))
  })

  test("tells until when it waits, and why", () => {
    const until = 40_000
    expect(barLine(waiting(until), 12_000, 100, 7, asciiBar)).toBe(
      `support ###------------  24%  1,234 records  2m 02s left  waiting until ${wallClock(until, 0)}: it asked for 30 s`
    )
    expect(barLine(waiting(until), until, 100, 7, asciiBar)).not.toContain("waiting")
  })

  test("says until when it waits for as long as that has room, even where the bar and the reason have not", () => {
    const until = wallClock(40_000, 0)
    const at = (columns: number) => barLine(waiting(40_000), 12_000, columns, 7, asciiBar)
    expect(at(75)).toBe(`support 1,234 records  waiting until ${until}: it asked for 30 s`)
    expect(at(62)).toMatch(/^support [#-]{8,} {2}24% {2}1,234 records {2}waiting until [\d:]+$/)
    expect(at(50)).toBe(`support 1,234 records  waiting until ${until}`)
    expect(at(39)).toBe(`support 1,234  waiting until ${until}`)
    expect(at(30)).toBe("support 1,234 records")
  })

  test("shows requests until the first records come", () => {
    const asking = { ...started("support", "convocore", "sync", 0), requests: 12 }
    expect(barLine(asking, 10_000, 79, 7, asciiBar)).toMatch(/^support [#-]{30} 0 records {2}12 requests$/)
  })

  test("gives up the bar, the time and the rate before the number of records", () => {
    const at = (columns: number) => barLine(atWork(1000, 400), 10_000, columns, 7, asciiBar)
    expect(at(56)).toMatch(/^support [#-]{8,} {2}25% {2}1,000 records {2}100\/s {2}30s left$/)
    expect(at(46)).toMatch(/^support [#-]{8,} {2}25% {2}1,000 records {2}100\/s$/)
    expect(at(39)).toMatch(/^support [#-]{8,} {2}25% {2}1,000 records$/)
    expect(at(33)).toMatch(/^support [#-]{8,} 1,000 records$/)
    expect(at(24)).toBe("support 1,000 records")
    expect(at(12)).toBe("support 1,0…")
  })

  test("never is wider than the terminal, and begins where the others do", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 140 }),
        fc.array(
          fc.record({
            name: fc.stringMatching(/^[a-z0-9-]{1,30}$/),
            records: fc.nat(1e7),
            expected: fc.option(fc.nat(1e6)),
            wait: fc.option(fc.string({ maxLength: 60 }))
          }),
          { minLength: 1, maxLength: 5 }
        ),
        (columns, connections) => {
          const states = connections.map(({ expected, name, records, wait }) => ({
            ...afterCommit(started(name, "p", "sync", 0), committed(records), 5_000),
            expected,
            waiting: wait === null ? null : { until: 99_000, reason: wait }
          }))
          for (const line of barLines(states, 6_000, columns, unicodeBar)) {
            expect(textWidth(line)).toBeLessThanOrEqual(columns)
            expect(line).not.toContain("\n")
          }
        }
      )
    )
  })

  test("counts the waiting into the time left", () => {
    expect(timeLeft(atWork(1000, 200), 10_000)).toBe(10_000)
    expect(timeLeft({ ...atWork(1000, 200), waiting: { until: 40_000, reason: "" } }, 10_000)).toBe(40_000)
    expect(timeLeft(atWork(2000, 200), 10_000)).toBeNull()
    expect(timeLeft(atWork(2000, null), 10_000)).toBeNull()
  })
})

describe("a plain line", () => {
  test("says the same in words", () => {
    expect(plainLine(atWork(1000, 400), 10_000)).toBe(
      "support: 1,000 records (100 conversations), 25%, 100/s, 12 requests, 30s left"
    )
    expect(plainLine(waiting(40_000), 30_000)).toMatch(/, waiting until [\d:]+: it asked for 30 s$/)
  })
})

interface Watched {
  readonly mode: ProgressMode
  readonly columns?: number
  readonly quiet?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

/** Progress on a screen (or, without columns, on a pipe), under the test's clock. */
const watch = ({ columns, environment = { LANG: "C.UTF-8" }, mode, quiet = false }: Watched) =>
  Effect.gen(function* () {
    const screen = makeScreen(columns ?? 80)
    const written = { stderr: "", stdout: "" }
    const sink = (name: "stderr" | "stdout") => ({
      write: (text: string) => {
        written[name] += text
        if (columns !== undefined) screen.write(text)
      },
      isTerminal: columns !== undefined,
      isClosed: () => false,
      failure: () => null,
      size: () => (columns === undefined ? null : screen.size())
    })
    const host = Layer.succeed(Host, {
      cwd: "/",
      environment,
      stdout: sink("stdout"),
      stderr: sink("stderr"),
      stdin: Effect.succeed(""),
      queryProgram: ""
    })
    const globals = Layer.succeed(Globals, { config: null, db: null, json: false, progress: mode, quiet })
    const layer = progressLayer.pipe(
      Layer.provideMerge(Output.Default),
      Layer.provide(Layer.merge(host, globals))
    )
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(layer, scope)
    const close = Scope.close(scope, Exit.void)
    yield* Effect.addFinalizer(() => close)
    return {
      screen,
      written,
      close,
      tell: <A>(effect: Effect.Effect<A, never, Progress | Output>) => Effect.provide(effect, context)
    }
  })

const progress = <A>(use: (service: Progress["Type"]) => Effect.Effect<A>) => Effect.flatMap(Progress, use)

describe("the last line of a connection", () => {
  test("says what a pull has brought, and of a push what it has asked", () => {
    const done = { ...atWork(1000, null), messages: 850 }
    expect(finishedLine(done, "complete", null, 10_000, "sync")).toBe(
      "support: sync complete: 100 conversations, 850 messages, 12 requests in 10s"
    )
    expect(finishedLine({ ...done, lane: "push" }, "complete", null, 10_000, "sync")).toBe(
      "support: push complete: 12 requests in 10s"
    )
    expect(finishedLine({ ...done, lane: "verify" }, "complete", null, 10_000, "rebuild")).toBe(
      "support: rebuild complete: 100 conversations, 850 messages, 12 requests in 10s"
    )
  })
})

describe("progress on a terminal", () => {
  it.scoped("keeps one line for each connection, with everything else above", () =>
    Effect.gen(function* () {
      const { close, screen, tell } = yield* watch({ mode: "auto", columns: 80 })
      yield* tell(
        Effect.gen(function* () {
          yield* progress((p) => p.connectionStarted("leads", "naturalead", "sync"))
          yield* progress((p) => p.connectionStarted("support", "convocore", "sync"))
          yield* TestClock.adjust("2 seconds")
          expect(screen.lines()).toHaveLength(2)
          yield* progress((p) => p.notice("support", "exports are not allowed", "ask for them"))
          yield* progress((p) => p.committed("leads", committed(500)))
          yield* Effect.flatMap(Output, (output) => output.result("a result"))
          yield* TestClock.adjust("1 second")
        })
      )
      expect(screen.lines().slice(0, 2)).toEqual([
        "support: exports are not allowed (ask for them)",
        "a result"
      ])
      expect(screen.lines()[2]).toMatch(/^leads {3}[━─]+ 500 records {2}167\/s$/)
      expect(screen.lines()[3]).toMatch(/^support [━─]+ 0 records$/)
      yield* tell(progress((p) => p.connectionFinished("leads", "sync", "complete", null)))
      expect(screen.lines()).toContain("leads: sync complete: 50 conversations, 0 messages, 0 requests in 3s")
      expect(screen.lines()).toHaveLength(4)
      yield* close
      expect(screen.lines()).toHaveLength(3)
      expect(screen.isWhole()).toBe(true)
    })
  )

  it.scoped("is not torn when the terminal is made narrower and wider, again and again", () =>
    Effect.gen(function* () {
      const { screen, tell } = yield* watch({ mode: "bar", columns: 120 })
      yield* tell(
        Effect.gen(function* () {
          for (const name of ["leads", "support", "salon"]) {
            yield* progress((p) => p.connectionStarted(name, "p", "sync"))
          }
          let notes = 0
          for (const columns of [120, 40, 20, 75, 12, 100, 30]) {
            screen.resize(columns)
            yield* progress((p) => p.committed("leads", committed(10)))
            yield* TestClock.adjust("100 millis")
            notes += 1
            yield* Effect.flatMap(Output, (output) => output.note(`note ${notes}`))
            expect(screen.lines().slice(0, notes)).toEqual(
              Array.from({ length: notes }, (_, index) => `note ${index + 1}`)
            )
            expect(screen.lines()).toHaveLength(notes + 3)
            expect(screen.isWhole()).toBe(true)
          }
        })
      )
      expect(screen.lines().join("")).not.toContain("TORN")
    })
  )

  it.scoped("draws with what the terminal can show", () =>
    Effect.gen(function* () {
      const ascii = yield* watch({ mode: "bar", columns: 80, environment: { LANG: "C" } })
      yield* ascii.tell(progress((p) => p.connectionStarted("leads", "p", "sync")))
      yield* TestClock.adjust("1 second")
      expect(ascii.screen.lines()[0]).toMatch(/^leads [#-]+ 0 records$/)
    })
  )

  it.scoped("falls back to plain lines where nothing can be drawn", () =>
    Effect.gen(function* () {
      const dumb = yield* watch({ mode: "auto", columns: 80, environment: { TERM: "dumb" } })
      yield* dumb.tell(progress((p) => p.connectionStarted("leads", "p", "sync")))
      yield* TestClock.adjust("5 seconds")
      expect(dumb.written.stderr).toBe("leads: 0 records (0 conversations), 0 requests\n")
    })
  )
})

describe("progress in a pipe", () => {
  it.scoped("is a plain line every few seconds, and one a minute while a connection only waits", () =>
    Effect.gen(function* () {
      const { tell, written } = yield* watch({ mode: "auto" })
      yield* tell(
        Effect.gen(function* () {
          yield* progress((p) => p.connectionStarted("leads", "naturalead", "sync"))
          yield* TestClock.adjust("4 seconds")
          expect(written.stderr).toBe("")
          yield* progress((p) => p.committed("leads", committed(100)))
          yield* TestClock.adjust("1 seconds")
          expect(written.stderr).toBe("leads: 100 records (10 conversations), 20/s, 0 requests\n")
          yield* TestClock.adjust("55 seconds")
          expect(written.stderr.match(/\n/g)).toHaveLength(1)
          yield* TestClock.adjust("10 seconds")
          expect(written.stderr.match(/\n/g)).toHaveLength(2)
        })
      )
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in a pipe
      expect(written.stderr).not.toMatch(/[\u001b\r]/)
      expect(written.stdout).toBe("")
    })
  )

  it.scoped("stays plain where bars were asked for", () =>
    Effect.gen(function* () {
      const { tell, written } = yield* watch({ mode: "bar" })
      yield* tell(progress((p) => p.connectionStarted("leads", "p", "sync")))
      yield* TestClock.adjust("5 seconds")
      expect(written.stderr).toBe("leads: 0 records (0 conversations), 0 requests\n")
    })
  )

  it.scoped("is one JSON object a line where programs read it", () =>
    Effect.gen(function* () {
      const { tell, written } = yield* watch({ mode: "json" })
      yield* tell(
        Effect.gen(function* () {
          yield* progress((p) => p.connectionStarted("leads", "naturalead", "sync"))
          yield* progress((p) => p.expected("leads", 20))
          yield* progress((p) =>
            Effect.sync(() => p.clientEvent("leads", { _tag: "Sent", operation: "list", at: 0 }))
          )
          yield* TestClock.adjust("2 seconds")
          yield* progress((p) => p.committed("leads", committed(100)))
          yield* progress((p) =>
            Effect.sync(() =>
              p.clientEvent("leads", {
                _tag: "Waiting",
                since: 2_000,
                until: 9_000,
                reason: "it asked for 7 s"
              })
            )
          )
          yield* progress((p) =>
            Effect.sync(() => p.clientEvent("leads", { _tag: "RateLimited", status: 429, retryAt: 9_000 }))
          )
          yield* progress((p) => p.notice("leads", "odd", "look"))
          yield* progress((p) => p.connectionFinished("leads", "sync", "partial", "it stopped"))
        })
      )
      const common = { connection: "leads", lane: "sync" }
      const totals = { ...common, records: 100, conversations: 10, messages: 0, quarantined: 0, requests: 1 }
      const at = "1970-01-01T00:00:02.000Z"
      expect(
        written.stderr
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line))
      ).toEqual([
        { event: "connection_started", at: "1970-01-01T00:00:00.000Z", ...common, provider: "naturalead" },
        { event: "progress", at, ...totals, records_per_second: 50, fraction: 0.5, left_ms: 2000 },
        { event: "waiting", at, ...common, until: "1970-01-01T00:00:09.000Z", reason: "it asked for 7 s" },
        { event: "rate_limited", at, ...common, status: 429, retry_at: "1970-01-01T00:00:09.000Z" },
        { event: "notice", at, connection: "leads", message: "odd", hint: "look" },
        { event: "connection_finished", at, ...totals, outcome: "partial", message: "it stopped" }
      ])
    })
  )

  it.scoped("is nothing at all where none was asked for", () =>
    Effect.gen(function* () {
      for (const watched of [{ mode: "none" }, { mode: "auto", quiet: true, columns: 80 }] as const) {
        const { tell, written } = yield* watch(watched)
        yield* tell(
          Effect.gen(function* () {
            yield* progress((p) => p.connectionStarted("leads", "p", "sync"))
            yield* TestClock.adjust("1 minute")
            yield* progress((p) => p.notice("leads", "odd", "look"))
            yield* progress((p) => p.connectionFinished("leads", "sync", "complete", null))
          })
        )
        expect(written.stderr).toBe("")
      }
    })
  )

  it.scoped("does not tell of a lane that had nothing to do", () =>
    Effect.gen(function* () {
      const { tell, written } = yield* watch({ mode: "plain" })
      yield* tell(
        Effect.gen(function* () {
          yield* progress((p) => p.connectionStarted("leads", "p", "push"))
          yield* progress((p) => p.connectionFinished("leads", "push", "complete", null))
          yield* progress((p) => p.connectionStarted("leads", "p", "push"))
          yield* progress((p) => p.connectionFinished("leads", "push", "failed", "no such key"))
        })
      )
      expect(written.stderr).toBe("leads: push failed: no such key (0 requests in 0ms)\n")
    })
  )
})
