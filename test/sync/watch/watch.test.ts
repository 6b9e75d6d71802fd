import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Fiber, TestClock } from "effect"
import type { ConnectionConfig } from "../../../src/config/Config.ts"
import { now } from "../../../src/domain/Timestamp.ts"
import { StoreError } from "../../../src/store/StoreError.ts"
import type { ConnectionReport, Fault, RunReport } from "../../../src/sync/run.ts"
import { type Ran, type WatchOptions, watch } from "../../../src/sync/watch/watch.ts"
import { makeLeapingClock } from "../../support/leapingClock.ts"

const minute = 60_000

const config = (name: string) => ({ name, limits: [], quota: 1 }) as unknown as ConnectionConfig

const connectionReport = (name: string, error: Fault | null): ConnectionReport => ({
  name,
  provider: "",
  outcome: error === null ? "complete" : "failed",
  requests: 1,
  rate_limited: 0,
  queued: 0,
  waited_ms: 0,
  pages: 0,
  received: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  quarantined: 0,
  conversations: 0,
  messages: 0,
  changes: { confirmed: 0, queued: 0, rejected: 0, conflict: 0, pending: 0 },
  error
})

/** How a connection fares in its runs: how long each takes, in minutes, and what goes wrong. */
type Fate = (visit: number) => { readonly takes: number; readonly error?: Fault }

const fine: Fate = () => ({ takes: 1 })

/** A watch over pretended connections, which notes when each was visited, in minutes. */
const pretend = (fates: Readonly<Record<string, Fate>>, broken: () => boolean = () => false) =>
  Effect.gen(function* () {
    const visits: Array<string> = []
    const interrupted: Array<string> = []
    const rans: Array<Ran> = []
    const seen = new Map<string, number>()
    const running = new Set<string>()
    const visit = (name: string) =>
      Effect.gen(function* () {
        expect(running.has(name)).toBe(false)
        running.add(name)
        const count = (seen.get(name) ?? 0) + 1
        seen.set(name, count)
        const { error = null, takes } = (fates[name] ?? fine)(count)
        visits.push(`${name}@${Math.round((yield* Clock.currentTimeMillis) / minute)}`)
        yield* Effect.sleep(takes * minute).pipe(
          Effect.onInterrupt(() => Effect.sync(() => interrupted.push(name)))
        )
        running.delete(name)
        return { report: connectionReport(name, error), retryAt: error?.retryAt ?? null }
      })
    const options: WatchOptions<never> = {
      rules: { timetable: { _tag: "Every", millis: 5 * minute, from: 0 }, jitter: 0 },
      watched: { database: "", connections: Object.keys(fates).map(config) },
      began: () => Effect.void,
      ran: (ran) => Effect.sync(() => rans.push(ran)),
      run: ({ connections }, settled) =>
        Effect.gen(function* () {
          if (broken()) {
            return yield* new StoreError({ op: "", kind: "disk-full", message: "the disk is full", hint: "" })
          }
          const reports = yield* Effect.forEach(
            connections,
            ({ name }) => Effect.map(Effect.tap(visit(name), settled), ({ report }) => report),
            { concurrency: "unbounded" }
          )
          const report: RunReport = {
            run_id: 1,
            command: "watch",
            outcome: "complete",
            started_at: now(0),
            finished_at: now(0),
            connections: reports
          }
          return report
        })
    }
    const handle = yield* watch(options)
    const fiber = yield* Effect.fork(handle.forever)
    const pass = (minutes: number) =>
      Effect.forEach(Array.from({ length: minutes }), () => TestClock.adjust("1 minute"), { discard: true })
    return { handle, fiber, visits, rans, interrupted, pass }
  })

const unavailable: Fault = { kind: "unavailable", message: "no answer", hint: "" }

