import { join } from "node:path"
import { Effect, Exit, Layer, ManagedRuntime, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeSimulator, type Simulator, type VendorId } from "../../src/simulator/index.ts"
import { makeRandom, mix, type Random } from "../../src/simulator/random.ts"
import type { StoreError } from "../../src/store/StoreError.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { silent } from "../../src/sync/progress.ts"
import type { ConnectionReport } from "../../src/sync/run.ts"
import { makeWorld, pullRun, rowsOf, temporaryFolder, type World } from "../support/inProcess.ts"
import { simulatedTransport } from "../support/simulatedTransport.ts"
import { unlimited } from "../support/unlimited.ts"

/*
 * Lists that move while they are read: between any two requests of a scan conversations come, go, change places and
 * get messages, by seeded schedules. Set PARLEY_SCHEDULES to try more than a few of each.
 */

const schedules = Number(process.env.PARLEY_SCHEDULES ?? 10)

interface Style {
  readonly vendor: VendorId
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** Rows in a page: what is asked for beyond is not given. Left out: as many as the vendor gives. */
  readonly rows?: number
  readonly conversations: number
  /** Whether messages are pulled too. */
  readonly messages?: boolean
  /**
   * `nothing is missed`: a scan that says that it is complete has all that was there from its beginning to its end.
   * `the next sync has it`: nothing in the answers can show that the list moved.
   * `never complete`: the list is cut, and says so.
   */
  readonly promise: "nothing is missed" | "the next sync has it" | "never complete"
}

const styles: ReadonlyArray<Style> = [
  {
    vendor: "naturalead",
    name: "everything in one answer",
    options: { paging: "ignored" },
    conversations: 30,
    messages: true,
    promise: "nothing is missed"
  },
  {
    vendor: "naturalead",
    name: "pages by skip and limit, with a total",
    options: { paging: "capped", cap: 7, envelope: "data" },
    conversations: 30,
    promise: "nothing is missed"
  },
  {
    vendor: "naturalead",
    name: "bare pages by skip and limit, without a total, which can shrink unseen",
    options: { paging: "capped", cap: 50, envelope: "bare" },
    conversations: 130,
    promise: "the next sync has it"
  },
  {
    vendor: "naturalead",
    name: "a list cut after some rows, with a total",
    options: { paging: "truncated", cap: 10, envelope: "conversations" },
    conversations: 30,
    promise: "never complete"
  },
  {
    vendor: "empfio",
    name: "numbered pages, newest change first",
    options: { order: "updated_at" },
    rows: 7,
    conversations: 30,
    promise: "nothing is missed"
  },
  {
    vendor: "empfio",
    name: "numbered pages, in order of creation, 404 past the end",
    options: { order: "created_at", pastTheEnd: "missing" },
    rows: 7,
    conversations: 30,
    promise: "nothing is missed"
  },
  {
    vendor: "empfio",
    name: "numbered pages in no order, with messages",
    options: { order: "none" },
    rows: 9,
    conversations: 24,
    messages: true,
    promise: "nothing is missed"
  },
  {
    vendor: "aelyst",
    name: "a cursor that is exclusive, oldest first",
    options: { cursor: "exclusive", contactOrder: "ascending" },
    rows: 6,
    conversations: 30,
    promise: "nothing is missed"
  },
  {
    vendor: "aelyst",
    name: "a cursor that is inclusive, newest first, with messages",
    options: { cursor: "inclusive", contactOrder: "descending" },
    rows: 6,
    conversations: 24,
    messages: true,
    promise: "nothing is missed"
  },
  {
    vendor: "convocore",
    name: "a cursor",
    options: { paging: "cursor" },
    conversations: 70,
    promise: "nothing is missed"
  },
  {
    vendor: "convocore",
    name: "numbered pages without a total, with messages",
    options: { paging: "page" },
    conversations: 130,
    messages: true,
    promise: "the next sync has it"
  }
]

