import { Effect } from "effect"
import type { ConnectionConfig } from "../../../src/config/Config.ts"
import { makeSimulator, type Simulator, type VendorId } from "../../../src/simulator/index.ts"
import { makeRandom, mix, type Random } from "../../../src/simulator/random.ts"
import type { AnyWorld } from "../../../src/simulator/vendor.ts"
import { Db } from "../../../src/store/Db.ts"
import type { Mirror } from "../../../src/store/mirror/Mirror.ts"
import type { Outbox } from "../../../src/store/outbox/Outbox.ts"
import { backfillLane, pushLane, syncLane } from "../../../src/sync/lanes.ts"
import type { Progress } from "../../../src/sync/progress.ts"
import { rebuild } from "../../../src/sync/rebuild.ts"
import { type LaneWork, run } from "../../../src/sync/run.ts"
import { type Verdict, verify } from "../../../src/sync/verify.ts"
import { rowsOf } from "../inProcess.ts"
import { transportOf } from "../transport.ts"
import { judge, resumedMillis, type Stored, type StoredConversation } from "./oracle.ts"
import { type HostileVendor, makeClock, makeHostileVendor, type TrialClock } from "./vendor.ts"

/*
 * One sequence: a small account at one vendor, several runs between which it changes, some of which it spoils, and
 * honest runs at the end, after which the mirror has to be what the vendor holds.
 */

export interface Finding {
  readonly vendor: VendorId
  readonly seed: number
  readonly after: string
  readonly what: string
}

export interface Trial {
  readonly findings: ReadonlyArray<Finding>
  /** What was changed, as `run key` and the change's name. */
  readonly changed: ReadonlyArray<readonly [string, string]>
  readonly runs: ReadonlyArray<string>
  readonly served: HostileVendor["served"]
}

type Command = "sync" | "full" | "backfill" | "verify" | "push" | "rebuild"

const hour = 3_600_000

const vendorOptions = (vendor: VendorId, random: Random): Readonly<Record<string, unknown>> => {
  const pick = <A>(...list: ReadonlyArray<A>): A => list[random.below(list.length)] as A
  switch (vendor) {
    case "naturalead": {
      const paging = pick("ignored", "ignored", "honoured", "capped")
      // Of bare pages that are cut at any number of rows nothing tells that they are.
      const envelope =
        paging === "capped" ? pick("data", "conversations") : pick("bare", "data", "conversations")
      return { paging, cap: 3, envelope, listMessages: pick(null, null, 1) }
    }
    case "convocore":
      return {
        paging: pick("page", "cursor"),
        thinRows: pick(true, false),
        agents: 1,
        units: pick("mixed", "seconds")
      }
    case "empfio":
      return {
        order: pick("updated_at", "created_at", "none"),
        pastTheEnd: pick("empty", "missing"),
        messageOrder: pick("oldest-first", "newest-first")
      }
    case "aelyst":
      return {
        cursor: pick("exclusive", "inclusive"),
        contactOrder: pick("ascending", "descending"),
        messageIds: pick("seconds", "micros", "sequence")
      }
  }
}

/** What happens at the vendor between two runs. */
const live = (world: AnyWorld, random: Random, at: number, removed: Map<string, object>) => {
  const ids = [...world.conversations.keys()]
  const id = ids[random.below(Math.max(1, ids.length))]
  if (id === undefined) return
  switch (random.below(8)) {
    case 0:
      world.addConversation(at, 1 + random.below(3))
      return
    case 1: {
      const gone = world.conversations.get(id)
      if (ids.length < 4 || gone === undefined) return
      removed.set(id, gone)
      world.remove(id)
      return
    }
    case 2:
      for (const [back, object] of removed) (world.conversations as Map<string, object>).set(back, object)
      removed.clear()
      world.changed()
      return
    case 3:
      world.reorder(random)
      return
    case 4:
    case 5:
      world.setStatus(id, world.statuses[random.below(world.statuses.length)] ?? "", at)
      return
    default:
      world.addMessage(id, at)
  }
}

const storedOf = (name: string) =>
  Effect.gen(function* () {
    const conversations = yield* rowsOf<StoredConversation>(
      `SELECT provider_id, provider_status, deleted_at IS NOT NULL AS deleted, merged_into, complete, change_state
       FROM conversations WHERE connection = ?`,
      name
    )
    const messages = yield* rowsOf<Stored["messages"][number]>(
      `SELECT substr(conversation_id, ${name.length + 2}) AS provider_id, content FROM messages
       WHERE conversation_id IN (SELECT id FROM conversations WHERE connection = ?)`,
      name
    )
    const quarantine = yield* rowsOf<{ id: string | null }>(
      `SELECT coalesce(conversation_provider_id, provider_id) AS id FROM quarantine
       WHERE connection = ? AND resolved_at IS NULL`,
      name
    )
    return { conversations, messages, quarantine: quarantine.map(({ id }) => id) } satisfies Stored
  })

