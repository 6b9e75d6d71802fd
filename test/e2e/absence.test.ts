import Sqlite from "better-sqlite3"
import { afterEach, describe, expect, it, vi } from "vitest"
import { type Fault, vendorIds } from "../../src/simulator/index.ts"
import type { RunReport } from "../../src/sync/run.ts"
import { connectionNames, openWorkspace, type Workspace, type WorkspaceOptions } from "../support/parley.ts"

vi.setConfig({ testTimeout: 240_000 })

/*
 * What is not there, with the built command line: what a 404 proves, and how many may be gone at once.
 */

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const unlimited = "limits: [{ requests: 10000, per: 1 second, scope: connection }]"

/** A mirror that holds everything. */
const synced = async (options: WorkspaceOptions): Promise<Workspace> => {
  const opened = await openWorkspace({
    limits: false,
    configure: (yaml) => yaml.replaceAll(/(\n +)baseUrl/g, `$1${unlimited}$1baseUrl`),
    ...options
  })
  workspace = opened
  expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
  return opened
}

const names = Object.values(connectionNames)

const page = "<html><head><title>404 Not Found</title></head><body>nginx</body></html>"

/** An ingress that has nobody behind it, or a proxy that does not know the path. */
const ingress = (match: Fault["match"], body = page): Fault => ({
  match,
  effect: { kind: "answer", status: 404, headers: { "content-type": "text/plain" }, body }
})

/** The account of somebody else: it is a good answer, of nothing that is ours. */
const otherAccount: Fault = {
  match: { method: "GET" },
  effect: { kind: "answer", status: 404, body: '{"message":"Not found"}' }
}

const marked = ({ rows }: Workspace) =>
  rows<{ id: string }>("SELECT id FROM conversations WHERE deleted_at IS NOT NULL").map(({ id }) => id)

const reportOf = (stdout: string) => JSON.parse(stdout) as RunReport

describe("verify", () => {
  it("marks nothing where nothing that it asks for is there, and says so", async () => {
    const opened = await synced({ conversations: { naturalead: 60, convocore: 1, empfio: 3, aelyst: 1 } })
    const { parley, simulator } = opened
    simulator.faults.add(otherAccount)
    const { code, stdout } = await parley(["verify", "--sample", "5", "--progress", "none"])
    expect(code).toBe(3)
    expect(stdout).toContain(
      "leads: 5 of 60 conversations requested; the provider says that none of the 5 requested conversations exists; none was marked deleted.\n  a wrong baseUrl or the credential of another account looks like this: check both;"
    )
    expect(stdout.match(/none was marked deleted\.$/gm)).toHaveLength(names.length)
    simulator.faults.clear()

    simulator.faults.add(ingress({ method: "GET" }, "default backend - 404"))
    const told = await parley(["verify", "--json", "--progress", "none"])
    expect(told.code).toBe(3)
    expect(reportOf(told.stdout).connections.map(({ error }) => error?.kind)).toEqual(
      names.map(() => "malformed")
    )
    expect(marked(opened)).toEqual([])
  })

  it("marks a single one that is gone, mends the others beside too many, and keeps to deleteBrake", async () => {
    const opened = await synced({ conversations: { naturalead: 60, convocore: 0, empfio: 0, aelyst: 0 } })
    const { parley, simulator } = opened
    const { world } = simulator.vendors.naturalead
    const [first = "", ...others] = world.conversations.keys()
    world.remove(first)
    const one = await parley(["verify", "leads", "--all", "--progress", "none"])
    expect(one.code).toBe(0)
    expect(one.stdout).toContain("1 does not exist there any more and is marked deleted. All were checked.")
    expect(marked(opened)).toEqual([`leads:${first}`])

    for (const id of others.slice(0, 51)) world.remove(id)
    const many = await parley(["verify", "leads", "--all", "--progress", "none"])
    expect(many.code).toBe(3)
    expect(many.stdout).toContain(
      "leads: 59 of 59 conversations requested; the provider says that 51 of the 59 requested conversations do not exist, more than the 50 that one run may mark deleted; none was marked; of the others none was wrong."
    )
    expect(marked(opened)).toEqual([`leads:${first}`])
  })
})

