import { createHash } from "node:crypto"
import { copyFileSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, describe, expect, it } from "vitest"
import { type LogEntry, type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { makeRandom, mix } from "../../src/simulator/random.ts"
import { contentQueries } from "../support/content.ts"
import {
  collect,
  connectionNames,
  type Ended,
  faultsOf,
  openWorkspace,
  type Workspace
} from "../support/parley.ts"

/*
 * `kill -9` of the built command line during a sync, a backfill and a push of all four vendors, at a moment that is told
 * by what happens: right before or after a commit, in front of a statement in the middle of one, when a vendor receives
 * a request, when it has sent an answer. Then once more, from where it stopped. Set PARLEY_CRASHES to try more than a
 * few (`npm run soak:crash`), and PARLEY_CRASHES_FROM to begin further on.
 */

const crashes = Number(process.env.PARLEY_CRASHES ?? 9)
const first = Number(process.env.PARLEY_CRASHES_FROM ?? 0)
/** Enough for several pages of each list, several exports and several commits. */
const conversations = { naturalead: 30, convocore: 130, empfio: 210, aelyst: 30 }
/** Rows that Aelyst's list gives in a page, whatever is asked for, so that there are several. */
const rows = 8
/** Pushes that run at once: most of what they do is to wait for a vendor that may show late what it has taken. */
const pushesAtOnce = 16
/** Nobody slows the requests down, so that as many are in flight as ever may be. */
const unlimited = "limits: [{ requests: 10000, per: 1 second, scope: connection }]"

const hook = resolve(import.meta.dirname, "../support/dieAt.cjs")

const lanes = ["sync", "backfill", "push"] as const
type Lane = (typeof lanes)[number]

const args: Readonly<Record<Lane, ReadonlyArray<string>>> = {
  sync: ["sync", "--pull-only", "--progress", "none", "--json"],
  backfill: ["backfill", "--progress", "none", "--json"],
  push: ["push", "--progress", "none", "--json"]
}

const events = ["before-commit", "after-commit", "statement", "request", "answer"] as const
type Event = (typeof events)[number]
type Counts = Readonly<Record<Event, number>>

interface Death {
  readonly event: Event
  /** Which one of its kind, from 1. */
  readonly number: number
}

const opened: Array<Workspace> = []
afterAll(async () => {
  for (const one of opened) await one.close()
})

const smallPages = (url: string): string => url.replace(/([?&]limit=)\d+/, `$1${rows}`)

const open = async (): Promise<Workspace> => {
  const workspace = await openWorkspace({
    seed: 1,
    conversations,
    limits: false,
    now: Date.UTC(2026, 2, 9, 8),
    vendors: { convocore: { ghosts: 0, paging: "cursor" }, naturalead: { paging: "ignored" } },
    configure: (yaml) => yaml.replaceAll(/(\n +)baseUrl/g, `$1${unlimited}$1baseUrl`)
  })
  opened.push(workspace)
  const { simulator } = workspace
  const { handle } = simulator
  Object.assign(simulator, {
    handle: (...[vendor, request, now]: Parameters<typeof handle>) => {
      const isList = vendor === "aelyst" && !request.url.includes("/message")
      return handle(vendor, isList ? { ...request, url: smallPages(request.url) } : request, now)
    }
  })
  return workspace
}

const stateOf = ({ database, folder }: Workspace): ReadonlyArray<string> => [
  database,
  `${database}-wal`,
  `${database}-shm`,
  join(folder, "state")
]

/** No mirror, and no memory of any limits. */
const forget = (workspace: Workspace): void => {
  for (const path of stateOf(workspace)) rmSync(path, { recursive: true, force: true })
}

/** Rows of a query; none where the program died before there was a mirror. */
const rowsIfAny = <Row>(workspace: Workspace, sql: string, ...parameters: Array<unknown>): Array<Row> => {
  try {
    return workspace.rows<Row>(sql, ...parameters)
  } catch {
    return []
  }
}

interface Run {
  readonly ended: Ended
  readonly log: ReadonlyArray<LogEntry>
  /** Null where it died. */
  readonly counts: Counts | null
}

const textIn = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Runs the program, and lets it die where it is to. */
const run = async (workspace: Workspace, lane: Lane, death: Death | null): Promise<Run> => {
  const { folder, simulator } = workspace
  const before = simulator.log.length
  const counts = join(folder, "counts")
  rmSync(counts, { force: true })
  const child = workspace.start(args[lane], {
    NODE_OPTIONS: `--require ${hook}`,
    PARLEY_EVENTS: counts,
    ...(death === null ? {} : { PARLEY_DIE_AT: `${death.event} ${death.number}` })
  })
  const ended = await collect(child)
  const counted = textIn(counts)
  return {
    ended,
    log: simulator.log.slice(before),
    counts: counted === "" ? null : (JSON.parse(counted) as Counts)
  }
}

/** Everything that must not depend on how the mirror came to be, and what SQLite and the mirror's laws say against it. */
const contentOf = (workspace: Workspace): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    Object.entries(contentQueries).map(([name, sql]) => [name, digest(workspace.rows(sql))])
  ),
  faults: JSON.stringify(faultsOf(workspace))
})