/** Everything that the vendor decides, of what it still holds. */
const contentOf = (name: string) =>
  Effect.gen(function* () {
    const conversations = yield* rowsOf(
      `SELECT provider_id, contact_id, channel, provider_channel, remote_status, provider_status, agent_id, campaign_id, title,
         summary, qualified, qualification_reason, tags, attributes, declared_messages, stored_messages, complete,
         started_at, last_message_at, updated_at
       FROM conversations WHERE connection = ? AND deleted_at IS NULL AND merged_into IS NULL ORDER BY provider_id`,
      name
    )
    const messages = yield* rowsOf(
      `SELECT m.id, m.conversation_id, m.provider_id, m.position, m.role, m.provider_role, m.type, m.content, m.sent_at,
         m.sent_at_source, m.attributes FROM messages m JOIN conversations c ON c.id = m.conversation_id
       WHERE c.connection = ? AND c.deleted_at IS NULL AND c.merged_into IS NULL ORDER BY m.conversation_id, m.position`,
      name
    )
    const contacts = yield* rowsOf(
      `SELECT id, provider_id, name, email, phone, attributes FROM contacts WHERE id IN
         (SELECT contact_id FROM conversations WHERE connection = ? AND deleted_at IS NULL AND merged_into IS NULL)
       ORDER BY id`,
      name
    )
    const lines = [...conversations, ...messages, ...contacts].map((row) =>
      JSON.stringify(row).replaceAll(`"${name}:`, '"')
    )
    return lines
  })

/**
 * Fields of contacts that the vendor does not show any more. What a record does not say erases nothing, since several
 * conversations tell of one contact: what one of them once filled a gap with stays as well.
 */
const forgiving = (ours: ReadonlyArray<string>, theirs: ReadonlyArray<string>): ReadonlyArray<string> => {
  const told = new Map(
    theirs.flatMap((line) => {
      const row = JSON.parse(line) as Record<string, unknown>
      return "phone" in row ? [[row.id, row] as const] : []
    })
  )
  const owners = theirs.flatMap((line) => {
    const { contact_id: owner } = JSON.parse(line) as Record<string, unknown>
    return owner === undefined ? [] : [owner]
  })
  const isShared = (id: unknown) => owners.filter((owner) => owner === id).length > 1
  return ours.map((line) => {
    const row = JSON.parse(line) as Record<string, unknown>
    const truth = "phone" in row ? told.get(row.id) : undefined
    if (truth === undefined) return line
    const kept = ["name", "email", "phone"].filter((field) => truth[field] === null || isShared(row.id))
    return JSON.stringify({ ...row, ...Object.fromEntries(kept.map((field) => [field, truth[field]])) })
  })
}

const differences = (ours: ReadonlyArray<string>, theirs: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [mine, other] = [new Set(ours), new Set(theirs)]
  return [
    ...ours.filter((line) => !other.has(line)).map((line) => `mirror: ${line}`),
    ...theirs.filter((line) => !mine.has(line)).map((line) => `truth:  ${line}`)
  ]
}

export interface TrialOptions {
  readonly vendor: VendorId
  readonly seed: number
  /** The connection's name, and the beginning of another one's. */
  readonly name: string
  readonly spared?: ReadonlySet<string>
}

const newSimulator = (
  vendor: VendorId,
  seed: number,
  conversations: number,
  now: number,
  options: object
): Simulator =>
  makeSimulator({
    seed,
    conversations: { [vendor]: conversations },
    now,
    limits: false,
    vendors: { [vendor]: options }
  })

/** Another account at the same vendor, of which no id is one of ours. */
const strangers = (
  vendor: VendorId,
  seed: number,
  now: number,
  options: object,
  own: Simulator
): Simulator => {
  const stranger = newSimulator(vendor, seed + 1_000_003, 40, now, options)
  const theirs = stranger.vendors[vendor].world
  for (const id of [...theirs.conversations.keys()].slice(0, 34)) theirs.remove(id)
  Object.assign(stranger.vendors[vendor].options, secretsOf(own, vendor))
  return stranger
}

const secretsOf = (simulator: Simulator, vendor: VendorId): object => {
  const options = simulator.vendors[vendor].options as unknown as Record<string, unknown>
  return Object.fromEntries(
    ["apiKey", "token", "email", "password"].flatMap((name) =>
      name in options ? [[name, options[name]]] : []
    )
  )
}

