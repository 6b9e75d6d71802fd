import { once } from "node:events"
import { readdirSync, statSync, watch } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import Sqlite from "better-sqlite3"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { editableViews } from "../support/editableViews.ts"
import { faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"

let workspace: Workspace

beforeEach(async () => {
  workspace = await openWorkspace({ conversations: 30, limits: false })
  expect((await workspace.parley(["sync", "--quiet"])).code).toBe(0)
})
afterEach(() => workspace.close())

const contentOf = ({ rows }: Workspace) =>
  JSON.stringify([
    rows(
      `SELECT id, contact_id, channel, status, provider_status, agent_id, title, summary, qualified, tags, attributes,
         declared_messages, stored_messages, started_at, last_message_at, updated_at FROM conversations ORDER BY id`
    ),
    rows(
      `SELECT id, conversation_id, provider_id, position, role, type, content, sent_at, sent_at_source, attributes
       FROM messages ORDER BY id`
    )
  ])

const edit = (sql: string): void => {
  const mirror = new Sqlite(workspace.database)
  try {
    editableViews(mirror)
    mirror.exec(sql)
  } finally {
    mirror.close()
  }
}

describe("raw is the truth", () => {
  it("a rebuild changes nothing of what was read rightly, and asks no provider", async () => {
    const before = contentOf(workspace)
    const asked = workspace.simulator.log.length
    const { code, stdout } = await workspace.parley(["rebuild", "--json"])
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as { connections: Array<Record<string, number>> }
    expect(report.connections.map(({ inserted }) => inserted)).toEqual([0, 0, 0, 0])
    expect(contentOf(workspace)).toBe(before)
    expect(workspace.simulator.log.length).toBe(asked)
  })

  it("a rebuild puts right what was read wrongly, and its plan says so without doing it", async () => {
    const before = contentOf(workspace)
    edit(`
      UPDATE remote_conversations SET summary = 'read wrongly', channel = 'pigeon' WHERE connection = 'salon';
      UPDATE messages SET role = 'unknown' WHERE conversation_id LIKE 'leads:%';
    `)
    const damaged = contentOf(workspace)
    expect(damaged).not.toBe(before)

    const modes = new Set<number>()
    const watcher = watch(dirname(workspace.database), (_event, name) => {
      const mode =
        name?.includes(".plan-") &&
        statSync(join(dirname(workspace.database), name), { throwIfNoEntry: false })?.mode
      if (typeof mode === "number") modes.add(mode & 0o777)
    })
    const plan = await workspace.parley(["rebuild", "--plan", "--json"])
    watcher.close()
    expect(plan.code).toBe(0)
    // The copy holds what the mirror holds, and is for nobody else to read either.
    expect([...modes]).toEqual([0o600])
    const planned = JSON.parse(plan.stdout) as { connections: Array<{ name: string; updated: number }> }
    expect(planned.connections.find(({ name }) => name === "salon")?.updated).toBeGreaterThanOrEqual(30)
    expect(contentOf(workspace)).toBe(damaged)

    expect((await workspace.parley(["rebuild", "--quiet"])).code).toBe(0)
    expect(contentOf(workspace)).toBe(before)
    expect(faultsOf(workspace)).toEqual([])
  })

  it("a plan of a rebuild is no run of the mirror's, and removes what one that was killed left", async () => {
    const planning = workspace.start(["rebuild", "--plan", "--progress", "none"])
    const copies = () => readdirSync(dirname(workspace.database)).filter((name) => name.includes(".plan-"))
    while (copies().length === 0) await setTimeout(5)
    const ended = once(planning, "exit")
    planning.kill("SIGKILL")
    await ended
    expect(copies()).not.toEqual([])
    for (const _ of ["the first", "the second"]) {
      const { code, stderr } = await workspace.parley(["rebuild", "--plan", "--progress", "none"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    }
    expect(copies()).toEqual([])
  })

  it("a rebuild keeps the status that a push has confirmed since", async () => {
    const [row] = workspace.rows<{ id: string }>(
      "SELECT id FROM conversations WHERE connection = 'salon' AND status = 'active' LIMIT 1"
    )
    expect(
      (await workspace.parley(["set-status", row?.id ?? "", "completed", "--push", "--quiet"])).code
    ).toBe(0)
    expect((await workspace.parley(["rebuild", "--quiet"])).code).toBe(0)
    expect(workspace.rows("SELECT remote_status FROM conversations WHERE id = ?", row?.id)).toEqual([
      { remote_status: "completed" }
    ])
  })

  it("records that an older version could not read are stored by a retry, without asking the provider", async () => {
    const before = contentOf(workspace)
    const [payload] = workspace.rows<{ provider_id: string; payload: string }>(
      "SELECT provider_id, 'x' AS payload FROM raw_records WHERE connection = 'leads' LIMIT 1"
    )
    const id = payload?.provider_id ?? ""
    // As it would be had the conversation never decoded: its payload in quarantine, and nothing else of it.
    const shown = workspace.simulator.vendors.naturalead.world
    const conversation = { ...shown.conversations.get(id), messages: shown.messages(id) }
    edit(`
      INSERT INTO quarantine (connection, kind, provider_id, conversation_provider_id, reason, path, payload,
        payload_hash, first_seen_at, last_seen_at, page_id)
      SELECT 'leads', 'conversation', '${id}', '${id}', 'expected an older thing', '$.status',
        '${JSON.stringify(conversation).replaceAll("'", "''")}', 'h', '2026-01-01T00:00:00.000Z',
        '2026-01-01T00:00:00.000Z', page_id FROM remote_conversations WHERE id = 'leads:${id}';
      INSERT INTO message_search (message_search, rowid, content)
        SELECT 'delete', s.key, s.content FROM message_search_source s JOIN messages m ON m.key = s.key
        WHERE m.conversation_id = 'leads:${id}' AND s.content IS NOT NULL;
      DELETE FROM message_words WHERE key IN (SELECT key FROM messages WHERE conversation_id = 'leads:${id}');
      DELETE FROM messages WHERE conversation_id = 'leads:${id}';
      DELETE FROM status_history WHERE conversation_id = 'leads:${id}';
      DELETE FROM raw_records WHERE connection = 'leads' AND conversation_provider_id = '${id}';
      DELETE FROM remote_conversations WHERE id = 'leads:${id}';
    `)
    expect(contentOf(workspace)).not.toBe(before)
    const asked = workspace.simulator.log.length
    const { code, stdout } = await workspace.parley(["quarantine", "retry", "--json"])
    expect(code).toBe(0)
    expect((JSON.parse(stdout) as { retried: object }).retried).toMatchObject({
      leads: { tried: 1, resolved: 1 },
      salon: { tried: 0, resolved: 0 }
    })
    expect(contentOf(workspace)).toBe(before)
    expect(workspace.simulator.log.length).toBe(asked)
    expect(faultsOf(workspace)).toEqual([])
  })

  it("a retry that leaves a record where it is ends partial, and does not count as receiving it", async () => {
    edit(`
      INSERT INTO quarantine (connection, kind, provider_id, conversation_provider_id, reason, path, payload,
        payload_hash, first_seen_at, last_seen_at, page_id)
      SELECT 'leads', 'conversation', 'unread', 'unread', 'expected an object', '$', '[]', 'h',
        '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', min(id) FROM pages;
    `)
    const { code, stderr, stdout } = await workspace.parley(["quarantine", "retry", "leads"])
    expect(code).toBe(3)
    expect(stdout).toContain("leads: 0 of 1 record can be read now and are stored; 1 stays")
    expect(stderr).toContain("leads: quarantine retry partial: 1 record still cannot be read")
    expect(workspace.rows("SELECT outcome, exit_code FROM runs ORDER BY id DESC LIMIT 1")).toEqual([
      { outcome: "partial", exit_code: 3 }
    ])
    expect(workspace.rows("SELECT seen, last_seen_at FROM quarantine WHERE provider_id = 'unread'")).toEqual([
      { seen: 1, last_seen_at: "2026-01-01T00:00:00.000Z" }
    ])
    edit("DELETE FROM quarantine WHERE provider_id = 'unread'")
  })

  it("verify finds messages that were dropped in silence, and mends all of them", async () => {
    const before = contentOf(workspace)
    edit(`
      CREATE TEMP TABLE gone AS SELECT key FROM messages WHERE key % 50 = 0 AND conversation_id LIKE 'salon:%';
      INSERT INTO message_search (message_search, rowid, content)
        SELECT 'delete', key, content FROM message_search_source WHERE key IN gone AND content IS NOT NULL;
      DELETE FROM message_words WHERE key IN gone;
      UPDATE remote_conversations SET stored_messages = stored_messages - (
        SELECT count(*) FROM messages m WHERE m.conversation_id = remote_conversations.id AND m.key IN gone);
      DELETE FROM messages WHERE key IN gone;
    `)
    expect(contentOf(workspace)).not.toBe(before)
    const { code, stdout } = await workspace.parley(["verify", "salon", "--all", "--json"])
    expect(code).toBe(3)
    const { verdicts } = JSON.parse(stdout) as {
      verdicts: { salon: { repaired: Array<string>; checked: number; atMostWrong: number } }
    }
    expect(verdicts.salon.checked).toBe(30)
    expect(verdicts.salon.repaired.length).toBeGreaterThan(0)
    expect(verdicts.salon.atMostWrong).toBe(0)
    expect(contentOf(workspace)).toBe(before)
    expect((await workspace.parley(["verify", "salon", "--all", "--quiet"])).code).toBe(0)
    expect(faultsOf(workspace)).toEqual([])
  })
})
