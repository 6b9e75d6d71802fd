import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Verb } from "../../src/cli/command.ts"
import { verbs } from "../../src/cli/commands/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { registry } from "../../src/providers/index.ts"
import { Db } from "../../src/store/Db.ts"
import { runCommand } from "../support/cli.ts"
import { editableViews } from "../support/editableViews.ts"
import { escapeKinds, escapes, hostile, obeyed, withoutErasing } from "../support/hostileText.ts"

/*
 * Every verb, on a mirror whose every text is hostile and against vendors whose every word is, as it appears on a
 * terminal and in a pipe. A new verb has to be added here: a test counts them.
 */

const kinds = Object.values(escapeKinds)
/** Some words of a vendor are cut after 200 characters: each answer begins with another kind. */
const spoken = kinds.map((_kind, at) => [...kinds.slice(at), ...kinds.slice(0, at)].join("x"))

const id = `leads:${hostile}`

const sql = `
PRAGMA foreign_keys = OFF;
INSERT INTO connections (name, provider, first_seen_at) VALUES ('leads', 'naturalead', '2026-03-01T10:00:00.000Z');
INSERT INTO writable_statuses VALUES ('leads', 'completed', $h);
INSERT INTO runs (id, command, started_at, finished_at, outcome, exit_code, host, pid) VALUES
  (1, $h, '2026-03-07T11:00:00.000Z', '2026-03-07T11:00:30.000Z', 'partial', 3, $h, 12);
INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at, error_kind, error_message,
  error_hint) VALUES (1, 'leads', 'sync', 'failed', '2026-03-07T11:00:01.000Z', '2026-03-07T11:00:30.000Z', $h, $h, $h);
INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
  received, inserted, updated, unchanged, filtered, quarantined) VALUES
  (1, 1, 'leads', 'sync', $h, 'GET', $h, 200, '2026-03-07T10:00:01.000Z', '2026-03-07T10:00:02.000Z', 900, 1, 1, 0, 0, 0, 0);
INSERT INTO remote_contacts (id, connection, provider_id, name, email, phone, observed_at, first_seen_at)
VALUES ($i, 'leads', $h, $h, $h, $h, '2026-03-07T10:00:01.000Z', '2026-03-01T10:00:00.000Z');
INSERT INTO remote_conversations (id, connection, provider_id, contact_id, channel, provider_channel, status,
  provider_status, title, summary, agent_id, campaign_id, declared_messages, stored_messages, started_at, observed_at,
  first_seen_at, content_hash, page_id) VALUES
  ($i, 'leads', $h, $i, $h, $h, 'active', $h, $h, $h, $h, $h, 2, 1, '2026-03-06T09:00:00.000Z', '2026-03-07T10:00:01.000Z',
    '2026-03-01T10:00:00.000Z', 'h', 1);
INSERT INTO messages (id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at, page_id)
VALUES ($h, $i, $h, 0, 'customer', $h, $h, $h, '2026-03-06T09:00:00.000Z', 1);
INSERT INTO status_history (conversation_id, from_status, to_status, provider_status, origin, observed_at, run_id)
VALUES ($i, NULL, 'active', $h, 'provider', '2026-03-07T10:00:01.000Z', 1);
INSERT INTO status_changes (id, conversation_id, from_status, to_status, state, attempts, last_error, requested_at,
  requested_by, ended_at) VALUES
  (1, $i, 'active', 'completed', 'rejected', 1, $h, '2026-03-07T10:30:00.000Z', $h, '2026-03-07T11:00:00.000Z'),
  (2, $i, 'active', 'completed', 'pending', 1, $h, '2026-03-07T10:30:00.000Z', $h, NULL);
INSERT INTO change_events (change_id, at, state, detail) VALUES (1, '2026-03-07T10:30:00.000Z', 'rejected', $h);
INSERT INTO quarantine (id, connection, kind, provider_id, conversation_provider_id, reason, path, payload,
  payload_hash, seen, first_seen_at, last_seen_at, page_id) VALUES
  (1, 'leads', $h, $h, $h, $h, $h, $h, 'x', 3, '2026-03-06T10:00:00.000Z', '2026-03-07T10:00:01.000Z', 1),
  (2, 'leads', $h, 'q2', $h, $h, $h, json_array($h), 'x2', 3, '2026-03-06T10:00:00.000Z', '2026-03-07T10:00:01.000Z', 1);
INSERT INTO leases (connection, lane, owner, host, pid, acquired_at, expires_at)
VALUES ('leads', 'backfill', $h, $h, 1, '2026-03-07T10:30:00.000Z', '2099-01-01T00:00:00.000Z');
`

/** Text as a SQL literal; SQLite reads SQL only as far as the first NUL. */
const literal = (text: string): string =>
  `'${text.replaceAll("'", "''").replaceAll("\u0000", "' || char(0) || '")}'`