/** Lets the world move before requests are answered, and the vendor give no more than `rows` rows in a page. */
const disturb = (simulator: Simulator, { rows, vendor }: Style, random: Random, moves: { left: number }) => {
  const { world } = simulator.vendors[vendor]
  const { handle } = simulator
  const chosen = (): string | undefined => {
    const ids = [...world.conversations.keys()]
    return ids[random.below(Math.max(1, ids.length))]
  }
  const move = (at: number) => {
    const id = chosen()
    if (id === undefined) return
    switch (random.below(6)) {
      case 0:
        return world.addConversation(at, 1 + random.below(3))
      case 1:
        return world.conversations.size > 5 ? world.remove(id) : undefined
      case 2:
        return world.reorder(random)
      case 3:
        return world.setStatus(id, world.statuses[random.below(world.statuses.length)] ?? "", at)
      default:
        return world.addMessage(id, at)
    }
  }
  Object.assign(simulator, {
    handle: (id: VendorId, request: Parameters<typeof handle>[1], now: number) => {
      while (moves.left > 0 && random.unit() < 0.4) {
        moves.left -= 1
        move(now)
      }
      if (rows === undefined) return handle(id, request, now)
      const url = request.url.replace(
        /([?&](?:size|limit)=)(\d+)/,
        (_, name, size) => `${name}${Math.min(rows, Number(size))}`
      )
      return handle(id, { ...request, url }, now)
    }
  })
}

const layer = (folder: string) => Layer.mergeAll(storeLayer(join(folder, "mirror.db")), silent, unlimited)