describe("a watch", () => {
  it.scoped("visits all on the grid, and tells when it is next due", () =>
    Effect.gen(function* () {
      const { pass, rans, visits } = yield* pretend({ a: fine, b: fine })
      yield* pass(12)
      expect(visits).toEqual(["a@0", "b@0", "a@5", "b@5", "a@10", "b@10"])
      expect(rans.map(({ nextAt }) => nextAt / minute)).toEqual([5, 10, 15])
    })
  )

  it.live("makes one run of all that were due while the machine slept", () => {
    const leaping = makeLeapingClock()
    return Effect.gen(function* () {
      const { visits } = yield* pretend({ a: fine })
      yield* Effect.sleep("2 minutes")
      leaping.advance(180 * minute)
      yield* Effect.sleep("9 minutes")
      expect(visits).toEqual(["a@0", "a@182", "a@185", "a@190"])
    }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
  })

  it.scoped("lets a slow connection hold up nobody, never doubles it, and makes up once for it", () =>
    Effect.gen(function* () {
      const slow: Fate = (visit) => ({ takes: visit === 1 ? 12 : 1 })
      const quick: Fate = () => ({ takes: 2 })
      const { pass, rans, visits } = yield* pretend({ slow, quick })
      yield* pass(16)
      expect(visits).toEqual(["slow@0", "quick@0", "quick@5", "quick@10", "slow@12", "slow@15", "quick@15"])
      expect(rans.flatMap(({ retries }) => retries)).toEqual([])
    })
  )

  it.scoped("leaves a failing connection to its own attempts, and says when the next one is", () =>
    Effect.gen(function* () {
      const bad: Fate = (visit) => (visit <= 3 ? { takes: 0, error: unavailable } : { takes: 0 })
      const { pass, rans, visits } = yield* pretend({ bad, good: fine })
      yield* pass(16)
      expect(visits.filter((visit) => visit.startsWith("good"))).toEqual([
        "good@0",
        "good@5",
        "good@10",
        "good@15"
      ])
      const own = visits.filter((visit) => visit.startsWith("bad"))
      expect(own.length).toBe(6)
      expect(own.slice(0, 2)).toEqual(["bad@0", "bad@1"])
      expect(own.at(-1)).toBe("bad@15")
      const told = rans.flatMap(({ retries }) => retries.map(({ failures }) => failures))
      expect(told).toEqual([1, 2, 3, 3])
    })
  )

  it.scoped("syncs a connection whose runs take long only as often as leaves half of the time free", () =>
    Effect.gen(function* () {
      const { pass, rans, visits } = yield* pretend({ slow: () => ({ takes: 4 }), quick: fine })
      yield* pass(30)
      expect(visits.filter((visit) => visit.startsWith("slow"))).toEqual([
        "slow@0",
        "slow@5",
        "slow@13",
        "slow@21",
        "slow@29"
      ])
      expect(visits.filter((visit) => visit.startsWith("quick"))).toHaveLength(7)
      expect(rans.flatMap(({ slowed }) => slowed)[0]).toEqual({
        name: "slow",
        every: 8 * minute,
        took: 4 * minute
      })
    })
  )

  it.scoped("does not leave the schedule for records in quarantine", () =>
    Effect.gen(function* () {
      const dirty: Fate = () => ({ takes: 0, error: { ...unavailable, kind: "quarantined" } })
      const { pass, visits } = yield* pretend({ dirty })
      yield* pass(11)
      expect(visits).toEqual(["dirty@0", "dirty@5", "dirty@10"])
    })
  )

  it.scoped("outlives a mirror that cannot be written for a while, and says why nothing ran", () =>
    Effect.gen(function* () {
      let full = true
      const { pass, rans, visits } = yield* pretend({ a: fine }, () => full)
      yield* pass(4)
      full = false
      yield* pass(6)
      expect(rans[0]?.fault?.message).toBe("the disk is full")
      expect(rans[0]?.retries).toMatchObject([{ name: "a", failures: 1 }])
      expect(visits.length).toBeGreaterThan(0)
    })
  )

  it.scoped("takes other connections at once, and lets a run under way end as it began", () =>
    Effect.gen(function* () {
      const slow: Fate = () => ({ takes: 8 })
      const { handle, pass, visits } = yield* pretend({ slow, gone: fine })
      yield* pass(2)
      yield* handle.replace({ database: "", connections: [config("slow"), config("new")] })
      yield* pass(4)
      expect(visits).toEqual(["slow@0", "gone@0", "new@2", "new@5"])
      yield* pass(4)
      expect(visits.slice(4)).toEqual(["slow@8", "new@10"])
    })
  )
})

describe("the end of a watch", () => {
  it.effect("interrupts what runs, and waits for it", () =>
    Effect.gen(function* () {
      const { fiber, interrupted } = yield* Effect.scoped(
        Effect.gen(function* () {
          const pretended = yield* pretend({ a: () => ({ takes: 30 }), b: fine })
          yield* pretended.pass(3)
          yield* Fiber.interrupt(pretended.fiber)
          return pretended
        })
      )
      expect(interrupted).toEqual(["a"])
      expect((yield* Fiber.await(fiber))._tag).toBe("Failure")
    })
  )
})