let folder = ""
let origin = ""
let asked = 0
const vendor = createServer((_request, response) => {
  const words = spoken[asked++ % spoken.length]
  response.writeHead(asked % 3 === 0 ? 403 : 400, {
    "content-type": asked % 2 === 0 ? "text/plain" : "application/json"
  })
  response.end(asked % 2 === 0 ? words : JSON.stringify({ error: words, message: words }))
})

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-hostile-"))
  await new Promise<void>((done) => vendor.listen(0, "127.0.0.1", done))
  origin = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
  mkdirSync(join(folder, "config"))
  writeFileSync(
    join(folder, "config/parley.yaml"),
    `database: ../mirror.db
connections:
  - { name: leads, provider: naturalead, baseUrl: "${origin}", apiKey: "\${KEY}" }
  - { name: support, provider: convocore, baseUrl: "${origin}", token: "\${KEY}" }
  - { name: salon, provider: empfio, baseUrl: "${origin}", token: "\${KEY}" }
  - { name: inbox, provider: aelyst, baseUrl: "${origin}", token: "\${KEY}" }
`
  )
  writeFileSync(
    join(folder, "broken.yaml"),
    `database: "x"\n"${"\\e[31m"}": 1\nconnections: "\\e]52;c;x\\a"\n`
  )
  await Effect.runPromise(Effect.scoped(Effect.provide(Effect.void, Db.layer(join(folder, "mirror.db")))))
  const mirror = new Sqlite(join(folder, "mirror.db"))
  editableViews(mirror)
  mirror.exec(sql.replaceAll("$h", literal(hostile)).replaceAll("$i", literal(id)))
  mirror.close()
})

afterAll(() => {
  vendor.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = (argv: ReadonlyArray<string>, columns: number | undefined) =>
  Effect.runPromise(
    runCommand(verbs, argv, {
      cwd: folder,
      environment: { KEY: "a-secret-key", HOME: folder, NO_COLOR: "1" },
      ...(columns === undefined ? {} : { stdoutColumns: columns, stderrColumns: columns })
    }).pipe(Effect.provideService(Providers, Effect.succeed(registry)))
  )

/** No name of a file holds these. */
const fileName = (text: string): string => text.replaceAll("\u0000", "").replaceAll("/", "")

const commands: ReadonlyArray<ReadonlyArray<string>> = [
  ["check"],
  ["sync", "--max-wait", "0s"],
  ["sync", "--plan"],
  ["backfill", "--max-wait", "0s"],
  ["backfill", "--plan"],
  ["verify"],
  ["push"],
  ["push", "--plan"],
  ["push", "--undo", "1"],
  ["rebuild"],
  ["rebuild", "--plan"],
  ["status"],
  ["runs"],
  ["runs", "1"],
  ["why", id],
  ["show", id],
  ["show", id, "--format", "markdown"],
  ["show", hostile],
  ["doctor", "--offline"],
  ["completions", hostile],
  ["tap", hostile],
  ["serve", "--port", hostile],
  ["simulate", "--write", hostile, "--port", "0"],
  ["search", "hello"],
  ["search", hostile, "--connection", hostile],
  ["waiting"],
  ["set-status", "completed", "--where", "1", "--plan"],
  ["set-status", "completed", "--from", fileName(hostile)],
  ["changes"],
  ["changes", "show", "1"],
  ["changes", "retry", "1"],
  ["changes", "resolve", "1", "--keep", "local"],
  ["changes", "cancel", "2"],
  ["set-status", id, "completed"],
  ["quarantine"],
  ["quarantine", "show", "1"],
  ["quarantine", "show", "2"],
  ["quarantine", "retry"],
  ["query", "SELECT * FROM conversations, messages"],
  ["query", "--format", "csv", "SELECT * FROM conversations"],
  ["query", "--format", "ndjson", "SELECT * FROM messages"],
  ["query", `SELECT 1 AS "${fileName(hostile)}"`],
  ["query", `SELECT ${hostile}`],
  ["export", "--to", `out${fileName(hostile)}`, "--overwrite"],
  ["report", "--out", `report${fileName(hostile)}.html`],
  ["backup", "--to", `backup${fileName(hostile)}.db`],
  ["backup", "--verify", `backup${fileName(hostile)}.db`],
  ["publish", "--to", `published${fileName(hostile)}`, "--mode", hostile],
  ["forget", "--contact", hostile],
  ["keep", hostile],
  ["init", hostile],
  ["init", "--config", join("broken.yaml", fileName(hostile))],
  ["simulate", "--faults", hostile],
  ["limits"],
  ["limits", "reset", hostile],
  ["changes", "show", hostile],
  ["set-status", "completed", "--where", hostile],
  ["watch", "--every", hostile],
  ["watch", "--every", "1h", "--time-zone", hostile],
  ["demo", "--conversations", "1", "--db", "config"],
  ["demo", "--conversations", hostile],
  ["status", hostile],
  ["status", "--config", "broken.yaml"],
  ["check", "--config", "broken.yaml"],
  ["check", hostile],
  ["set-status", hostile, hostile],
  ["why", hostile],
  ["quarantine", "--connection", hostile],
  ["query", "SELECT 1", "--db", `no${fileName(hostile)}`],
  [hostile],
  [`--${hostile}`],
  ["status", "--log-level", hostile]
]

const leaves = <R>(all: ReadonlyArray<Verb<R>>): ReadonlyArray<string> => all.map(({ name }) => name)

describe("hostile words", () => {
  it("are tried with every verb", () => {
    expect(new Set(commands.map(([verb = ""]) => verb))).toEqual(
      new Set([...leaves(verbs), hostile, `--${hostile}`])
    )
  })

  for (const argv of commands) {
    const words = argv.map((word) => (word.length > 40 ? "HOSTILE" : word)).join(" ")
    it(`do not reach a terminal, a pipe or a JSON document: ${words}`, async () => {
      for (const columns of [undefined, 90]) {
        const { stderr, stdout } = await run(argv, columns)
        expect(stdout + stderr).not.toBe("")
        const said = stdout + withoutErasing(stderr)
        expect(said).not.toMatch(columns === undefined ? escapes : obeyed)
      }
      const { stderr, stdout } = await run([...argv, "--json", "--progress", "json"], 100)
      expect(stdout + stderr).not.toMatch(obeyed)
    })
  }
})
