import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { exportMirror } from "../../src/analysis/export.ts"
import type { Manifest } from "../../src/analysis/manifest.ts"
import { exportable } from "../../src/analysis/tables.ts"
import type { Item } from "../../src/providers/Provider.ts"
import { makeRandom, mix, type Random } from "../../src/simulator/random.ts"
import { Db } from "../../src/store/Db.ts"
import { type CommitInput, SeenSet } from "../../src/store/mirror/Mirror.ts"
import { selectOpenChanges } from "../../src/store/outbox/changeRows.ts"
import { markConfirmed, markEnded, markQueued, markSending } from "../../src/store/outbox/transitions.ts"
import {
  at,
  contact,
  message,
  openBeside,
  page,
  sighting,
  started,
  storeLayer,
  temporaryFolder
} from "../store/fixtures.ts"
import { editableViews } from "../support/editableViews.ts"

type Row = Readonly<Record<string, unknown>>

/** A table as a consumer holds it: by key, or as it came where no column identifies a row. */
type Copy = Map<string, Map<string, Row>>

/** A complete scan raises it without a change; and what counts from the present. */
const derived = "last_seen_at"
const ofThePresent: ReadonlySet<string> = new Set(["waiting_for_person", "open_changes"])
const fed = ["conversations", "messages", "contacts", "status_changes", "status_history"] as const

const pick = <A>(random: Random, list: ReadonlyArray<A>): A => list[random.below(list.length)] as A

const without = (row: Row): Row => {
  const { [derived]: _, ...rest } = row
  return rest
}

const keyed = (rows: ReadonlyArray<Row>, key: string | null): Map<string, Row> =>
  new Map(rows.map((row, index) => [String(key === null ? index : row[key]), without(row)]))

const held = (database: Sqlite.Database, table: string): Map<string, Row> => {
  const { changes, sql } = exportable.find(({ name }) => name === table) ?? { changes: null, sql: "" }
  return keyed(database.prepare<[], Row>(sql).all(), changes?.key ?? null)
}

const sorted = (rows: ReadonlyMap<string, Row> | undefined) =>
  [...(rows ?? [])].toSorted(([one], [other]) => (one < other ? -1 : 1))

const linesOf = (path: string): ReadonlyArray<Row> =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row)

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest

/** Lays an export over the copy as the manifest says. Returns the next `--since`. */
const layOver = (copy: Copy, folder: string): number => {
  const manifest = manifestOf(folder)
  for (const { content, file, key, rows, sha256, table } of manifest.tables) {
    const bytes = readFileSync(join(folder, file))
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256)
    const lines = linesOf(join(folder, file))
    expect(lines).toHaveLength(rows)
    const older = content === "all" ? [] : (copy.get(table) ?? [])
    copy.set(table, new Map([...older, ...keyed(lines, key)]))
  }
  if (manifest.deleted !== null) {
    for (const { id, table_name } of linesOf(join(folder, manifest.deleted.file))) {
      copy.get(String(table_name))?.delete(String(id))
    }
  }
  return manifest.seq
}

/** What a job that reads the feed does, in one transaction: rows that are gone go, others are read again. */
const follow = (copy: Copy, database: Sqlite.Database, since: number, meanwhile: () => void): number => {
  database.exec("BEGIN")
  const next = Number(database.prepare("SELECT coalesce(max(seq), 0) FROM commits").pluck().get())
  meanwhile()
  const changes = database.prepare("SELECT * FROM change_feed WHERE seq > ? ORDER BY seq").all(since)
  for (const { op, row_id, seq, table_name } of changes as ReadonlyArray<Record<string, string>>) {
    expect(Number(seq)).toBeLessThanOrEqual(next)
    const row = database
      .prepare<[string | undefined], Row>(`SELECT * FROM ${table_name} WHERE id = ?`)
      .get(row_id)
    if (row === undefined) {
      expect(op).toBe("delete")
      copy.get(String(table_name))?.delete(String(row_id))
    } else {
      expect(op).toBe(table_name === "conversations" && row.deleted_at !== null ? "delete" : "upsert")
      copy.get(String(table_name))?.set(String(row_id), without(row))
    }
  }
  for (const table of fed) {
    const rows = keyed(database.prepare<[], Row>(`SELECT * FROM ${table}`).all(), "id")
    expect(sorted(copy.get(table)), table).toEqual(sorted(rows))
  }
  database.exec("COMMIT")
  return next
}

const ids = ["a", "b", "c", "d", "e", "f"]

const someSighting = (random: Random, id: string): Item => {
  const person = random.below(4) === 0 ? null : pick(random, ["p1", "p2", "p3"])
  const texts = ["m0", "m1", "m2", "m3", "m4"].filter(() => random.below(3) > 0)
  return sighting(
    {
      providerId: id,
      contactId: person,
      status: pick(random, ["active", "handed_off", "completed"]),
      title: pick(random, [null, "One", "Two"]),
      declaredMessages: random.below(3) === 0 ? texts.length : null
    },
    {
      contact: person === null ? null : contact({ providerId: person, name: pick(random, ["Ann", "Bo"]) }),
      messages: pick(random, [
        null,
        {
          extent: pick(random, ["whole", "newest"]),
          items: texts.map((messageId) => message({ messageId, content: pick(random, ["Hi", "Oh", "你好"]) }))
        }
      ]),
      fingerprint: pick(random, [null, "f1"])
    }
  )
}

const options = {
  format: "ndjson",
  tables: [],
  overwrite: false,
  byteOrderMark: false,
  plainPhones: false
} as const

