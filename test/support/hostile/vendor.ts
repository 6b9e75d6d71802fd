import { Clock, Duration, Effect } from "effect"
import type { Simulator, VendorId } from "../../../src/simulator/index.ts"
import { hashText, makeRandom, mix } from "../../../src/simulator/random.ts"
import { inProcessOrigins } from "../simulatedTransport.ts"
import type { Answering } from "../transport.ts"
import { type Draft, mutationNames, mutations, noJson } from "./mutations.ts"
import { type Call, type Saying, sayings, shapes, written } from "./wire.ts"

/** One answer, as it really left the vendor. Times are epoch milliseconds. */
export interface Served {
  readonly run: number
  /** Names the request within its run, e.g. `GET /api/conversations #0`: the first that asked for it. */
  readonly key: string
  readonly method: string
  readonly url: string
  readonly call: Call
  readonly from: number
  readonly to: number
  readonly status: number
  readonly mutation: string | null
  readonly wanting: boolean
  readonly says: ReadonlyArray<Saying & { readonly isCertain: boolean }>
  readonly body: string
}

/** What an opponent does during one run. */
export interface Mood {
  readonly run: number
  readonly seed: number
  /** Share of the answers that are changed; 0: the vendor is honest. */
  readonly share: number
  /** In its place another account answers. */
  readonly stranger: Simulator | null
  /** The most rows that a page of a list holds; null: as many as are asked for. */
  readonly rows: number | null
}

export interface HostileVendor {
  readonly answer: Answering
  readonly served: Array<Served>
  mood: Mood
  /** Changes that are left out, by `run key`, to find out which ones matter. */
  readonly spared: ReadonlySet<string>
}

/** A clock that leaps over short sleeps, such as those before a retry, and lets long ones, which are deadlines, be real. */
export const makeClock = (begins: number) => {
  const real = Clock.make()
  let ahead = begins - Date.now()
  let last = 0
  const now = () => {
    last = Math.max(last, Date.now() + ahead)
    return last
  }
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: now,
    unsafeCurrentTimeNanos: () => BigInt(now()) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now()) * 1_000_000n),
    currentTimeMillis: Effect.sync(now),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      return millis > 5_000
        ? real.sleep(duration)
        : Effect.zipRight(
            Effect.sync(() => {
              ahead += millis
            }),
            real.sleep(Duration.zero)
          )
    }
  }
  return {
    clock,
    now,
    pass: (millis: number) => {
      ahead += millis
    }
  }
}

export type TrialClock = ReturnType<typeof makeClock>

const bodyOf = (body: string | Iterable<string>): string =>
  typeof body === "string" ? body : [...body].join("")

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The request of another conversation in the place of this one. */
const misdirect = (path: string, id: string, simulator: Simulator, vendor: VendorId, hash: number) => {
  const others = [...simulator.vendors[vendor].world.conversations.keys()].filter((one) => one !== id)
  const other = others[hash % Math.max(1, others.length)]
  return other === undefined
    ? null
    : path.replace(encodeURIComponent(id), encodeURIComponent(other)).replace(id, other)
}

