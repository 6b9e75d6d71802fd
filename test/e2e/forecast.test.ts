import { existsSync } from "node:fs"
import { afterEach, describe, expect, it } from "vitest"
import type { forecastDocument } from "../../src/cli/terminal/forecast.ts"
import { openWorkspace, type Workspace, type WorkspaceOptions } from "../support/parley.ts"

/*
 * What a backfill will take, asked through the built command line.
 */

const closing: Array<Workspace> = []
afterEach(async () => {
  for (const workspace of closing.splice(0)) await workspace.close()
})

const open = async (options: WorkspaceOptions): Promise<Workspace> => {
  const workspace = await openWorkspace(options)
  closing.push(workspace)
  return workspace
}

type Told = ReturnType<typeof forecastDocument>

/** A limit under which 300 conversations take a minute. */
const slowly = (yaml: string): string =>
  yaml.replace(/( +)provider: empfio\n/, "$&$1limits: [{ requests: 5, per: 1s }]\n")

describe("backfill --plan", () => {
  it("asks a few questions, writes nothing, and needs no mirror", async () => {
    const { database, parley, simulator } = await open({ conversations: 130 })
    const ended = await parley(["backfill", "--plan", "--json"])
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    const { connections } = JSON.parse(ended.stdout) as { readonly connections: ReadonlyArray<Told> }
    expect(existsSync(database)).toBe(false)
    expect(connections.map(({ name, basis }) => [name, basis])).toEqual([
      ["leads", "total"],
      ["support", "look"],
      ["salon", "total"],
      // Its list is so short that it was read to its end.
      ["inbox", "total"]
    ])
    for (const { asked, listed, name } of connections) {
      expect(asked, name).toBeLessThanOrEqual(7)
      expect(listed?.high, name).toBe(name === "support" ? null : 130)
    }
    expect(connections.reduce((sum, { asked }) => sum + asked, 0)).toBe(simulator.log.length)

    const shown = await parley(["backfill", "--plan"])
    expect(shown.stdout).toContain("support: Convocore's lists do not say how many conversations they hold")
    expect(shown.stdout).toContain("Nothing was changed and nothing was written.")
  })

  it("with --deadline, refuses what cannot be done in time, says why, and lets what can be done begin", async () => {
    const { database, parley, simulator } = await open({ conversations: 300, configure: slowly })
    const refused = await parley(["backfill", "salon", "--deadline", "20s"])
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toMatch(
      /it cannot be done within 20 seconds: salon takes at least \d+s: \d+ requests or more within its limits \(5 in 1 second\)/
    )
    expect(existsSync(database)).toBe(false)
    expect(simulator.log.length).toBeLessThanOrEqual(7)
    const begun = await parley(["backfill", "leads", "--deadline", "60s", "--quiet"])
    expect(begun.code).toBe(0)
  })

  it("knows how much has changed where the list is sorted by update, and is right about it", async () => {
    const { parley, simulator } = await open({ conversations: 250, limits: false })
    await parley(["backfill", "salon", "--quiet"])
    const [salon] = JSON.parse((await parley(["sync", "salon", "--plan", "--json"])).stdout).pull as [Told]
    expect(salon.fetched).toEqual({ low: 0, likely: 0, high: 0 })
    const ids = [...simulator.vendors.empfio.world.conversations.keys()].slice(0, 200)
    for (const id of ids) simulator.vendors.empfio.world.addMessage(id, Date.now())
    const [later] = JSON.parse((await parley(["sync", "salon", "--plan", "--json"])).stdout).pull as [Told]
    expect(later.fetched).toEqual({ low: 200, likely: 200, high: 200 })
    const { connections } = JSON.parse((await parley(["sync", "salon", "--json", "--quiet"])).stdout)
    expect(connections[0].requests).toBeGreaterThanOrEqual(later.requests?.low ?? 0)
    expect(connections[0].requests).toBeLessThanOrEqual(later.requests?.high ?? 0)
  })
})