const digest = (content: object): string => createHash("sha256").update(JSON.stringify(content)).digest("hex")

/** The conversations whose messages a request asks for. */
const messagesIn: Readonly<Record<VendorId, (url: string) => ReadonlyArray<string>>> = {
  naturalead: () => [],
  convocore: (url) => {
    const one = /\/convos\/([^/?]+)\/export/.exec(url)?.[1]
    const many = /\/convos\/export\?.*convoIds=([^&]+)/.exec(url)?.[1]
    if (one !== undefined) return [one]
    return many === undefined ? [] : decodeURIComponent(many).split(",")
  },
  empfio: () => [],
  aelyst: (url) => /\/contact\/id:(\d+)\/message\/list/.exec(url)?.slice(1) ?? []
}

/** What of a vendor's was committed. */
interface Kept {
  readonly conversations: number
  /** Pages of the list, by the ledger. */
  readonly lists: number
}

const keptOf = (workspace: Workspace, vendor: VendorId): Kept => {
  const stored = rowsIfAny<{ id: string }>(
    workspace,
    "SELECT provider_id AS id FROM conversations WHERE provider = ?",
    vendor
  )
  const lists = rowsIfAny(
    workspace,
    `SELECT DISTINCT run_id, path, requested_at FROM pages
     WHERE connection = ? AND operation IN ('list conversations', 'list contacts')`,
    connectionNames[vendor]
  )
  return { conversations: stored.length, lists: lists.length }
}

/** What a vendor was asked for by a run that died and the next one, and would have been asked for once by one alone. */
interface Again {
  readonly logins: number
  /** Pages of the list. */
  readonly lists: number
  /** Conversations whose details were asked for by both. */
  readonly details: number
  /** Conversations whose messages were asked for by both. */
  readonly messages: number
}

/**
 * The most that a death may cost: what had been asked for and was not committed. NaturaLead gives everything in one
 * answer. Convocore's messages, which are billed, come with one export at a time; its list has 20 rows in a page. Of
 * Empfio's list the page that is worked at and the next one are on their way. Aelyst's contacts are asked one page after
 * the other, and behind the last page for what follows it. Pages of a list that show nothing new wait for each other, 2,500 rows at most: so, 25 pages of Empfio's.
 */
const togetherAtMost = 25

const mostAgain: Readonly<Record<VendorId, Again>> = {
  naturalead: { logins: 0, lists: 1, details: 0, messages: 0 },
  convocore: { logins: 0, lists: 8 + togetherAtMost, details: 100, messages: 50 },
  empfio: { logins: 1, lists: 2 + togetherAtMost, details: 100, messages: 0 },
  aelyst: { logins: 0, lists: 2, details: 0, messages: rows }
}

const requestsIn = (log: ReadonlyArray<LogEntry>, vendor: VendorId, operation: string): number =>
  log.filter((one) => one.vendor === vendor && one.operation === operation && one.status === 200).length

const detailed = (log: ReadonlyArray<LogEntry>, vendor: VendorId): ReadonlySet<string> =>
  new Set(
    log.flatMap((one) =>
      one.vendor === vendor && one.operation === "detail" ? (one.conversationId ?? []) : []
    )
  )

const withMessages = (log: ReadonlyArray<LogEntry>, vendor: VendorId): ReadonlySet<string> =>
  new Set(log.flatMap((one) => (one.vendor === vendor ? messagesIn[vendor](one.url) : [])))

