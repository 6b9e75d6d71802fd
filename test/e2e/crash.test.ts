import { createHash } from "node:crypto"
import { afterEach, describe, expect, it } from "vitest"
import type { LogEntry } from "../../src/simulator/index.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import { collect, faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * `kill -9`, at the moment when the vendors receive a certain request, and then once more from where it stopped. Set
 * PARLEY_CRASHES to try more than a few (`npm run crash`).
 */

const crashes = Number(process.env.PARLEY_CRASHES ?? 5)
const conversations = 120

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

/** Everything that must not depend on how the mirror came to be. */
const contentOf = ({ rows }: Workspace) => ({
  conversations: rows(
    `SELECT id, connection, provider_id, contact_id, channel, provider_channel, status, remote_status, provider_status,
       change_state, agent_id, campaign_id, title, summary, qualified, qualification_reason, tags, attributes,
       declared_messages, stored_messages, complete, started_at, last_message_at, updated_at, deleted_at
     FROM conversations ORDER BY id`
  ),
  messages: rows(
    `SELECT id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at, sent_at_source,
       attributes FROM messages ORDER BY id`
  ),
  contacts: rows("SELECT id, provider_id FROM contacts ORDER BY id"),
  history: rows(
    "SELECT conversation_id, from_status, to_status, origin FROM status_history ORDER BY conversation_id, id"
  ),
  raw: rows(
    "SELECT connection, kind, provider_id, hash FROM raw_records WHERE newest = 1 ORDER BY connection, kind, provider_id"
  ),
  words: rows("SELECT count(*) AS n FROM message_search WHERE message_search MATCH 'the'")
})

const digest = (content: object): string => createHash("sha256").update(JSON.stringify(content)).digest("hex")

const open = (seed: number) =>
  openWorkspace({
    seed,
    conversations,
    limits: false,
    now: Date.UTC(2026, 2, 9, 8),
    vendors: { convocore: { ghosts: 0 } }
  })

/** Kills the child when the vendors have received so many more requests. Returns the log of what arrived until then. */
const killAt = async (opened: Workspace, args: ReadonlyArray<string>, request: number) => {
  const { simulator } = opened
  const before = simulator.log.length
  const handle = simulator.handle
  const child = opened.start(args)
  let left = request
  Object.assign(simulator, {
    handle: (...input: Parameters<typeof handle>) => {
      left -= 1
      if (left === 0) child.kill("SIGKILL")
      return handle(...input)
    }
  })
  const ended = await collect(child)
  Object.assign(simulator, { handle })
  return { ended, log: simulator.log.slice(before) }
}

const finish = async (opened: Workspace, args: ReadonlyArray<string>) => {
  const before = opened.simulator.log.length
  const ended = await opened.parley(args)
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" })
  return opened.simulator.log.slice(before)
}

const sync = ["sync", "--progress", "none", "--json"]

const detailsIn = (log: ReadonlyArray<LogEntry>) =>
  log
    .filter(({ operation, vendor }) => vendor === "empfio" && operation === "detail")
    .map((one) => one.conversationId)

describe("killed anywhere", () => {
  it(`a sync goes on to the same content as one that was not, ${crashes} times`, async () => {
    workspace = await open(1)
    const whole = await finish(workspace, sync)
    const expected = digest(contentOf(workspace))
    await workspace.close()
    const random = makeRandom(2026)
    for (let crash = 0; crash < crashes; crash += 1) {
      const request = 1 + random.below(whole.length)
      workspace = await open(1)
      const { ended, log } = await killAt(workspace, sync, request)
      expect(ended.signal).toBe("SIGKILL")
      const rest = await finish(workspace, sync)
      expect({ request, content: digest(contentOf(workspace)) }).toEqual({ request, content: expected })
      expect(faultsOf(workspace)).toEqual([])
      // What was committed is not asked for again: at most one page of records, and what was on its way.
      const again = detailsIn(rest).filter((id) => detailsIn(log).includes(id))
      const perPage =
        500 /
        (workspace.rows<{ n: number }>("SELECT avg(stored_messages) + 2 AS n FROM conversations")[0]?.n ?? 1)
      expect(again.length).toBeLessThanOrEqual(perPage + 64)
      await workspace.close()
    }
  }, 3_600_000)
})