/** A vendor whose answers are those of a simulated one, changed on their way as its mood says. */
export const makeHostileVendor = (
  vendor: VendorId,
  simulator: Simulator,
  { now, pass }: TrialClock,
  spared: ReadonlySet<string>
): HostileVendor => {
  const asked = new Map<string, number>()
  /** What was answered honestly, by request: as something that keeps answers would give it again. */
  const kept = new Map<string, { readonly run: number; readonly text: string }>()
  const shape = shapes[vendor]

  const answer = (
    method: string,
    url: string,
    headers: Record<string, string>,
    sent: string,
    from: number
  ) => {
    const { mood } = hostile
    const path = url.split("?")[0] ?? url
    let call = shape.call(method, path)
    const name = `${method} ${url}`
    const nth = asked.get(`${mood.run} ${name}`) ?? 0
    asked.set(`${mood.run} ${name}`, nth + 1)
    const key = `${name} #${nth}`
    const random = makeRandom(mix(mood.seed, hashText(`${mood.run} ${key}`)))
    const strikes =
      random.unit() < mood.share && !spared.has(`${mood.run} ${key}`) && call.operation !== "other"
    const source = mood.stranger ?? simulator
    const clamped =
      mood.rows === null
        ? url
        : url.replace(
            /([?&](?:size|limit)=)(\d+)/,
            (_, parameter, size) => `${parameter}${Math.min(mood.rows ?? 0, Number(size))}`
          )
    let target = call.operation === "list" ? clamped : url
    let mutation: string | null = null
    if (strikes && call.id !== null && method === "GET" && random.below(12) === 0) {
      const other = misdirect(target, call.id, source, vendor, random.next())
      if (other !== null && other !== target) {
        target = other
        call = shape.call(method, other.split("?")[0] ?? other)
        mutation = "another's record"
      }
    }
    const real = source.handle(
      vendor,
      { method, origin: inProcessOrigins[vendor], url: target, headers, body: sent },
      from
    )
    let text = bodyOf(real.body)
    const before = kept.get(name)
    const isKept = method === "GET" && real.status === 200 && mood.stranger === null && mutation === null
    if (isKept) kept.set(name, { run: mood.run, text })
    if (isKept && strikes && before !== undefined && before.run < mood.run && random.below(8) === 0) {
      text = before.text
      mutation = "an earlier answer"
    }
    const draft: Draft = {
      vendor,
      call,
      random,
      status: real.status,
      headers: { ...real.headers },
      value: parsed(text),
      body: undefined,
      doubtful: new Set(),
      wanting: mutation === "another's record"
    }
    if (strikes && mutation === null && real.status < 300 && draft.value !== undefined) {
      for (let attempt = 0; attempt < 6; attempt += 1) {
        const chosen = mutationNames[random.below(mutationNames.length)] as string
        const before = written(draft.value)
        if (
          mutations[chosen]?.(draft) === true &&
          (draft.body !== undefined || written(draft.value) !== before || chosen === "label")
        )
          mutation = mutation === null ? chosen : `${mutation} + ${chosen}`
        // One more, now and then, while there is something left to change.
        if (
          mutation !== null &&
          (draft.body !== undefined || draft.value === undefined || random.below(2) === 0)
        )
          break
      }
    }
    const bytes =
      mutation === null || mutation === "another's record" || mutation === "an earlier answer"
        ? text
        : (draft.body ?? written(draft.value))
    const isGood = draft.status >= 200 && draft.status < 300
    const wanting =
      draft.wanting ||
      (mutation !== null && draft.value !== undefined && written(draft.value).includes(noJson))
    const said = isGood && draft.value !== undefined ? sayings(vendor, call, draft.value) : []
    pass(1)
    hostile.served.push({
      run: mood.run,
      key,
      method,
      url,
      call: shape.call(method, path),
      from,
      to: now(),
      status: draft.status,
      mutation,
      wanting,
      says: said.map((one) => ({ ...one, isCertain: !draft.doubtful.has(one.record) && !wanting })),
      body:
        typeof bytes === "string" ? bytes : `(bytes) ${Buffer.from(bytes).toString("latin1").slice(0, 2_000)}`
    })
    pass(1)
    return { status: draft.status, headers: draft.headers, bytes }
  }

  const answering: Answering = ({ body, headers, method, path }) =>
    Effect.sync(() => {
      pass(1)
      const from = now()
      pass(1)
      const { bytes, ...answered } = answer(method, path, { ...headers }, body ?? "", from)
      return { ...answered, body: answered.status === 204 ? "" : bytes }
    })
  const hostile: HostileVendor = {
    answer: answering,
    served: [],
    mood: { run: 0, seed: 0, share: 0, stranger: null, rows: null },
    spared
  }
  return hostile
}
