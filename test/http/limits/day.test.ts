import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Random } from "effect"
import type { Lane, ProviderRequest } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { registry } from "../../../src/providers/index.ts"
import {
  type LogEntry,
  makeSimulator,
  type Simulator,
  type VendorId,
  vendorIds
} from "../../../src/simulator/index.ts"
import { simulatedTransport } from "../../support/simulatedTransport.ts"
import { settingsFor } from "../../support/simulatedVendor.ts"
import { hour, testClient } from "../support/client.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const begins = Date.UTC(2026, 2, 9)
const minute = 60_000
const day = 24 * hour

/** Milliseconds until each answer: a refusal is known so much later than it was made. */
const latency = 80

/** One way to refuse, and the instant that it names, for a refusal at `at` (epoch milliseconds); null: it names none. */
interface Refusal {
  readonly headers: Readonly<Record<string, string>>
  readonly until: (at: number) => number | null
}

const names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

/** Every form, made at `now` for a wait of so many seconds. Dates are whole seconds. */
const forms: Readonly<Record<string, (now: number, seconds: number) => Refusal>> = {
  seconds: (_, seconds) => ({
    headers: { "retry-after": String(seconds) },
    until: (at) => at + seconds * 1000
  }),
  fraction: () => ({ headers: { "retry-after": "2.75" }, until: (at) => at + 2750 }),
  "IMF date": (now, seconds) => {
    const until = Math.ceil(now / 1000) * 1000 + seconds * 1000
    return { headers: { "retry-after": new Date(until).toUTCString() }, until: () => until }
  },
  "RFC 850 date": (now, seconds) => {
    const until = Math.ceil(now / 1000) * 1000 + seconds * 1000
    const [, date = "", month = "", year = "", time = ""] = new Date(until).toUTCString().split(" ")
    const long = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    const name = long[new Date(until).getUTCDay()]
    return {
      headers: { "retry-after": `${name}, ${date}-${month}-${year.slice(2)} ${time} GMT` },
      until: () => until
    }
  },
  "asctime date": (now, seconds) => {
    const until = Math.ceil(now / 1000) * 1000 + seconds * 1000
    const at = new Date(until)
    const [, , month = "", year = "", time = ""] = at.toUTCString().split(" ")
    const text = `${names[at.getUTCDay()]} ${month} ${String(at.getUTCDate()).padStart(2)} ${time} ${year}`
    return { headers: { "retry-after": text }, until: () => until }
  },
  zero: () => ({ headers: { "retry-after": "0" }, until: () => null }),
  negative: () => ({ headers: { "retry-after": "-30" }, until: () => null }),
  "a date that is past": (now) => ({
    headers: { "retry-after": new Date(now - hour).toUTCString() },
    until: () => null
  }),
  garbage: () => ({ headers: { "retry-after": "soon" }, until: () => null }),
  absent: () => ({ headers: {}, until: () => null }),
  reset: (_, seconds) => ({
    headers: { "ratelimit-reset": String(seconds) },
    until: (at) => at + seconds * 1000
  }),
  "reset as an instant": (now, seconds) => {
    const until = Math.ceil(now / 1000) * 1000 + seconds * 1000
    return { headers: { "x-ratelimit-reset": String(until / 1000) }, until: () => until }
  },
  combined: (_, seconds) => ({
    headers: { ratelimit: `limit=100, remaining=0, reset=${seconds}` },
    until: (at) => at + seconds * 1000
  }),
  "several, the longest": (now, seconds) => ({
    headers: {
      "retry-after": "1",
      "ratelimit-reset": String(seconds),
      "x-ratelimit-reset": String(Math.ceil(now / 1000) + 1)
    },
    until: (at) => at + Math.max(seconds, 1) * 1000
  }),
  "several values": (_, seconds) => ({
    headers: { "retry-after": `1, ${seconds}` },
    until: (at) => at + seconds * 1000
  })
}

/** Longer than anybody waits: nothing leaves for that vendor for the rest of the day. */
const absurd: Refusal = { headers: { "retry-after": "31536000" }, until: (at) => at + 365 * day }

const reads: Readonly<Record<VendorId, ReadonlyArray<ProviderRequest>>> = {
  naturalead: [{ operation: "list conversations", method: "GET", path: "/conversations" }],
  convocore: [{ operation: "list agents", method: "GET", path: "/agents" }],
  empfio: [{ operation: "list conversations", method: "GET", path: "/api/v1/conversations" }],
  aelyst: Array.from({ length: 40 }, (_, index) => ({
    operation: "read a contact",
    method: "GET",
    path: `/contact/id:${index}`
  }))
}