describe("messages that the provider does not show", () => {
  it("are not compared, and verify says so and ends with 3", async () => {
    const { parley, simulator } = await synced({
      conversations: { naturalead: 0, convocore: 4, empfio: 0, aelyst: 4 }
    })
    const verify = ["verify", "support", "inbox", "--all", "--progress", "none"]
    expect((await parley(verify)).code).toBe(0)
    const refused = { kind: "answer", status: 403, body: '{"message":"Forbidden"}' } as const
    simulator.faults.add({ match: { path: "/message/list|/export" }, effect: refused })
    const { code, stdout } = await parley(verify)
    expect(code).toBe(3)
    expect(
      stdout.match(/of 4 the messages were not compared, since the provider did not show them/g)
    ).toHaveLength(2)
    expect(stdout).not.toContain("All were checked")
  })
})

describe("a page for people where the API was asked", () => {
  it("is no proof that a conversation is gone which a whole list no longer shows", async () => {
    const opened = await synced({ conversations: { naturalead: 6, convocore: 0, empfio: 0, aelyst: 6 } })
    const vendors = ["naturalead", "aelyst"] as const
    for (const vendor of vendors) {
      const { world } = opened.simulator.vendors[vendor]
      const [id = ""] = world.conversations.keys()
      world.remove(id)
      opened.simulator.faults.add(ingress(({ path }) => path.includes(id)))
    }
    const { code, stdout } = await opened.parley(["sync", "leads", "inbox", "--json", "--progress", "none"])
    expect(code).toBe(3)
    for (const { error } of reportOf(stdout).connections) {
      expect(error?.kind).toBe("malformed")
      expect(error?.message).toMatch(
        /^the answer to the request to get a con\w+ \(404\) did not come from \w+'s API: an HTML page titled "404 Not Found"$/
      )
      expect(error?.hint).toContain("baseUrl")
    }
    expect(marked(opened)).toEqual([])
    opened.simulator.faults.clear()
    expect((await opened.parley(["sync", "leads", "inbox", "--quiet"])).code).toBe(0)
    expect(marked(opened)).toHaveLength(vendors.length)
  })

  it("ends no status change, at any provider: each goes out once the API answers again", async () => {
    const opened = await synced({ conversations: 8 })
    const { parley, rows, simulator } = opened
    const mirror = new Sqlite(opened.database)
    const ids = names.map((name) => {
      const sql =
        "SELECT id FROM conversations WHERE connection = ? AND status = 'active' ORDER BY id LIMIT 1"
      const id = mirror.prepare<[string], string>(sql).pluck().get(name) ?? ""
      mirror.prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(id)
      return id
    })
    simulator.faults.add(ingress(() => true, "404 page not found"))
    const { code, stdout } = await parley(["push", "--json", "--progress", "none"])
    expect(code).toBe(3)
    for (const { changes, error } of reportOf(stdout).connections) {
      expect(changes).toMatchObject({ pending: 1, rejected: 0 })
      expect(error).toMatchObject({ kind: "malformed", hint: expect.stringContaining("baseUrl") })
    }
    const changes = "SELECT state, attempts FROM status_changes"
    expect(rows(changes)).toEqual(ids.map(() => ({ state: "pending", attempts: 0 })))
    simulator.faults.clear()
    mirror.exec("UPDATE status_changes SET not_before = NULL")
    mirror.close()
    expect((await parley(["push", "--quiet"])).code).toBe(0)
    expect(rows(changes)).toEqual(ids.map(() => ({ state: "confirmed", attempts: 1 })))
    for (const [index, vendor] of vendorIds.entries()) {
      const id = ids[index]?.split(":")[1] ?? ""
      expect(simulator.vendors[vendor].world.effectsOn(id)).toHaveLength(1)
    }
  })
})