const inBoth = (first: ReadonlySet<string>, second: ReadonlySet<string>): number =>
  [...first].filter((id) => second.has(id)).length

const askedAgain = (vendor: VendorId, whole: Run, cut: Run, rest: Run): Again => {
  const more = (operation: string): number =>
    requestsIn([...cut.log, ...rest.log], vendor, operation) - requestsIn(whole.log, vendor, operation)
  return {
    logins: more("login"),
    lists: more("list"),
    details: inBoth(detailed(cut.log, vendor), detailed(rest.log, vendor)),
    messages: inBoth(withMessages(cut.log, vendor), withMessages(rest.log, vendor))
  }
}

/**
 * Where the n-th process dies: at every commit's two sides in turn, each side once before any comes again, and between
 * them at random.
 */
const deathOf = (n: number, counts: Counts): Death => {
  const random = makeRandom(mix(2026, n))
  const half = Math.floor(n / 2)
  if (n % 2 === 0) {
    const commits = counts["before-commit"]
    const event = half % 2 === 0 ? "before-commit" : "after-commit"
    // A step that no count of commits has a factor in common with visits each of them.
    return { event, number: 1 + ((Math.floor(half / 2) * 7919) % commits) }
  }
  const event = (["statement", "request", "answer"] as const)[half % 3] ?? "statement"
  return { event, number: 1 + random.below(counts[event]) }
}

const expectToEnd = ({ ended }: Run): void => {
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" })
}

/** Numbers of the deaths that are this lane's: they take turns. */
const turnsOf = (lane: Lane): ReadonlyArray<number> =>
  Array.from({ length: crashes }, (_, index) => first + index)
    .filter((number) => number % lanes.length === lanes.indexOf(lane))
    .map((number) => Math.floor(number / lanes.length))

const least = (tried: number): number => Math.floor(tried * 0.9) - 1

type Tally = Readonly<Record<string, number>>

const largest = (before: Tally, found: Tally): Tally => ({
  ...before,
  ...Object.fromEntries(
    Object.entries(found).map(([name, count]) => [name, Math.max(before[name] ?? 0, count)])
  )
})

