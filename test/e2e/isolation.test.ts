import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import type { Fault } from "../../src/simulator/index.ts"
import type { RunReport } from "../../src/sync/run.ts"
import { faultsOf, openWorkspace, type Workspace, type WorkspaceOptions } from "../support/parley.ts"

let workspace: Workspace | null = null

afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const others = (report: RunReport, name: string) => report.connections.filter((one) => one.name !== name)

/** Syncs once, and holds what every one of these faults must leave alone: the three other connections, and the file. */
const syncWith = async (
  name: string,
  options: WorkspaceOptions,
  environment: Readonly<Record<string, string>> = {}
) => {
  const opened = await openWorkspace(options)
  workspace = opened
  const ended = await opened.parley(["sync", "--json", "--max-wait", "5s"], environment)
  const report = JSON.parse(ended.stdout) as RunReport
  const own = report.connections.find((one) => one.name === name)
  expect(others(report, name).map(({ error, outcome }) => ({ outcome, error }))).toEqual(
    Array.from({ length: 3 }, () => ({ outcome: "complete", error: null }))
  )
  expect(ended.code).toBe(3)
  expect(ended.stdout + ended.stderr).not.toMatch(/nl_live_|at .*\.ts:\d+/)
  expect(faultsOf(opened)).toEqual([])
  if (own === undefined || own.error === null) throw new Error(`${name} did not fail`)
  return { own, error: own.error, workspace: opened }
}

const answering = (vendor: Fault["vendor"], effect: Fault["effect"], path = "."): ReadonlyArray<Fault> => [
  { vendor, match: { path }, effect }
]

describe("one connection's trouble stays its own", () => {
  it("tells wrong credentials, and which setting holds them", async () => {
    const { error, own } = await syncWith("leads", {}, { NATURALEAD_API_KEY: "nl_live_wrong" })
    expect(own.outcome).toBe("failed")
    expect(error.kind).toBe("unauthorized")
    expect(error.message).toMatch(/NaturaLead/)
    expect(`${error.message} ${error.hint}`).toMatch(/apiKey|NATURALEAD_API_KEY|key/i)
  })

  it("logs in once and says so when the password is wrong", async () => {
    const { error, workspace } = await syncWith("salon", {}, { EMPFIO_PASSWORD: "wrong" })
    expect(error.kind).toBe("unauthorized")
    const logins = workspace.simulator.log.filter((entry) => entry.url.includes("/auth/login"))
    expect(logins.length).toBeLessThanOrEqual(2)
  })

  it("tells a missing permission apart from wrong credentials", async () => {
    const body = JSON.stringify({
      error: "Forbidden",
      message: "API key does not have the required scope (requires: conversations:view)."
    })
    const { error } = await syncWith("leads", {
      faults: answering("naturalead", { kind: "answer", status: 403, body })
    })
    expect(error.kind).toBe("unauthorized")
    expect(error.message).toMatch(/conversations:view/)
  })

  it("gives up on a host that cannot be reached, and says which", async () => {
    const { error } = await syncWith("inbox", {
      configure: (yaml) => yaml.replace(/(provider: aelyst\n\s+baseUrl: )\S+/, "$1http://127.0.0.1:9/v1")
    })
    expect(error.kind).toBe("unavailable")
    expect(error.message).toMatch(/127\.0\.0\.1:9/)
  })

  it("names baseUrl when a host answers with a web page", async () => {
    const page = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" })
      response.end("<!doctype html><html><body>Welcome</body></html>")
    })
    await new Promise<void>((done) => page.listen(0, "127.0.0.1", done))
    const { port } = page.address() as AddressInfo
    try {
      const { error } = await syncWith("support", {
        configure: (yaml) =>
          yaml.replace(/(provider: convocore\n\s+baseUrl: )\S+/, `$1http://127.0.0.1:${port}/v3`)
      })
      expect(error.kind).toBe("malformed")
      expect(`${error.message} ${error.hint}`).toMatch(/baseUrl/)
    } finally {
      page.close()
      page.closeAllConnections()
    }
  })

  it("keeps what came before a connection was cut in the middle of one huge answer", async () => {
    const { error, own, workspace } = await syncWith("leads", {
      conversations: { naturalead: 200, convocore: 5, empfio: 5, aelyst: 5 },
      faults: answering("naturalead", { kind: "cut", when: "body" })
    })
    expect(own.outcome).toBe("partial")
    expect(error.message).toMatch(/cut/)
    const stored = workspace.rows<{ n: number }>(
      "SELECT count(*) AS n FROM conversations WHERE connection = 'leads'"
    )[0]?.n
    expect(stored).toBeGreaterThan(20)
    expect(stored).toBeLessThan(200)
    expect(
      workspace.rows("SELECT * FROM connections WHERE name = 'leads' AND last_complete_scan_at IS NOT NULL")
    ).toEqual([])
  })

  it("leaves with when to return, rather than sit out a wait that is longer than allowed", async () => {
    const { error } = await syncWith("inbox", {
      faults: answering("aelyst", { kind: "answer", status: 429, headers: { "retry-after": "600" } })
    })
    expect(error.kind).toBe("rate_limited")
    expect(error.hint).toMatch(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/)
  })

  it("ends with 75 when every connection has to come back later", async () => {
    workspace = await openWorkspace({
      faults: [{ effect: { kind: "answer", status: 429, headers: { "retry-after": "3600" } } }]
    })
    const { code } = await workspace.parley(["sync", "--max-wait", "1s", "--progress", "none"])
    expect(code).toBe(75)
  })

  it("stores the rest of a page whose records cannot all be read, and tells how many could not", async () => {
    const { error, own, workspace } = await syncWith("leads", {
      conversations: 60,
      faults: [{ vendor: "naturalead", effect: { kind: "mutilate", share: 0.1 } }]
    })
    expect(error.kind).toBe("quarantined")
    expect(own.quarantined).toBeGreaterThan(0)
    const [row] = workspace.rows<{ conversations: number; quarantined: number; explained: number }>(
      `SELECT (SELECT count(*) FROM conversations WHERE connection = 'leads') AS conversations,
         count(*) AS quarantined, sum(reason <> '' AND path LIKE '$%' AND json_valid(payload)) AS explained
       FROM quarantine WHERE connection = 'leads'`
    )
    expect(row?.conversations).toBeGreaterThan(40)
    expect(row?.quarantined).toBeGreaterThan(0)
    expect(row?.explained).toBe(row?.quarantined)
  })
})