const scope = Effect.runSync(Scope.make())
let world: World
let runtime: ManagedRuntime.ManagedRuntime<Layer.Layer.Success<ReturnType<typeof layer>>, StoreError>
beforeAll(async () => {
  const made = await Effect.runPromise(
    Scope.extend(Effect.all({ world: makeWorld({ conversations: 0 }), folder: temporaryFolder }), scope)
  )
  world = made.world
  runtime = ManagedRuntime.make(layer(made.folder))
})
afterAll(async () => {
  await runtime.dispose()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const newSimulator = ({ conversations, options, vendor }: Style, extra: number) =>
  makeSimulator({
    seed: 7,
    conversations: { [vendor]: conversations + extra },
    now: Date.now() - 60_000,
    limits: false,
    vendors: { [vendor]: options }
  })

/** One sync of a connection of its own. */
const sync = async (
  simulator: Simulator,
  { messages = false, vendor }: Style,
  name: string
): Promise<ConnectionReport> => {
  const connection = { ...world.connection(vendor, name), messages: messages ? "auto" : "off" } as const
  const { report } = await runtime.runPromise(
    Effect.provide(pullRun([connection]), simulatedTransport(simulator))
  )
  const own = report.connections[0]
  if (own === undefined) throw new Error("no report")
  return own
}

interface Stored {
  readonly provider_id: string
  readonly stored_messages: number
}

const storedOf = (name: string) =>
  runtime.runPromise(
    rowsOf<Stored>(
      `SELECT provider_id, stored_messages FROM conversations
       WHERE connection = ? AND deleted_at IS NULL ORDER BY provider_id`,
      name
    )
  )

/** What the vendor shows, as `storedOf` would tell it. Convocore lists nothing in which nothing was said. */
const heldBy = (simulator: Simulator, { messages = false, vendor }: Style): ReadonlyArray<Stored> => {
  const held = simulator.vendors[vendor].world
  return [...held.conversations.keys()]
    .filter((id) => vendor !== "convocore" || held.messages(id).length > 0)
    .map((provider_id) => ({
      provider_id,
      stored_messages: messages ? held.messages(provider_id).length : 0
    }))
    .sort((a, b) => (a.provider_id < b.provider_id ? -1 : 1))
}

const asText = ({ provider_id, stored_messages }: Stored): string => `${provider_id}: ${stored_messages}`

/** What the mirror holds and the vendor does not, and the other way round. */
const differences = (seed: number, stored: ReadonlyArray<Stored>, held: ReadonlyArray<Stored>) => {
  const [ours, theirs] = [stored.map(asText), held.map(asText)]
  return {
    seed,
    more: ours.filter((one) => !theirs.includes(one)),
    less: theirs.filter((one) => !ours.includes(one))
  }
}

const repeatedHistory = `
  SELECT conversation_id FROM (
    SELECT conversation_id, to_status, provider_status,
      lag(to_status) OVER w AS status_before, lag(provider_status) OVER w AS word_before
    FROM status_history WINDOW w AS (PARTITION BY conversation_id ORDER BY id))
  WHERE to_status = status_before AND provider_status IS word_before`

describe("a list that moves while it is read", () => {
  for (const [index, style] of styles.entries()) {
    const { promise } = style
    it(`${style.vendor}, ${style.name}: ${promise}, and the next sync has everything (${schedules} schedules)`, async () => {
      let complete = 0
      for (let seed = 0; seed < schedules; seed += 1) {
        // Nothing here waits for anything, so that the test runner would not hear of us.
        await new Promise((done) => setTimeout(done, 0))
        const random = makeRandom(mix(mix(2026, index), seed))
        const simulator = newSimulator(style, random.below(style.conversations))
        const held = simulator.vendors[style.vendor].world
        const before = heldBy(simulator, style).map(({ provider_id }) => provider_id)
        const moves = { left: 1 + random.below(24) }
        disturb(simulator, style, random, moves)
        const name = `moving-${index}-${seed}`

        const first = await sync(simulator, style, name)
        const stored = new Set((await storedOf(name)).map(({ provider_id }) => provider_id))
        const lost = before.filter((id) => held.conversations.has(id) && !stored.has(id))
        if (first.outcome === "complete") {
          complete += 1
          if (promise === "nothing is missed") expect({ seed, lost }).toEqual({ seed, lost: [] })
        } else expect(first.error?.kind).toMatch(/^(incomplete|malformed|quarantined)$/)

        moves.left = 0
        const second = await sync(simulator, style, name)
        if (promise === "never complete") {
          expect(second.error?.kind).toBe("incomplete")
          continue
        }
        expect({ seed, error: second.error }).toEqual({ seed, error: null })
        expect(differences(seed, await storedOf(name), heldBy(simulator, style))).toEqual({
          seed,
          more: [],
          less: []
        })
      }
      if (promise !== "never complete") expect(complete).toBeGreaterThan(schedules / 3)
      else expect(complete).toBe(0)
      expect(await runtime.runPromise(rowsOf(repeatedHistory))).toEqual([])
    }, 3_600_000)
  }
})

const paged = (vendor: VendorId): Style => {
  const found = styles.find(
    (style) => style.vendor === vendor && (style.rows !== undefined || vendor !== "empfio")
  )
  if (found === undefined) throw new Error(`no style of ${vendor}`)
  return found
}
const byCursor: ReadonlyArray<Style> = [paged("aelyst"), paged("convocore")]

type Handle = Simulator["handle"]

/** Answers some requests in another way. */
const intercept = (
  simulator: Simulator,
  other: (handle: Handle, ...input: Parameters<Handle>) => ReturnType<Handle>
) => {
  const { handle } = simulator
  Object.assign(simulator, { handle: (...input: Parameters<Handle>) => other(handle, ...input) })
}

const cursorOf = (url: string): string | null =>
  new URL(url, "https://x").searchParams.get("cursorId") ??
  new URL(url, "https://x").searchParams.get("cursor")

describe("a cursor", () => {
  for (const style of byCursor) {
    const still = { left: 0 }
    const opened = () => {
      const simulator = newSimulator(style, 30)
      disturb(simulator, style, makeRandom(1), still)
      return simulator
    }

    for (const status of [400, 404, 410, 500]) {
      it(`of ${style.vendor} that has expired (${status}) ends that sync, and the next ones begin anew`, async () => {
        const simulator = opened()
        const name = `expired-${style.vendor}-${status}`
        const old = new Set<string>()
        let expires = 1
        intercept(simulator, (handle, vendor, request, now) => {
          const cursor = cursorOf(request.url)
          const answered = handle(vendor, request, now)
          // Who begins anew is given cursors that are good.
          if (cursor === null) old.clear()
          else if (old.size > 0 && expires > 0) expires = 0
          else if (!old.has(cursor)) {
            if (expires > 0) old.add("some page was given by cursor")
            return answered
          }
          if (cursor === null) return answered
          old.add(cursor)
          return { ...answered, status, body: "{}" }
        })
        const first = await sync(simulator, style, name)
        if (style.vendor === "aelyst") expect(first.outcome).toBe("partial")
        expect((await storedOf(name)).length).toBeGreaterThan(0)
        // However the vendor words it, no more than one further sync is lost.
        await sync(simulator, style, name)
        const last = await sync(simulator, style, name)
        expect(last.error).toBeNull()
        expect(differences(0, await storedOf(name), heldBy(simulator, style))).toEqual({
          seed: 0,
          more: [],
          less: []
        })
      }, 120_000)
    }

    it(`of ${style.vendor} that leads back ends in an error, not in a circle`, async () => {
      const simulator = opened()
      const name = `circle-${style.vendor}`
      const asked: Array<string> = []
      intercept(simulator, (handle, vendor, request, now) => {
        const cursor = cursorOf(request.url)
        if (cursor !== null) asked.push(cursor)
        // From the third page on, the vendor answers with the second one again.
        const url =
          asked.length > 2 && cursor !== null
            ? request.url.replace(encodeURIComponent(cursor), encodeURIComponent(asked[0] ?? ""))
            : request.url
        return handle(vendor, { ...request, url }, now)
      })
      const circling = await sync(simulator, style, name)
      expect(circling).toMatchObject({ outcome: "partial", error: { kind: "malformed" } })
      expect(asked.length).toBeLessThan(20)
      Object.assign(simulator, { handle: opened().handle })
    }, 120_000)
  }
})

describe("a list without an end", () => {
  it("of empfio, whose every page is new and followed by another, is partial long before all the time is gone", async () => {
    const style = paged("empfio")
    const simulator = newSimulator(style, 30)
    disturb(simulator, style, makeRandom(1), { left: 0 })
    let lists = 0
    intercept(simulator, (handle, vendor, request, now) => {
      const page = /[?&]page=(\d+)/.exec(request.url)?.[1]
      const real = request.url.replace(/([?&])page=\d+/, "$1page=1").replace(/-page-\d+/, "")
      const answered = handle(vendor, { ...request, url: real }, now)
      const suffix = page === undefined ? /-page-\d+/.exec(request.url)?.[0] : `-page-${page}`
      if (page !== undefined) lists += 1
      if (suffix === undefined || typeof answered.body !== "string") return answered
      return {
        ...answered,
        body: answered.body.replace(/("(?:id|conversation_id)":"[^"]+)"/g, `$1${suffix}"`)
      }
    })
    const report = await sync(simulator, style, "ever-new")
    expect(report.outcome).toBe("partial")
    expect(report.error?.kind).toMatch(/^(malformed|incomplete)$/)
    expect(lists).toBeLessThan(120)
    expect((await storedOf("ever-new")).length).toBeGreaterThanOrEqual(30)
  }, 120_000)

  for (const style of [paged("naturalead"), paged("empfio"), paged("convocore")]) {
    it(`of ${style.vendor}, whose every page is the first one again, is partial after a bounded number of requests`, async () => {
      const simulator = newSimulator(
        {
          ...style,
          options: {
            ...style.options,
            ...(style.vendor === "naturalead" ? { paging: "capped", cap: 7, envelope: "data" } : {}),
            ...(style.vendor === "convocore" ? { paging: "page" } : {})
          }
        },
        200
      )
      disturb(simulator, style, makeRandom(1), { left: 0 })
      let asked = 0
      intercept(simulator, (handle, vendor, request, now) => {
        asked += 1
        const url = request.url.replace(/([?&])page=\d+/, "$1page=1").replace(/([?&])skip=\d+/, "$1skip=0")
        return handle(vendor, { ...request, url }, now)
      })
      const report = await sync(simulator, style, `endless-${style.vendor}`)
      expect(report.outcome).toBe("partial")
      expect(report.error?.kind).toMatch(/^(malformed|incomplete)$/)
      expect(asked).toBeLessThan(700)
      expect((await storedOf(`endless-${style.vendor}`)).length).toBeGreaterThan(0)
    }, 120_000)
  }
})