interface Weather {
  readonly form: string
  readonly refusal: Refusal
}

/** What the vendors refuse in the course of the day, each time in another form; told apart by the fault's name. */
const weather = (simulator: Simulator, told: Map<string, Weather>) => {
  const kinds = Object.keys(forms)
  const refuse = (vendor: VendorId, form: string, refusal: Refusal, times: number) => {
    const name = `${vendor} ${told.size}`
    told.set(name, { form, refusal })
    simulator.faults.add({
      name,
      vendor,
      times,
      effect: { kind: "answer", status: 429, headers: refusal.headers }
    })
  }
  const over = (vendor: VendorId) =>
    Effect.gen(function* () {
      for (let round = 0; round < 3 * kinds.length; round += 1) {
        yield* Effect.sleep((yield* Random.nextIntBetween(5, 28)) * minute)
        const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        if (now > begins + 22 * hour) break
        const form = kinds[(round + vendorIds.indexOf(vendor) * 4) % kinds.length] ?? "absent"
        const seconds = yield* Random.nextIntBetween(1, 600)
        const refusal = forms[form]?.(now, seconds)
        if (refusal !== undefined) refuse(vendor, form, refusal, yield* Random.nextIntBetween(1, 5))
        if (round % 4 === 1) {
          const effect = { kind: "answer", status: 449 } as const
          simulator.faults.add({ name: "449", vendor, times: yield* Random.nextIntBetween(1, 6), effect })
        }
        if (round % 4 === 3) {
          const effect = { kind: "answer", status: 503, headers: { "retry-after": "120" } } as const
          simulator.faults.add({ name: "503", vendor, times: 1, effect })
        }
      }
      yield* Effect.sleep(begins + 23 * hour - (yield* Effect.clockWith((clock) => clock.currentTimeMillis)))
      if (vendor === "empfio") refuse(vendor, "absurd", absurd, 1)
    })
  return Effect.forEach(vendorIds, over, { concurrency: "unbounded", discard: true })
}

/** A day's requests of one vendor: a sync every ten minutes, a push every seven, a backfill that uses up its limits. */
const work = (simulator: Simulator, vendor: VendorId) =>
  Effect.gen(function* () {
    const definition = registry[vendor]
    if (definition === undefined) return yield* Effect.dieMessage(`no ${vendor}`)
    const settings = settingsFor(simulator, vendor)
    const open = (lane: Lane) =>
      testClient({
        baseUrl: settings.baseUrl,
        title: definition.title,
        authorization: definition.authorize(settings),
        limits: definition.limits,
        lane,
        concurrency: null,
        maxWaitMillis: hour
      })
    let count = 0
    const failed: Array<string> = []
    const some = (
      client: { readonly read: (request: ProviderRequest) => Effect.Effect<unknown, { _tag: string }> },
      requests: number
    ) =>
      Effect.forEach(
        Array.from({ length: requests }, () => count++),
        (nth) => {
          const request = reads[vendor][nth % reads[vendor].length]
          if (request === undefined) return Effect.void
          return Effect.exit(client.read({ ...request, query: { nth }, mayBeMissing: true })).pipe(
            Effect.tap((exit) => {
              if (Exit.isFailure(exit))
                failed.push(exit.cause._tag === "Fail" ? exit.cause.error._tag : "died")
            })
          )
        },
        { concurrency: 16, discard: true }
      )
    const every = (millis: number, lane: Lane, requests: number) =>
      Effect.gen(function* () {
        const { client } = yield* open(lane)
        while (true) {
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          if (now >= begins + day - millis) return
          yield* Effect.sleep(millis - ((now - begins) % millis))
          yield* some(client, requests)
        }
      })
    const backfill = Effect.gen(function* () {
      yield* Effect.sleep("3 hours")
      const { client } = yield* open("backfill")
      yield* some(client, 700)
    })
    yield* Effect.all([every(10 * minute, "sync", 5), every(7 * minute, "push", 1), backfill], {
      concurrency: "unbounded",
      discard: true
    })
    return failed
  })

const bucketOf = ({ method, url, vendor }: LogEntry): string =>
  vendor === "aelyst" ? `${method} ${url.split("?")[0]}` : vendor

