import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { afterEach, describe, expect, it } from "vitest"
import { type LogEntry, type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import { collect, faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * `kill -9` again and again, each time when the vendors receive a certain request. Set PARLEY_INTERRUPTIONS to try more
 * than a few (`npm run soak:interrupt`).
 */

const interruptions = Number(process.env.PARLEY_INTERRUPTIONS ?? 3)
const conversations = interruptions > 3 ? 400 : 60

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const open = () =>
  openWorkspace({
    seed: 3,
    conversations,
    limits: false,
    now: Date.UTC(2026, 2, 9, 8),
    vendors: { convocore: { ghosts: 0 } }
  })

const contentOf = ({ rows }: Workspace): string =>
  createHash("sha256")
    .update(
      JSON.stringify([
        rows(
          `SELECT id, contact_id, channel, status, provider_status, agent_id, title, tags, attributes, declared_messages,
             stored_messages, started_at, last_message_at, updated_at, deleted_at FROM conversations ORDER BY id`
        ),
        rows(
          "SELECT id, conversation_id, position, role, type, content, sent_at, attributes FROM messages ORDER BY id"
        ),
        rows("SELECT id, name, email, phone, attributes FROM contacts ORDER BY id"),
        rows("SELECT connection, kind, provider_id, hash FROM raw_records WHERE newest = 1 ORDER BY 1, 2, 3")
      ])
    )
    .digest("hex")

const args = ["backfill", "--progress", "none", "--json"]

/** Kills the backfill when the vendors have received so many more requests; null: it came to its end before. */
const interrupted = async (opened: Workspace, request: number): Promise<NodeJS.Signals | null> => {
  const { simulator } = opened
  const { handle } = simulator
  const child = opened.start(args)
  let left = request
  Object.assign(simulator, {
    handle: (...input: Parameters<typeof handle>) => {
      left -= 1
      if (left === 0) child.kill("SIGKILL")
      return handle(...input)
    }
  })
  const { signal } = await collect(child)
  Object.assign(simulator, { handle })
  return signal
}

const held = (opened: Workspace): Readonly<Record<string, number>> =>
  Object.fromEntries(
    opened
      .rows<{ provider: string; n: number }>(
        "SELECT provider, count(*) AS n FROM conversations WHERE stored_messages > 0 GROUP BY provider"
      )
      .map(({ n, provider }) => [provider, n])
  )

/** The request that brings the messages of one conversation; NaturaLead's list brings them all. */
const brings = { convocore: "detail", empfio: "detail", aelyst: "messages" } as const

const vendors = ["convocore", "empfio", "aelyst"] as const

const count = (log: ReadonlyArray<LogEntry>, vendor: VendorId, operation: string): number =>
  log.filter((one) => one.vendor === vendor && one.operation === operation).length

/** Conversations that may be asked for again, and pages of each list: what was asked for and not committed. */
const mostDetails = 100
const mostLists = { naturalead: 1, convocore: 8, empfio: 2, aelyst: 1 } as const

describe("a backfill that is killed", () => {
  it(`${interruptions} times ends with the mirror of one that was not, and costs a page and a login each time`, async () => {
    workspace = await open()
    await workspace.parley(args)
    const expected = contentOf(workspace)
    const whole = [...workspace.simulator.log]
    await workspace.close()

    workspace = await open()
    const { log } = workspace.simulator
    const random = makeRandom(20)
    const most = { convocore: 0, empfio: 0, aelyst: 0 }
    let killed = 0
    while (killed < interruptions) {
      const from = log.length
      const before = existsSync(workspace.database) ? held(workspace) : {}
      // Such that all of them fall into the backfill.
      const furthest = Math.ceil(((interruptions > 3 ? 1.4 : 1) * whole.length) / interruptions)
      const signal = await interrupted(workspace, 5 + random.below(furthest))
      if (signal === null) break
      killed += 1
      const after = held(workspace)
      for (const vendor of vendors) {
        const asked = count(log.slice(from), vendor, brings[vendor])
        const lost = asked - ((after[vendor] ?? 0) - (before[vendor] ?? 0))
        most[vendor] = Math.max(most[vendor], lost)
      }
    }
    expect(killed).toBe(interruptions)
    const ended = await workspace.parley(args)
    expect(ended.code).toBe(0)
    expect(contentOf(workspace)).toBe(expected)
    expect(faultsOf(workspace)).toEqual([])

    const more = (vendor: VendorId, operation: string) =>
      (count(log, vendor, operation) - count(whole, vendor, operation)) / killed
    const cost = {
      details: most,
      list: {
        naturalead: more("naturalead", "list"),
        convocore: more("convocore", "list"),
        empfio: more("empfio", "list"),
        aelyst: more("aelyst", "list")
      },
      login: more("empfio", "login")
    }
    if (process.env.PARLEY_INTERRUPTIONS !== undefined) {
      process.stdout.write(`${killed} interruptions; each cost ${JSON.stringify(cost)}\n`)
    }
    for (const vendor of vendors) expect(most[vendor], vendor).toBeLessThanOrEqual(mostDetails)
    for (const vendor of vendorIds) {
      expect(cost.list[vendor], vendor).toBeLessThanOrEqual(mostLists[vendor])
    }
    expect(cost.login).toBeLessThanOrEqual(1)
  }, 3_600_000)
})