describe("killed anywhere", () => {
  for (const lane of ["sync", "backfill"] as const) {
    const turns = turnsOf(lane)
    it(`a ${lane} goes on to the same content, and asks again only for what was under way: ${turns.length} times`, async () => {
      const workspace = await open()
      const whole = await run(workspace, lane, null)
      expectToEnd(whole)
      if (whole.counts === null) throw new Error("nothing was counted")
      const expected = contentOf(workspace)
      const all = Object.fromEntries(
        vendorIds.map((vendor) => [vendor, keptOf(workspace, vendor)])
      ) as Record<VendorId, Kept>
      // What follows Aelyst's last contact is asked for as well, and an answer without contacts is no page.
      for (const vendor of vendorIds)
        expect(all[vendor].lists + (vendor === "aelyst" ? 1 : 0)).toBe(requestsIn(whole.log, vendor, "list"))
      let deaths = 0
      const most: Record<string, Tally> = {}
      for (const turn of turns) {
        const death = deathOf(turn, whole.counts)
        forget(workspace)
        const cut = await run(workspace, lane, death)
        // How pages fall into commits depends on the moment; there may be fewer of them this time.
        if (cut.counts !== null) continue
        deaths += 1
        expect(cut.ended.signal).toBe("SIGKILL")
        const kept = vendorIds.map((vendor) => ({ vendor, kept: keptOf(workspace, vendor) }))
        const rest = await run(workspace, lane, null)
        expectToEnd(rest)
        expect({ death, content: contentOf(workspace) }).toEqual({ death, content: expected })
        for (const { kept: left, vendor } of kept) {
          const again = askedAgain(vendor, whole, cut, rest)
          const isWhole = left.lists >= all[vendor].lists
          most[vendor] = largest(most[vendor] ?? {}, {
            kept: left.conversations,
            ...(isWhole ? {} : again)
          })
          // Once its scan was committed to its end, the next run is one like any other.
          if (isWhole) continue
          const names = Object.keys(again) as ReadonlyArray<keyof Again>
          const tooMuch = names.filter((name) => again[name] > mostAgain[vendor][name])
          expect({ death, vendor, again, tooMuch }).toEqual({ death, vendor, again, tooMuch: [] })
        }
      }
      process.stdout.write(
        `${lane}: ${deaths} deaths of ${JSON.stringify(whole.counts)}; at most ${JSON.stringify(most)}\n`
      )
      expect(deaths).toBeGreaterThanOrEqual(least(turns.length))
      // Most is committed long before the end: of a process that dies somewhere, something is left.
      if (turns.length > 2)
        expect(Math.max(...Object.values(most).map((one) => one.kept ?? 0))).toBeGreaterThan(0)
    }, 7_200_000)
  }

  const turns = turnsOf("push")
  it(`a push goes on, and every change takes effect once: ${turns.length} times`, async () => {
    const base = await open()
    expectToEnd(await run(base, "sync", null))
    const copy = join(base.folder, "base.db")
    const changes = requestChanges(base.database)
    copyFileSync(base.database, copy)
    const whole = await run(base, "push", null)
    expectToEnd(whole)
    const { counts } = whole
    if (counts === null) throw new Error("nothing was counted")
    let deaths = 0
    const dieOnce = async (turn: number): Promise<void> => {
      const death = deathOf(turn, counts)
      // Every push changes the vendors' worlds, so each begins with new ones.
      const workspace = await open()
      copyFileSync(copy, workspace.database)
      const cut = await run(workspace, "push", death)
      if (cut.counts !== null) return
      deaths += 1
      expect(cut.ended.signal).toBe("SIGKILL")
      const ended = new Set(
        endsIn(workspace).flatMap((one) => (one.ended_at === null ? [] : one.provider_id))
      )
      const rest = await run(workspace, "push", null)
      expectToEnd(rest)
      const ends = endsIn(workspace)
      expect(ends).toHaveLength(changes)
      for (const { provider, provider_id, state } of ends) {
        const effects = workspace.simulator.vendors[provider].world.effectsOn(provider_id).length
        // Aelyst may have queued what was never answered, and shows no time of a change: that takes minutes to be sure of.
        const isWaiting = provider === "aelyst" && state === "queued"
        expect({ death, provider, state, effects }).toEqual({
          death,
          provider,
          state: isWaiting ? "queued" : "confirmed",
          effects: isWaiting ? Math.min(effects, 1) : 1
        })
      }
      // Nothing is written twice, and what had ended before the death is not even looked at.
      const writes = [...cut.log, ...rest.log].filter((one) => one.write && one.operation === "status")
      expect({ death, twice: writes.length - new Set(writes.map((one) => one.url)).size }).toEqual({
        death,
        twice: 0
      })
      const again = rest.log.filter(({ conversationId }) => ended.has(conversationId ?? ""))
      expect({ death, again }).toEqual({ death, again: [] })
      expect(faultsOf(workspace)).toEqual([])
      await workspace.close()
      opened.splice(opened.indexOf(workspace), 1)
    }
    const waiting = [...turns]
    const worker = async (): Promise<void> => {
      for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) await dieOnce(turn)
    }
    await Promise.all(Array.from({ length: pushesAtOnce }, worker))
    process.stdout.write(`push: ${deaths} deaths of ${JSON.stringify(counts)}\n`)
    expect(deaths).toBeGreaterThanOrEqual(least(turns.length))
  }, 7_200_000)
})

/** Asks for a change of three conversations of each vendor. Returns how many that were. */
const requestChanges = (database: string): number => {
  const mirror = new Sqlite(database)
  try {
    const ids = vendorIds.flatMap((vendor) =>
      mirror
        .prepare<[VendorId], { readonly id: string }>(
          "SELECT id FROM conversations WHERE provider = ? AND status = 'active' ORDER BY id LIMIT 3"
        )
        .all(vendor)
    )
    expect(ids).toHaveLength(3 * vendorIds.length)
    const request = mirror.prepare("UPDATE conversations SET status = 'completed' WHERE id = ?")
    for (const { id } of ids) request.run(id)
    mirror.pragma("wal_checkpoint(TRUNCATE)")
    return ids.length
  } finally {
    mirror.close()
  }
}

interface RequestEnd {
  readonly provider: VendorId
  readonly provider_id: string
  readonly state: string
  readonly ended_at: string | null
}

const endsIn = (workspace: Workspace): ReadonlyArray<RequestEnd> =>
  workspace.rows<RequestEnd>(
    `SELECT provider, provider_id, state, ended_at FROM status_changes s
     JOIN conversations c ON c.id = s.conversation_id`
  )
