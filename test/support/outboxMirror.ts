import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { Db } from "../../src/store/Db.ts"
import { Outbox } from "../../src/store/outbox/Outbox.ts"
import { editableViews } from "./editableViews.ts"
import { layMirror } from "./mirrorTemplate.ts"
import { writes } from "./vendorTwin.ts"

/** Memory, where the system offers it as a folder: thousands of small commits need no disk. */
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

/** A folder of its own, gone with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(place, "parley-outbox-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** An empty mirror in a file of its own, with the outbox over it. */
export const emptyMirror = Layer.unwrapScoped(
  Effect.map(folder, (path) => join(path, "mirror.db")).pipe(
    Effect.tap(layMirror),
    Effect.map((path) => Layer.provideMerge(Outbox.Default, Db.layer(path)))
  )
)

/** A connection that takes three statuses, with a run and a page to hang rows on. Returns the run's id. */
export const addConnection = Effect.fn(function* (name: string, provider = "twin") {
  const db = yield* Db
  return yield* db.transaction("test.addConnection", ({ database, prepare }) => {
    editableViews(database)
    const at = "1970-01-01T00:00:00.000Z"
    prepare("INSERT INTO connections (name, provider, first_seen_at) VALUES (?, ?, ?)").run(
      name,
      provider,
      at
    )
    for (const [status, word] of Object.entries(writes)) {
      prepare("INSERT INTO writable_statuses VALUES (?, ?, ?)").run(name, status, word)
    }
    const run = prepare(
      "INSERT INTO runs (command, started_at, host, pid) VALUES ('push', ?, 'here', 1)"
    ).run(at)
    prepare(
      "INSERT INTO run_connections (run_id, connection, lane, started_at) VALUES (?, ?, 'push', ?)"
    ).run(run.lastInsertRowid, name, at)
    prepare(
      `INSERT INTO pages (run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
         received, inserted, updated, unchanged, filtered, quarantined)
       VALUES (?, ?, 'sync', 'list', 'GET', '/', 200, ?, ?, 0, 0, 0, 0, 0, 0, 0)`
    ).run(run.lastInsertRowid, name, at, at)
    return Number(run.lastInsertRowid)
  })
})

/** A conversation as a pull would have stored it. */
export const addConversation = Effect.fn(function* (
  connection: string,
  providerId: string,
  status: string,
  word: string | null,
  contact: { readonly id: string; readonly email?: string; readonly phone?: string } | null = null
) {
  const db = yield* Db
  yield* db.transaction("test.addConversation", ({ prepare }) => {
    const at = "1970-01-01T00:00:00.000Z"
    if (contact !== null) {
      prepare(
        `INSERT OR IGNORE INTO remote_contacts (id, connection, provider_id, email, phone, observed_at, first_seen_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`
      ).run(
        `${connection}:${contact.id}`,
        connection,
        contact.id,
        contact.email ?? null,
        contact.phone ?? null,
        at,
        at
      )
    }
    prepare(
      `INSERT INTO remote_conversations (id, connection, provider_id, contact_id, status, provider_status, updated_at,
         observed_at, first_seen_at, content_hash, fingerprint, page_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'h', 'f', (SELECT max(id) FROM pages))`
    ).run(
      `${connection}:${providerId}`,
      connection,
      providerId,
      contact === null ? null : `${connection}:${contact.id}`,
      status,
      word,
      at,
      at,
      at
    )
  })
})

export const rows = Effect.fn(function* (sql: string, ...parameters: ReadonlyArray<string | number>) {
  const db = yield* Db
  return yield* db.use("test.rows", ({ prepare }) => prepare(sql).all(...parameters) as ReadonlyArray<object>)
})

export const row = (sql: string, ...parameters: ReadonlyArray<string | number>) =>
  Effect.map(rows(sql, ...parameters), ([first]) => first)

/** As any SQLite client would write. */
export const editStatus = Effect.fn(function* (id: string, status: string) {
  const db = yield* Db
  yield* db.use("test.editStatus", ({ prepare }) =>
    prepare("UPDATE conversations SET status = ? WHERE id = ?").run(status, id)
  )
})
