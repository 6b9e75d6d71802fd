import { generated, type Library, loadDialogues } from "./dialogues.ts"
import { type Fault, type FaultEngine, makeFaultEngine } from "./faults.ts"
import { type ParsedRequest, parseRequest, type SimulatedRequest, type SimulatedResponse } from "./http.ts"
import { makeLimiter } from "./limits.ts"
import type { BrokenRecord } from "./mutilate.ts"
import { mix } from "./random.ts"
import { carryOut, delayOf, type Later, recordChanger } from "./strikes.ts"
import type { AnyVendor, Context } from "./vendor.ts"
import { makeVendors, type VendorId, type VendorOptions, type Vendors, vendorIds } from "./vendors/index.ts"
import type { WorldInput } from "./world.ts"

export { type VendorId, vendorIds } from "./vendors/index.ts"

export interface SimulatorOptions {
  /** The same seed gives the same worlds and the same faults. */
  readonly seed: number
  /** How many conversations each vendor holds. */
  readonly conversations: number | Readonly<Partial<Record<VendorId, number>>>
  /** A file of gzipped JSON lines to take texts and lengths from; left out: made-up dialogues. */
  readonly dialogues?: string | undefined
  /** Epoch milliseconds: when the worlds begin; what they hold happened in the 60 days before. */
  readonly now: number
  readonly faults?: ReadonlyArray<Fault> | undefined
  /** Whether the vendors' limits are kept; default: they are. */
  readonly limits?: boolean | undefined
  readonly vendors?: VendorOptions
}

/** One request that arrived. Times are epoch milliseconds. */
export interface LogEntry {
  readonly vendor: VendorId
  readonly at: number
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly operation: string
  readonly write: boolean
  readonly conversationId: string | null
  /** What was answered, or would have been, had the connection not been cut. */
  readonly status: number
  readonly fate: SimulatedResponse["fate"]
  /** The limits that it counted in, e.g. `my-vendor POST /v1/list`. */
  readonly buckets: ReadonlyArray<string>
  /** True where the vendor's own limit refused it. */
  readonly limited: boolean
  readonly faults: ReadonlyArray<string>
}

/** The vendors, each a function of the request and the time. */
export interface Simulator {
  readonly seed: number
  readonly vendors: Vendors
  /** Answers a request at `now` (epoch milliseconds). What the answer's fate is, the transport carries out. */
  readonly handle: (vendor: VendorId, request: SimulatedRequest, now: number) => SimulatedResponse
  readonly log: Array<LogEntry>
  /** Records that faults have broken so far. */
  readonly broken: Array<BrokenRecord & { readonly vendor: VendorId; readonly at: number }>
  readonly faults: FaultEngine
  /** Carries out what the vendors had queued until `now`. Every request does so first. */
  readonly settle: (now: number) => void
}

/** A foreground simulator runs for days; the oldest entries go. */
const longestLog = 500_000

const inputFor =
  (options: SimulatorOptions, library: Library) =>
  (vendor: VendorId): WorldInput => ({
    seed: mix(options.seed, vendorIds.indexOf(vendor)),
    conversations:
      typeof options.conversations === "number"
        ? options.conversations
        : (options.conversations[vendor] ?? 0),
    library,
    now: options.now
  })

/** Makes the vendors. Throws where `dialogues` names a file that cannot be read. */
export const makeSimulator = (options: SimulatorOptions): Simulator => {
  const library = options.dialogues === undefined ? generated : loadDialogues(options.dialogues)
  const vendors = makeVendors(inputFor(options, library), options.vendors)
  const limiter = makeLimiter()
  const faults = makeFaultEngine(options.seed, options.faults ?? [])
  const log: Simulator["log"] = []
  const broken: Simulator["broken"] = []
  let due: Array<Later> = []

  const settle = (now: number) => {
    if (due.length === 0) return
    const ripe = due.filter((one) => one.at <= now)
    due = due.filter((one) => one.at > now)
    for (const one of ripe) one.run()
  }

  const answer = (vendorId: VendorId, request: ParsedRequest, now: number): SimulatedResponse => {
    const vendor: AnyVendor = vendors[vendorId]
    const route = vendor.route(request)
    const refusal = options.limits === false ? null : limiter.take(route.windows, now)
    const { operation, write, conversationId } = route
    const strikes =
      refusal === null
        ? faults.strike({ ...request, vendor: vendorId, operation, write, conversationId })
        : []
    const context: Context = {
      now,
      empty: strikes.some((strike) => strike.effect.kind === "empty"),
      room: (window) => limiter.room(window, now).remaining,
      record: recordChanger(strikes, (what) => broken.push({ vendor: vendorId, at: now, ...what }))
    }
    const response =
      refusal === null
        ? carryOut(vendor, route, context, strikes.at(-1), (one) => due.push(one))
        : vendor.error(429, refusal.waitMillis, refusal.window)
    settle(now)
    if (log.length >= longestLog) log.splice(0, longestLog / 2)
    log.push({
      vendor: vendorId,
      at: now,
      method: request.method,
      url: request.url,
      operation,
      write,
      conversationId,
      status: response.status,
      fate: response.fate,
      buckets: route.windows.map((window) => window.key),
      limited: refusal !== null,
      faults: strikes.map((strike) => strike.name)
    })
    const headers = options.limits === false ? {} : vendor.limitHeaders(route.windows, limiter, now)
    return { ...response, headers: { ...headers, ...response.headers }, delayMillis: delayOf(strikes) }
  }

  return {
    seed: options.seed,
    vendors,
    handle: (vendor, request, now) => {
      settle(now)
      return answer(vendor, parseRequest(request), now)
    },
    log,
    broken,
    faults,
    settle
  }
}