const exportTo = (path: string, to: string, since: number | null) =>
  Effect.provide(exportMirror({ ...options, to, since }), Db.layer(path, { readOnly: true }))

/** What happens to a mirror with two writers, one thing at a time, in an order of chance. */
const makeWorld = Effect.fn(function* (path: string, random: Random) {
  const writers = [yield* started, yield* started]
  const db = yield* Db
  const beside = yield* openBeside(path)
  let second = 10

  const commit = (item: () => Item, rest: Partial<CommitInput> = {}) => {
    const requested = random.below(4) === 0 ? random.below(second) : second
    const items = Array.from({ length: 1 + random.below(3) }, item)
    const lane = pick(random, ["sync", "backfill"] as const)
    return pick(random, writers).commit([page(requested, items)], { lane, ...rest })
  }
  const push = () =>
    db.transaction("test.push", (session) => {
      const open = selectOpenChanges(session, "leads")
      if (open.length === 0) return
      const change = pick(random, open)
      const inFlight = open.some(({ conversationId, state }) => {
        return conversationId === change.conversationId && state !== "pending"
      })
      // It waits behind the one that is on its way.
      if (change.state === "pending" && inFlight) return
      const moment = { at: at(second), runId: pick(random, writers).runId }
      const status = change.requested.status ?? "completed"
      const state = { status, providerStatus: status, updatedAt: null, title: null, tags: [] }
      const seen = { state, requestedAt: at(second), answeredAt: at(second + 1) }
      const isSent = change.state !== "pending"
      const isQueued = isSent && random.below(3) === 0
      const isRefused = isSent && !isQueued && random.below(3) === 0
      if (!isSent) markSending(session, change, state, "", moment)
      else if (isQueued) markQueued(session, change, at(second), "", moment)
      else if (isRefused) markEnded(session, change, "conflict", seen, "", moment)
      else markConfirmed(session, change, seen, "status", "", moment)
    })
  const sql = (text: string) =>
    Effect.sync(() => {
      try {
        editableViews(beside)
        beside.exec(text)
      } catch (cause) {
        // A conversation that is gone, or a status that is not there: refused, and nothing is written.
        if (!(cause instanceof Sqlite.SqliteError) || cause.code !== "SQLITE_CONSTRAINT_TRIGGER") throw cause
      }
    })
  const id = () => pick(random, ids)
  // Others may be merged into it.
  yield* writers[0]?.commit([page(1, [sighting({ providerId: "b" })])]) ?? Effect.void
  const { mirror, runId } = writers[0] ?? (yield* started)
  const steps = [
    () => commit(() => someSighting(random, id())),
    () => commit(() => someSighting(random, id())),
    () => commit(() => ({ _tag: pick(random, ["Unchanged", "Filtered"]), providerId: id() })),
    () => commit(() => someSighting(random, id()), { replay: new Map() }),
    () =>
      sql(
        `UPDATE conversations SET status = '${pick(random, ["completed", "handed_off"])}' WHERE id = 'leads:${id()}'`
      ),
    () =>
      sql(
        `UPDATE conversations SET status = remote_status WHERE change_state = 'pending' AND id = 'leads:${id()}'`
      ),
    push,
    push,
    () => mirror.tombstone({ connection: "leads", providerIds: [id()], askedAt: at(second), runId }),
    () => mirror.merged({ connection: "leads", providerId: "a", into: "b", askedAt: at(second) }),
    () =>
      mirror.finishScan({ connection: "leads", lane: "verify", startedAt: at(second), seen: new SeenSet() }),
    () =>
      sql("DELETE FROM status_history WHERE id = (SELECT max(id) FROM status_history) AND random() % 2 = 0"),
    () => sql(`UPDATE messages SET attributes = '{"n":${second}}' WHERE id = 'leads:${id()}:m1'`),
    () => sql(`UPDATE remote_contacts SET phone = '+49${second}' WHERE id = 'leads:p1'`),
    () =>
      sql(
        "DELETE FROM remote_contacts WHERE id NOT IN (SELECT contact_id FROM remote_conversations WHERE contact_id IS NOT NULL)"
      )
  ]
  const step = () => {
    second += 1
    return Effect.asVoid(pick(random, steps)())
  }
  return { step, beside }
})

/** `npm run soak:exports` tries more. */
const schedules = Number(process.env.PARLEY_EXPORTS ?? 10)

describe("exports of what changed", () => {
  for (let seed = 0; seed < schedules; seed += 1) {
    it.scoped(`laid over an older export give the mirror, and so does the feed: schedule ${seed}`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const path = join(folder, "mirror.db")
        const random = makeRandom(mix(2026, seed))
        yield* Effect.gen(function* () {
          const { beside, step } = yield* makeWorld(path, random)
          const reader = yield* openBeside(path)
          const fromFiles: Copy = new Map()
          const fromFeed: Copy = new Map(fed.map((table) => [table, new Map()]))
          let since: number | null = null
          let feedSince = 0
          for (let index = 0; index < 60; index += 1) {
            yield* step()
            const chance = random.below(6)
            if (chance === 0) {
              const to = join(folder, "export")
              rmSync(to, { recursive: true, force: true })
              mkdirSync(to)
              yield* exportTo(path, to, since)
              since = layOver(fromFiles, to)
              for (const [table, rows] of fromFiles) {
                if (!ofThePresent.has(table)) expect(sorted(rows), table).toEqual(sorted(held(beside, table)))
              }
            } else if (chance === 1) {
              const written = step()
              // Others commit while the job reads.
              feedSince = follow(fromFeed, reader, feedSince, () => Effect.runSync(written))
            }
          }
        }).pipe(Effect.provide(storeLayer(path)))
      })
    )
  }
})
