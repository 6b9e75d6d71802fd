import type { ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, it } from "vitest"
import { type HintOnItsWay, noHintFaults, sendHints } from "../../src/simulator/index.ts"
import { connectionNames, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * Webhooks over real HTTP into the built command line.
 */

let workspace: Workspace | null = null
let child: ChildProcess | null = null
afterEach(async () => {
  child?.kill("SIGKILL")
  await workspace?.close()
  workspace = null
  child = null
})

const until = async (holds: () => boolean) => {
  const deadline = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it did not happen within a minute")
    await new Promise((done) => setTimeout(done, 50))
  }
}

const start = async (args: ReadonlyArray<string>) => {
  const opened = await openWorkspace({ conversations: 5, limits: false, hints: true })
  workspace = opened
  expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
  const started = opened.start(args)
  child = started
  const said: Array<string> = []
  for (const stream of [started.stdout, started.stderr])
    createInterface({ input: stream as NodeJS.ReadableStream }).on("line", (line) => said.push(line))
  const ended = new Promise<number | null>((done) => started.on("close", (code) => done(code)))
  const taken = /taken in at (http:\/\/\S+)\/hints\//
  await until(() => said.some((line) => taken.test(line)))
  const [, base = ""] = taken.exec(said.find((line) => taken.test(line)) ?? "") ?? []
  const answers: Array<number> = []
  const send = async ({ body, headers, path }: HintOnItsWay) => {
    const { status } = await fetch(`${base}${path}`, { method: "POST", headers, body })
    answers.push(status)
  }
  sendHints(opened.simulator, noHintFaults, (hint) => {
    send(hint).catch(() => undefined)
  })
  return { opened, started, said, ended, base, answers }
}

const storedOf = ({ rows }: Workspace, id: string) =>
  rows<{ stored_messages: number; status: string }>(
    "SELECT stored_messages, status FROM conversations WHERE id = ?",
    `${connectionNames.aelyst}:${id}`
  )[0]

const leftOver = ({ rows }: Workspace) => [
  ...rows("SELECT * FROM leases"),
  ...rows("SELECT * FROM run_connections WHERE outcome = 'running'")
]

describe("parley serve --hints", () => {
  it("reads what a webhook names, shows how many came, and ends with 143 when its terminal hangs up", async () => {
    const { answers, ended, opened, said, started } = await start([
      "serve",
      "--port",
      "0",
      "--hints",
      "127.0.0.1:0"
    ])
    const { world } = opened.simulator.vendors.aelyst
    const [id = ""] = world.conversations.keys()
    const before = storedOf(opened, id)?.stored_messages ?? 0
    world.addMessage(id, Date.now())
    await until(() => storedOf(opened, id)?.stored_messages === before + 1)
    expect(answers).toEqual([200])
    const page = new URL(said.find((line) => line.startsWith("http://")) ?? "")
    const session = await fetch(`${page.origin}/api/session`, {
      method: "POST",
      headers: { origin: page.origin, "content-type": "application/json" },
      body: JSON.stringify({ token: page.hash.replace("#token=", "") })
    })
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? ""
    const status = (await (await fetch(`${page.origin}/api/status`, { headers: { cookie } })).json()) as {
      readonly connections: ReadonlyArray<{ readonly name: string }>
    }
    expect(status.connections.find(({ name }) => name === connectionNames.aelyst)).toMatchObject({
      hints: { received: 1, fetched: 1, refused: 0 },
      hints_expected: true,
      hints_are_silent: false
    })
    started.kill("SIGHUP")
    expect(await ended).toBe(143)
    expect(leftOver(opened)).toEqual([])
  }, 120_000)
})

describe("parley watch --hints", () => {
  it("takes webhooks in at the same address after SIGHUP, and ends with 143 when it is told to", async () => {
    const { answers, ended, opened, said, started } = await start([
      "watch",
      "--every",
      "auto",
      "--jitter",
      "0s",
      "--hints",
      "127.0.0.1:0"
    ])
    await until(() => said.some((line) => line.startsWith("watching")))
    expect(said.find((line) => line.startsWith("watching"))).toContain("as often as each bears")
    started.kill("SIGHUP")
    await until(() => said.some((line) => line.includes("read again")))
    const { world } = opened.simulator.vendors.aelyst
    const [, id = ""] = world.conversations.keys()
    await until(() => {
      world.setStatus(id, world.conversations.get(id)?.status === "open" ? "closed" : "open", Date.now())
      return answers.length > 0
    })
    expect(answers[0]).toBe(200)
    started.kill("SIGTERM")
    expect(await ended).toBe(143)
    expect(leftOver(opened)).toEqual([])
  }, 120_000)
})