const grouped = (log: ReadonlyArray<LogEntry>, keyOf: (entry: LogEntry) => string) => {
  const groups = new Map<string, Array<LogEntry>>()
  for (const entry of log) {
    const group = groups.get(keyOf(entry))
    if (group === undefined) groups.set(keyOf(entry), [entry])
    else group.push(entry)
  }
  return [...groups.values()]
}

/** Requests that left before their instant, or beside the one that finds out whether a refusal is over. */
const tooEarly = (entries: ReadonlyArray<LogEntry>, told: ReadonlyMap<string, Weather>) => {
  const faults: Array<string> = []
  const inARow = new Map<LogEntry, number>()
  for (const [index, refused] of entries.entries()) {
    if (refused.status !== 429) continue
    const known = refused.at + latency
    // Requests that were on their way when the refusal came are nobody's fault.
    const next = entries.findIndex((entry, later) => later > index && entry.at > known)
    const probe = entries[next]
    if (probe === undefined) continue
    const row = inARow.get(refused) ?? 1
    if (probe.status === 429) inARow.set(probe, row + 1)
    const weather = told.get(refused.faults.at(-1) ?? "")
    const until = weather?.refusal.until(refused.at) ?? null
    const step = known + Math.min(60_000, 1000 * 2 ** (row - 1))
    const least = until !== null && until > known ? until : step
    const what = `${refused.vendor} ${weather?.form ?? "its own limit"}, refusal ${row} in a row`
    if (weather !== undefined && probe.at < least) faults.push(`${what}: ${least - probe.at} ms early`)
    const beside = entries[next + 1]
    if (beside !== undefined && beside.at < probe.at + latency) faults.push(`${what}: not alone`)
  }
  return faults
}

/** One request's repetitions: after a 449 on its schedule, after a 503 not before the instant it named. */
const tooSoon = (entries: ReadonlyArray<LogEntry>) => {
  let queued = 0
  return entries.flatMap(({ at, status, url }, index) => {
    const next = entries[index + 1]
    if (status === 449) queued += 1
    const minutes = status === 449 ? ([1, 2, 4][queued - 1] ?? 5) : status === 503 ? 2 : 0
    const early = next === undefined ? 0 : at + minutes * minute - next.at
    return early > 0 ? [`${url}: ${early} ms early after ${status}`] : []
  })
}

it.live(
  "through a simulated day nothing leaves before its vendor allows it, and one request finds out whether a refusal is over",
  () =>
    Effect.gen(function* () {
      const simulator = makeSimulator({
        seed: 20260309,
        conversations: 1,
        now: begins,
        faults: [{ name: "the way", effect: { kind: "delay", millis: latency } }],
        vendors: { empfio: { limit: { requests: 120, perMillis: minute } } }
      })
      const told = new Map<string, Weather>()
      const failed = yield* Effect.gen(function* () {
        yield* Effect.fork(weather(simulator, told))
        return yield* Effect.forEach(vendorIds, (vendor) => work(simulator, vendor), {
          concurrency: "unbounded"
        })
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.merge(Governor.alone, simulatedTransport(simulator))),
        Effect.withRandom(Random.make("a day")),
        (effect) => inVirtualTime(effect, begins)
      )
      const { log } = simulator
      assert.deepStrictEqual(
        grouped(log, bucketOf).flatMap((entries) => tooEarly(entries, told)),
        []
      )
      assert.deepStrictEqual(grouped(log, ({ url, vendor }) => `${vendor} ${url}`).flatMap(tooSoon), [])
      // Limits that are told are kept without a single refusal; one that is not costs few.
      const limited = log.filter((entry) => entry.limited)
      assert.deepStrictEqual(
        limited.filter(({ vendor }) => vendor !== "empfio"),
        []
      )
      assert.isAtMost(limited.length, 20)
      const struck = new Set(log.flatMap(({ faults }) => faults.map((name) => told.get(name)?.form ?? name)))
      assert.deepStrictEqual(
        [...Object.keys(forms), "absurd", "449", "503"].filter((form) => !struck.has(form)),
        []
      )
      assert.isAtLeast(log.length, 5000)
      // All is served in the end, but for the vendor that asked for a year.
      assert.deepStrictEqual(
        failed.map((tags) => [...new Set(tags)]),
        vendorIds.map((vendor) => (vendor === "empfio" ? ["RateLimited"] : []))
      )
      const year = log.find(({ faults }) => told.get(faults.at(-1) ?? "")?.form === "absurd")?.at ?? 0
      assert.deepStrictEqual(
        log.filter(({ at, vendor }) => vendor === "empfio" && at > year + latency),
        []
      )
    }),
  120_000
)
