import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { Db } from "../../src/store/Db.ts"
import { editableViews } from "./editableViews.ts"

/** A configuration for the fake registry: one connection that was synced, one that never was, one switched off. */
export const seededConfiguration = `database: ../mirror.db
connections:
  - name: leads
    provider: plain
    apiKey: \${PLAIN_KEY}
    quota: 60%
  - name: fresh
    provider: regional
    token: \${TOKEN}
  - name: quiet
    provider: plain
    apiKey: \${PLAIN_KEY}
    enabled: false
`

export const seededEnvironment = { PLAIN_KEY: "plain-secret", TOKEN: "token-secret" }

const sql = `
INSERT INTO connections (name, provider, first_seen_at, last_complete_scan_at)
VALUES ('leads', 'plain', '2026-03-01T10:00:00.000Z', '2026-03-07T10:00:00.000Z');
INSERT INTO writable_statuses VALUES ('leads', 'completed', 'close'), ('leads', 'active', 'open');
INSERT INTO runs (id, command, started_at, finished_at, outcome, exit_code, host, pid) VALUES
  (1, 'sync', '2026-03-07T10:00:00.000Z', '2026-03-07T10:01:05.000Z', 'complete', 0, 'here', 11),
  (2, 'sync', '2026-03-07T11:00:00.000Z', '2026-03-07T11:00:30.000Z', 'partial', 3, 'here', 12);
INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at, requests, rate_limited,
  waited_ms, pages, received, inserted, updated, quarantined, conversations, messages, changes_rejected, error_kind,
  error_message, error_hint) VALUES
  (1, 'leads', 'sync', 'complete', '2026-03-07T10:00:00.000Z', '2026-03-07T10:01:05.000Z', 12, 1, 31000, 2, 1234, 1230,
    3, 1, 2, 1200, 0, NULL, NULL, NULL),
  (2, 'leads', 'push', 'complete', '2026-03-07T11:00:00.000Z', '2026-03-07T11:00:01.000Z', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, NULL, NULL, NULL),
  (2, 'leads', 'sync', 'failed', '2026-03-07T11:00:01.000Z', '2026-03-07T11:00:30.000Z', 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 'unauthorized', 'Plain refused the key (401)', 'write a new key into PLAIN_KEY');
INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
  received, inserted, updated, unchanged, filtered, quarantined) VALUES
  (1, 1, 'leads', 'sync', 'list conversations', 'GET', '/conversations?page=1', 200, '2026-03-07T10:00:01.000Z',
    '2026-03-07T10:00:02.000Z', 900, 1234, 1230, 3, 0, 0, 1);
INSERT INTO remote_contacts (id, connection, provider_id, name, email, observed_at, first_seen_at)
VALUES ('leads:c1', 'leads', 'c1', 'Ana', 'ana@example.com', '2026-03-07T10:00:01.000Z', '2026-03-01T10:00:00.000Z');
INSERT INTO remote_conversations (id, connection, provider_id, contact_id, status, provider_status, title,
  declared_messages, stored_messages, started_at, last_message_at, updated_at, observed_at, first_seen_at, content_hash,
  page_id) VALUES
  ('leads:a1', 'leads', 'a1', 'leads:c1', 'active', 'open', 'Room for two', 2, 2, '2026-03-06T09:00:00.000Z',
    '2026-03-06T09:05:00.000Z', '2026-03-06T09:05:00.000Z', '2026-03-07T10:00:01.000Z', '2026-03-01T10:00:00.000Z', 'h', 1),
  ('leads:a2', 'leads', 'a2', NULL, 'completed', 'close', NULL, 5, 3, '2026-03-05T09:00:00.000Z', NULL, NULL,
    '2026-03-07T10:00:01.000Z', '2026-03-01T10:00:00.000Z', 'h', 1);
INSERT INTO messages (id, conversation_id, position, role, type, content, sent_at, page_id) VALUES
  ('leads:a1:1', 'leads:a1', 0, 'customer', 'text', 'Hello,
is there a "room"?', '2026-03-06T09:00:00.000Z', 1),
  ('leads:a1:2', 'leads:a1', 1, 'agent', 'text', '日本語 ' || char(27) || '[2J', '2026-03-06T09:05:00.000Z', 1);
INSERT INTO status_history (conversation_id, from_status, to_status, provider_status, origin, observed_at, run_id)
VALUES ('leads:a1', NULL, 'active', 'open', 'provider', '2026-03-07T10:00:01.000Z', 1);
INSERT INTO status_changes (id, conversation_id, from_status, to_status, state, attempts, not_before, last_error,
  requested_at, requested_by) VALUES
  (1, 'leads:a1', 'active', 'completed', 'pending', 1, '2099-01-01T00:00:00.000Z', 'Plain answered 503',
    '2026-03-07T10:30:00.000Z', 'ana');
INSERT INTO status_changes (id, conversation_id, from_status, to_status, state, attempts, requested_at, requested_by,
  ended_at) VALUES
  (2, 'leads:a2', 'completed', 'active', 'rejected', 1, '2026-03-07T10:31:00.000Z', 'sql', '2026-03-07T11:00:00.000Z');
INSERT INTO quarantine (id, connection, kind, provider_id, conversation_provider_id, reason, path, payload,
  payload_hash, seen, first_seen_at, last_seen_at, resolved_at, page_id) VALUES
  (1, 'leads', 'message', 'm9', 'a2', 'expected a time, got "soon"', '$.messages[2].at', '{"id":"m9","at":"soon"}', 'x', 3,
    '2026-03-06T10:00:00.000Z', '2026-03-07T10:00:01.000Z', NULL, 1),
  (2, 'leads', 'conversation', 'zz', 'zz', 'expected text, got 7', '$.id', '{"id":7}', 'y', 1,
    '2026-03-06T10:00:00.000Z', '2026-03-06T10:00:00.000Z', NULL, 1),
  (3, 'leads', 'conversation', 'yy', 'yy', 'expected text', '$.id', 'not JSON', 'z', 1,
    '2026-03-06T10:00:00.000Z', '2026-03-06T10:00:00.000Z', '2026-03-07T10:00:01.000Z', 1);
`

/** A folder with `config/parley.yaml`; gone with the scope. */
export const configuredFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "parley-verbs-"))
    mkdirSync(join(folder, "config"))
    writeFileSync(join(folder, "config/parley.yaml"), seededConfiguration)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** The same with a small mirror, whose every number a test can name. */
export const seededFolder = Effect.tap(configuredFolder, (folder) =>
  Effect.scoped(
    Effect.flatMap(Db, (db) =>
      db.use("test.seed", ({ database }) => {
        editableViews(database)
        database.exec(sql)
      })
    ).pipe(Effect.provide(Db.layer(join(folder, "mirror.db"))))
  )
)
