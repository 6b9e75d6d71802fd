import Sqlite from "better-sqlite3"
import { afterEach, expect, it } from "vitest"
import { makeRandom } from "../../src/simulator/random.ts"
import { contentQueries } from "../support/content.ts"
import { editableViews } from "../support/editableViews.ts"
import { faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * One message in a thousand is dropped from the mirror in silence: each from another conversation, by a seed. Set
 * PARLEY_VERIFY to the number of conversations to try it with more than a few hundred.
 */

const conversations = Number(process.env.PARLEY_VERIFY ?? 240)
const unlimited = "limits: [{ requests: 10000, per: 1 second, scope: connection }]"
const sample = Math.round(conversations * 0.75)

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

/** All but the contacts: of a person with several conversations, the one that was asked for last says the most. */
const contentOf = ({ rows }: Workspace) => {
  const { contacts: _, ...queries } = contentQueries
  return Object.fromEntries(Object.entries(queries).map(([name, sql]) => [name, rows(sql)]))
}

/** Drops a thousandth of all messages, and every trace of them but their raw payloads. Returns whose they were. */
const dropSilently = ({ database }: Workspace): ReadonlySet<string> => {
  const mirror = new Sqlite(database)
  try {
    const all = mirror
      .prepare<[], { key: number; conversation_id: string }>(
        "SELECT key, conversation_id FROM messages ORDER BY id"
      )
      .all()
    const random = makeRandom(2026)
    const dropped = new Map<string, number>()
    while (dropped.size < Math.round(all.length / 1000)) {
      const one = all[random.below(all.length)]
      if (one !== undefined) dropped.set(one.conversation_id, one.key)
    }
    const insert = "INSERT INTO gone VALUES (?)"
    editableViews(mirror)
    mirror.exec("CREATE TEMP TABLE gone (key INTEGER)")
    for (const key of dropped.values()) mirror.prepare(insert).run(key)
    mirror.exec(`
      INSERT INTO message_search (message_search, rowid, content)
        SELECT 'delete', key, content FROM message_search_source WHERE key IN gone AND content IS NOT NULL;
      DELETE FROM message_words WHERE key IN gone;
      UPDATE remote_conversations SET stored_messages = stored_messages - 1
        WHERE id IN (SELECT conversation_id FROM messages WHERE key IN gone);
      DELETE FROM messages WHERE key IN gone;`)
    return new Set(dropped.keys())
  } finally {
    mirror.close()
  }
}

interface Verdict {
  readonly checked: number
  readonly repaired: ReadonlyArray<string>
  readonly atMostWrong: number
}

it("verify finds the one message in a thousand that was dropped in silence, and mends all of them", async () => {
  workspace = await openWorkspace({
    conversations: { naturalead: conversations },
    limits: false,
    configure: (yaml) => yaml.replaceAll(/(\n +)baseUrl/g, `$1${unlimited}$1baseUrl`)
  })
  const { parley } = workspace
  expect((await parley(["sync", "leads", "--quiet"])).code).toBe(0)
  const before = contentOf(workspace)
  const dropped = dropSilently(workspace)
  expect(dropped.size).toBeGreaterThanOrEqual(conversations / 100)
  expect(contentOf(workspace)).not.toEqual(before)
  const verify = async (...how: ReadonlyArray<string>) => {
    const { code, stdout } = await parley(["verify", "leads", ...how, "--json", "--progress", "none"])
    return { code, verdict: (JSON.parse(stdout) as { verdicts: { leads: Verdict } }).verdicts.leads }
  }

  // That a sample of three quarters shows none of so many has a chance of less than one in ten thousand.
  const some = await verify("--sample", String(sample))
  expect({ code: some.code, checked: some.verdict.checked }).toEqual({ code: 3, checked: sample })
  expect(some.verdict.repaired.length).toBeGreaterThan(0)
  expect(some.verdict.atMostWrong).toBeGreaterThan(some.verdict.repaired.length / sample)

  const all = await verify("--all")
  const found = [...some.verdict.repaired, ...all.verdict.repaired].map((id) => `leads:${id}`)
  expect(found.sort()).toEqual([...dropped].sort())
  expect(all.verdict.atMostWrong).toBe(0)
  expect(contentOf(workspace)).toEqual(before)
  expect((await verify("--all")).code).toBe(0)
  expect(faultsOf(workspace)).toEqual([])
}, 1_200_000)