/** `connection`: as the configuration has it, with the secrets of `owner`. */
export const trial = (connectionOf: (vendor: VendorId, name: string) => ConnectionConfig, owner: Simulator) =>
  Effect.fn(function* ({ name, seed, spared = new Set(), vendor }: TrialOptions) {
    const random = makeRandom(mix(seed, 77))
    const begins = Date.UTC(2026, 2, 9, 8) + random.below(400) * 24 * hour
    const timing = makeClock(begins)
    const options = vendorOptions(vendor, random)
    const simulator = newSimulator(vendor, seed, 3 + random.below(4), begins - hour, options)
    Object.assign(simulator.vendors[vendor].options, secretsOf(owner, vendor))
    const world: AnyWorld = simulator.vendors[vendor].world
    const hostile = makeHostileVendor(vendor, simulator, timing, spared)
    const config = connectionOf(vendor, name)
    const findings: Array<Finding> = []
    const runs: Array<string> = []
    const removed = new Map<string, object>()
    const rows = vendor === "naturalead" || random.below(2) === 0 ? null : 2 + random.below(3)
    const find = (after: string, what: string) => findings.push({ vendor, seed, after, what })

    const execute = (command: Command, connection: ConnectionConfig, rebind: boolean) =>
      Effect.gen(function* () {
        let verdict: Verdict | null = null
        const offline = {
          lane: "verify",
          work: (opened, runId) => Effect.as(rebuild(opened, runId), { fault: null })
        } as LaneWork<Mirror | Progress>
        const verifying = {
          lane: "verify",
          work: (opened, runId) =>
            Effect.map(verify(opened, runId, null), (found) => {
              verdict = found
              return { fault: found.stopped }
            })
        } as LaneWork<Mirror | Progress>
        const lanes: ReadonlyArray<LaneWork<Mirror | Outbox | Progress>> = {
          sync: [syncLane({ full: false })],
          full: [syncLane({ full: true })],
          backfill: [backfillLane({ since: null, until: null }, { again: true })],
          verify: [verifying],
          push: [pushLane, syncLane({ full: false })],
          rebuild: [offline]
        }[command]
        const { report } = yield* run({
          command: command === "full" ? "sync" : command,
          connections: [connection],
          maxWaitMillis: 1_000,
          lanes,
          ...(rebind ? { rebind: new Set([connection.name]) } : {})
        })
        return { report: report.connections[0], verdict: verdict as Verdict | null }
      }).pipe(Effect.provide(transportOf(hostile.answer)), Effect.withClock(timing.clock))

    const commands: ReadonlyArray<Command> = ["sync", "sync", "full", "backfill", "verify", "push", "rebuild"]
    const firstIsHonest = random.below(10) < 7
    const steps = 2 + random.below(4)
    let isBound = false
    const completed = new Set<number>()
    const isComplete = (one: number) => completed.has(one)
    for (let step = 0; step < steps; step += 1) {
      const command: Command = step === 0 ? "sync" : (commands[random.below(commands.length)] as Command)
      const isHonest = step === 0 ? firstIsHonest : random.below(6) === 0
      const heldLive = isBound && world.conversations.size >= 3
      const isStranger = step > 0 && heldLive && firstIsHonest && random.below(10) === 0
      hostile.mood = {
        run: step,
        seed: mix(seed, 1_000 + step),
        // One answer holds a whole account at NaturaLead, so that there are few of them.
        share:
          isHonest || isStranger
            ? 0
            : vendor === "naturalead"
              ? 0.7
              : ([0.1, 0.3, 0.6][random.below(3)] as number),
        stranger:
          isStranger && !spared.has(`${step} stranger`)
            ? strangers(vendor, seed, begins - hour, options, simulator)
            : null,
        rows
      }
      if (command === "push") yield* wish(name, random)
      const { report } = yield* execute(command, config, false)
      const label = `run ${step}: ${command}${hostile.mood.stranger === null ? "" : " (stranger)"}${isHonest ? " (honest)" : ""}`
      runs.push(`${label} ${report?.outcome} ${report?.error?.kind ?? ""} ${report?.error?.message ?? ""}`)
      const stored = yield* storedOf(name)
      if (report?.outcome === "complete" && stored.conversations.length >= 3) isBound = true
      const ran = {
        run: step,
        command,
        outcome: report?.outcome ?? "none",
        isStranger: hostile.mood.stranger !== null
      }
      if (ran.outcome === "complete") completed.add(ran.run)
      for (const what of judge(hostile.served, stored, ran, isComplete)) find(label, what)
      if (report?.error?.kind === "unexpected" || report?.error?.kind === "store")
        find(label, `${report.error.message}`)
      timing.pass([1_000, 10 * 60_000, 25 * hour][random.below(3)] as number)
      for (let moves = random.below(4); moves > 0; moves -= 1)
        live(world, random, timing.now() - 1_000, removed)
      timing.pass(2_000)
    }

    // The vendor is honest from here on.
    hostile.mood = { run: 100, seed: 0, share: 0, stranger: null, rows }
    const honestly = (command: Command, rebind = false) =>
      Effect.gen(function* () {
        hostile.mood = { ...hostile.mood, run: hostile.mood.run + 1 }
        const before = yield* contentOf(name)
        const done = yield* execute(command, config, rebind)
        runs.push(
          `honest ${command} ${done.report?.outcome} ${done.report?.error?.kind ?? ""} ${done.report?.error?.message ?? ""}`
        )
        const stored = yield* storedOf(name)
        const ran = {
          run: hostile.mood.run,
          command,
          outcome: done.report?.outcome ?? "none",
          isStranger: false
        }
        if (ran.outcome === "complete") completed.add(ran.run)
        for (const what of judge(hostile.served, stored, ran, isComplete)) find(`honest ${command}`, what)
        const after = yield* contentOf(name)
        const { verdict } = done
        const wrong = differences(before, after)
        if (verdict !== null && wrong.length > 0) {
          const { contacts, gone, merged, outdated, repaired, unreadable } = verdict
          if (contacts + gone.length + merged.length + outdated + repaired.length + unreadable.length === 0) {
            find(
              "honest verify",
              `changed the mirror, and says that nothing was wrong: ${wrong.slice(0, 4).join("\n  ")}`
            )
          }
        }
        return done.report
      })
    const verifiesFirst = random.below(2) === 0
    if (verifiesFirst) yield* honestly("verify")
    // What was read since an interrupted full run began counts as read by the one that goes on with it, for so long.
    const begun = yield* rowsOf(
      `SELECT 1 FROM scans WHERE connection = ? AND lane = 'sync' AND scope LIKE '%"full":true%'`,
      name
    )
    if (begun.length > 0) timing.pass(resumedMillis)
    let last = yield* honestly("full")
    if (last?.error?.kind === "account" && !firstIsHonest) last = yield* honestly("full", true)
    timing.pass(25 * hour)
    const again = yield* honestly("sync")
    if (again?.outcome !== "complete")
      find("the end", `an honest vendor, and still ${again?.outcome}: ${again?.error?.message}`)
    const truthName = `${name}-truth`
    hostile.mood = { ...hostile.mood, run: 200 }
    yield* execute("full", connectionOf(vendor, truthName), false)
    const truth = yield* contentOf(truthName)
    const wrong = differences(forgiving(yield* contentOf(name), truth), truth)
    if (wrong.length > 0) find("the end", `not what the vendor holds:\n  ${wrong.slice(0, 8).join("\n  ")}`)
    const stored = yield* storedOf(name)
    const open = stored.quarantine.filter((id) => id !== null && world.conversations.has(id))
    if (open.length > 0) find("the end", `still in quarantine, though good since: ${open.join(", ")}`)
    const held = [...world.conversations.keys()]
      .filter((id) => vendor !== "convocore" || world.messages(id).length > 0)
      .sort()
    const liveIds = stored.conversations
      .filter(({ deleted, merged_into }) => deleted === 0 && merged_into === null)
      .map(({ provider_id }) => provider_id)
      .sort()
    if (JSON.stringify(held) !== JSON.stringify(liveIds)) {
      find("the end", `ids differ: vendor ${held.join(" ")}, mirror ${liveIds.join(" ")}`)
    }
    const result: Trial = {
      findings,
      changed: hostile.served.flatMap(({ key, mutation, run: of }) =>
        mutation === null ? [] : [[`${of} ${key}`, mutation] as const]
      ),
      runs,
      served: hostile.served
    }
    return result
  })

/** Asks for another status of one conversation, as SQL does. */
const wish = (name: string, random: Random) =>
  Effect.gen(function* () {
    const rows = yield* rowsOf<{ id: string }>(
      "SELECT id FROM conversations WHERE connection = ? AND deleted_at IS NULL AND merged_into IS NULL ORDER BY id",
      name
    )
    const chosen = rows[random.below(Math.max(1, rows.length))]
    if (chosen === undefined) return
    const db = yield* Db
    yield* db
      .use("test.wish", ({ database }) =>
        database.prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(chosen.id)
      )
      .pipe(Effect.ignore)
  })

export type { TrialClock }
