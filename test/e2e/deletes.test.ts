import { afterEach, describe, expect, it } from "vitest"
import type { Fault, VendorId } from "../../src/simulator/index.ts"
import type { RunReport } from "../../src/sync/run.ts"
import {
  connectionNames,
  faultsOf,
  openWorkspace,
  type Workspace,
  type WorkspaceOptions
} from "../support/parley.ts"

/*
 * What it takes for a conversation to be marked deleted, with the built command line: that a whole list does not show
 * it, and that the provider says of its id that it does not exist.
 */

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const namedConnections = Object.entries(connectionNames) as ReadonlyArray<[VendorId, string]>

const unlimited = "limits: [{ requests: 10000, per: 1 second, scope: connection }]"

/** A mirror that holds everything, of so many conversations at each vendor. */
const synced = async (conversations: number, options: WorkspaceOptions = {}): Promise<Workspace> => {
  const { configure = (yaml: string) => yaml, ...rest } = options
  const opened = await openWorkspace({
    conversations,
    limits: false,
    configure: (yaml) => configure(yaml.replaceAll(/(\n +)baseUrl/g, `$1${unlimited}$1baseUrl`)),
    ...rest
  })
  workspace = opened
  const { code, stderr } = await opened.parley(["sync", "--progress", "none"])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return opened
}

const sync = async ({ parley }: Workspace, name: string, progress = "none") => {
  const { code, stderr, stdout } = await parley(["sync", name, "--json", "--progress", progress])
  const { connections: reports } = JSON.parse(stdout) as RunReport
  return { code, stderr, report: reports[0] }
}

interface Row {
  readonly id: string
  readonly deleted_at: string | null
  readonly stored_messages: number
  readonly kept: number
}

const conversationsOf = ({ rows }: Workspace, name: string) =>
  rows<Row>(
    `SELECT id, deleted_at, stored_messages,
       (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) AS kept
     FROM conversations c WHERE connection = ? ORDER BY id`,
    name
  )

const deletedOf = (opened: Workspace, name: string) =>
  conversationsOf(opened, name).flatMap(({ deleted_at, id }) => (deleted_at === null ? [] : [id]))

const emptyList = (vendor: VendorId): Fault => ({ vendor, effect: { kind: "empty" } })

describe("a conversation that is gone at the provider", () => {
  it("is marked deleted once the provider says so of its id, keeps its messages, and returns when it does", async () => {
    const opened = await synced(12)
    const { vendors } = opened.simulator
    for (const [vendor, name] of namedConnections) {
      const held: Map<string, object> = vendors[vendor].world.conversations
      const [id = ""] = [...held.keys()].slice(3)
      const gone = held.get(id) as object
      const before = conversationsOf(opened, name)
      held.delete(id)
      vendors[vendor].world.changed()

      const after = await sync(opened, name, "plain")
      expect({ code: after.code, error: after.report?.error }).toEqual({ code: 0, error: null })
      expect(after.stderr).toContain(`${name}: 1 conversation is deleted at the provider`)
      const asked = opened.simulator.log.filter(({ status, url }) => status === 404 && url.includes(id))
      expect(asked.length, `${vendor}: asked for by its id`).toBeGreaterThan(0)
      const marked = conversationsOf(opened, name)
      expect(marked.map(({ deleted_at, ...rest }) => ({ ...rest, deleted: deleted_at !== null }))).toEqual(
        before.map((row) => ({
          id: row.id,
          stored_messages: row.stored_messages,
          kept: row.kept,
          deleted: row.id === `${name}:${id}`
        }))
      )

      held.set(id, gone)
      vendors[vendor].world.changed()
      expect((await sync(opened, name)).code).toBe(0)
      expect(conversationsOf(opened, name)).toEqual(before)
    }
    expect(faultsOf(opened)).toEqual([])
  })

  it("is not marked by a list that could not be read whole", async () => {
    const opened = await synced(150, {
      conversations: { naturalead: 1, convocore: 1, empfio: 150, aelyst: 150 }
    })
    const { aelyst, empfio } = opened.simulator.vendors
    for (const { world } of [aelyst, empfio]) {
      const [id = ""] = world.conversations.keys()
      world.remove(id)
    }
    opened.simulator.faults.add({
      match: ({ operation, query }) =>
        operation === "list" && (query.get("page") === "2" || query.has("cursorId")),
      effect: { kind: "answer", status: 400 }
    })
    for (const name of ["salon", "inbox"]) {
      const { code, report } = await sync(opened, name)
      expect({ code, kind: report?.error?.kind }).toEqual({ code: 3, kind: "rejected" })
      expect(deletedOf(opened, name)).toEqual([])
    }
  })

  it("is not marked where the provider still shows it by its id, and the user is told", async () => {
    const opened = await synced(20)
    const { world } = opened.simulator.vendors.naturalead
    const [hidden = ""] = world.conversations.keys()
    const list = opened.simulator.handle
    // The list forgets one that exists.
    Object.assign(opened.simulator, {
      handle: (...[vendor, request, now]: Parameters<typeof list>) => {
        const isList = vendor === "naturalead" && /\/conversations(\?|$)/.test(request.url)
        const kept = world.conversations.get(hidden)
        if (!isList || kept === undefined) return list(vendor, request, now)
        world.conversations.delete(hidden)
        world.changed()
        const response = list(vendor, request, now)
        const body = typeof response.body === "string" ? response.body : [...response.body].join("")
        world.conversations.set(hidden, kept)
        world.changed()
        return { ...response, body }
      }
    })
    const { parley } = opened
    const { code, stderr } = await parley(["sync", "leads", "--progress", "plain"])
    expect(code).toBe(0)
    expect(stderr).toMatch(/1 conversation is missing from the provider's list/)
    expect(deletedOf(opened, "leads")).toEqual([])
  })
})

describe("a provider that suddenly lists nothing", () => {
  it("deletes nothing, and is an error that says so, at every provider", async () => {
    const opened = await synced(8)
    const before = Object.values(connectionNames).map((name) => conversationsOf(opened, name))
    const completed = () =>
      opened.rows("SELECT connection, last_complete_sync_at FROM freshness ORDER BY connection")
    const complete = completed()
    for (const [vendor, name] of namedConnections) {
      opened.simulator.faults.add(emptyList(vendor))
      const { code, report } = await sync(opened, name)
      expect({ vendor, code, outcome: report?.outcome, kind: report?.error?.kind }).toEqual({
        vendor,
        code: 3,
        outcome: "partial",
        kind: "delete_brake"
      })
      expect(report?.error?.message).toMatch(/lists none of the 8 conversations/)
      expect(report?.error?.hint).toMatch(/deleteBrake: 100%/)
    }
    expect(Object.values(connectionNames).map((name) => conversationsOf(opened, name))).toEqual(before)
    expect(completed(), "an empty list is no complete sync").toEqual(complete)

    opened.simulator.faults.clear()
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
    expect(Object.values(connectionNames).map((name) => conversationsOf(opened, name))).toEqual(before)
    expect(faultsOf(opened)).toEqual([])
  })

  it("is complete where the mirror holds nothing either", async () => {
    const opened = await openWorkspace({ conversations: 0, limits: false })
    workspace = opened
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
  })

  it("is believed where deleteBrake lets everything go, and the provider says so of each", async () => {
    const opened = await synced(6, {
      configure: (yaml) => yaml.replaceAll("\n    baseUrl", "\n    deleteBrake: 100%\n    baseUrl")
    })
    for (const { world } of Object.values(opened.simulator.vendors)) {
      for (const id of [...world.conversations.keys()]) world.remove(id)
    }
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
    for (const name of Object.values(connectionNames)) expect(deletedOf(opened, name).length).toBe(6)
  })
})

describe("the brake", () => {
  const big = { naturalead: 130, convocore: 1, empfio: 130, aelyst: 130 }
  const remove = (opened: Workspace, vendor: VendorId, count: number) => {
    const { world } = opened.simulator.vendors[vendor]
    for (const id of [...world.conversations.keys()].slice(0, count)) world.remove(id)
  }

  it("lets 50 go at once, and none of 51, with the numbers", async () => {
    const opened = await synced(0, { conversations: big })
    for (const vendor of ["naturalead", "empfio", "aelyst"] as const) {
      const name = connectionNames[vendor]
      remove(opened, vendor, 51)
      const before = opened.simulator.log.length
      const { code, report } = await sync(opened, name)
      expect({ vendor, code, kind: report?.error?.kind }).toEqual({ vendor, code: 3, kind: "delete_brake" })
      expect(report?.error?.message).toMatch(
        /^51 of 130 conversations are no longer listed, more than the 50 that one run may mark deleted; none was marked$/
      )
      expect(deletedOf(opened, name)).toEqual([])
      expect(opened.simulator.log.slice(before).filter(({ status }) => status === 404)).toEqual([])
    }
  })

  it("lets exactly 50 go", async () => {
    const opened = await synced(0, { conversations: big })
    for (const vendor of ["naturalead", "empfio", "aelyst"] as const) {
      remove(opened, vendor, 50)
      expect((await sync(opened, connectionNames[vendor])).code).toBe(0)
      expect(deletedOf(opened, connectionNames[vendor]).length).toBe(50)
    }
  })

  it("gives way as far as the configuration says", async () => {
    const opened = await synced(0, {
      conversations: big,
      configure: (yaml) => yaml.replace("\n    baseUrl", "\n    deleteBrake: 60%\n    baseUrl")
    })
    remove(opened, "naturalead", 78)
    expect((await sync(opened, "leads")).code).toBe(0)
    expect(deletedOf(opened, "leads").length).toBe(78)
    remove(opened, "naturalead", 51)
    const { code, report } = await sync(opened, "leads")
    expect(code).toBe(3)
    expect(report?.error?.message).toMatch(/^51 of 52 /)
  })
})
