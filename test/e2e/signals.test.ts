import { afterEach, describe, expect, it } from "vitest"
import { collect, openWorkspace, type Workspace } from "../support/parley.ts"

/* The built command line while a provider does not answer, with the signals that people and service managers send. */

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

/** Runs to its first request, which is not answered, and is sent the signal then. */
const stopped = async (opened: Workspace, args: ReadonlyArray<string>, signal: NodeJS.Signals) => {
  const { simulator } = opened
  const { handle } = simulator
  simulator.faults.add({ vendor: "aelyst", effect: { kind: "hang" } })
  const child = opened.start(args)
  Object.assign(simulator, {
    handle: (...input: Parameters<typeof handle>) => {
      child.kill(signal)
      return handle(...input)
    }
  })
  const { code, stderr, stdout } = await collect(child)
  Object.assign(simulator, { handle })
  simulator.faults.clear()
  const [run] = opened.rows<{ command: string; outcome: string; exit_code: number }>(
    "SELECT command, outcome, exit_code FROM runs ORDER BY id DESC LIMIT 1"
  )
  return { code, stderr, stdout, run }
}

const goesOn = "committed data is kept, and the next run resumes from there"

describe("a command that a signal stops", () => {
  it("says so in one line, though it is to be quiet, and the ledger shows the exit code that it ended with", async () => {
    const opened = await openWorkspace({ conversations: 3, limits: false })
    workspace = opened
    const cases: ReadonlyArray<
      readonly [command: string, args: ReadonlyArray<string>, signal: "SIGINT" | "SIGTERM", kept: string]
    > = [
      ["sync", [], "SIGTERM", goesOn],
      ["backfill", [], "SIGINT", goesOn],
      ["watch", ["--every", "1h"], "SIGTERM", goesOn],
      ["sync", [], "SIGINT", goesOn],
      ["verify", [], "SIGTERM", "committed data is kept; the next run starts again"]
    ]
    for (const [command, args, signal, kept] of cases) {
      // Only what is stored can be compared.
      if (command === "verify") expect((await opened.parley(["sync", "inbox", "--quiet"])).code).toBe(0)
      const code = signal === "SIGTERM" ? 143 : 130
      expect(await stopped(opened, [command, "inbox", "--quiet", ...args], signal), command).toEqual({
        code,
        stderr: `stopped by ${signal}: ${kept}\n`,
        stdout: "",
        run: { command, outcome: "interrupted", exit_code: code }
      })
    }
  }, 60_000)

  it("says so as an event, where progress is events", async () => {
    workspace = await openWorkspace({ conversations: 3, limits: false })
    const { stderr } = await stopped(workspace, ["sync", "inbox", "--json", "--progress", "json"], "SIGTERM")
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(events.at(-1)).toEqual({
      event: "stopped",
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      signal: "SIGTERM",
      message: `stopped by SIGTERM: ${goesOn}`
    })
  }, 60_000)
})

describe("a pull that a signal stops", () => {
  /** Starts it, stops it once so many requests have come, and gives the paths of those that were answered. */
  const stoppedAfter = async (
    opened: Workspace,
    args: ReadonlyArray<string>,
    requests: number,
    signal: NodeJS.Signals
  ) => {
    const { simulator } = opened
    const { handle } = simulator
    const child = opened.start(args)
    const asked: Array<string> = []
    let signalledAt = 0
    let after = 0
    Object.assign(simulator, {
      handle: (...input: Parameters<typeof handle>) => {
        asked.push(input[1].url)
        // Those that have left by then may still be on their way here.
        if (signalledAt > 0 && Date.now() - signalledAt > 1000) after += 1
        if (asked.length === requests) {
          signalledAt = Date.now()
          child.kill(signal)
        }
        return handle(...input)
      }
    })
    const ended = await collect(child)
    Object.assign(simulator, { handle })
    return { ...ended, asked, after, took: Date.now() - signalledAt }
  }

  const details = (urls: ReadonlyArray<string>) =>
    urls.filter((url) => !/(convos|conversations|contact\/list|login|agents|export)(\?|$)/.test(url))

  const cases: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, signal: NodeJS.Signals]> = [
    ["salon", ["backfill"], "SIGTERM"],
    ["inbox", ["backfill"], "SIGINT"],
    ["salon", ["sync", "--full"], "SIGHUP"],
    ["inbox", ["sync"], "SIGTERM"]
  ]
  for (const [name, args, signal] of cases) {
    it(`stores what was answered, and asks for none of it again (${args.join(" ")} ${name}, ${signal})`, async () => {
      const opened = await openWorkspace({ conversations: 120, limits: false })
      workspace = opened
      opened.simulator.faults.add({ effect: { kind: "delay", millis: 60 } })
      const first = await stoppedAfter(opened, [...args, name, "--quiet"], 40, signal)
      expect({ code: first.code, after: first.after, isSoon: first.took < 10_000 }).toEqual({
        code: signal === "SIGINT" ? 130 : 143,
        after: 0,
        isSoon: true
      })
      const [held] = opened.rows<{ count: number }>("SELECT count(*) AS count FROM remote_conversations")
      // Of a contact with more messages than one answer holds, the first of several answers is not kept.
      const { world } = opened.simulator.vendors.aelyst
      const isLong = (url: string) => world.messages(/id:(\d+)/.exec(url)?.[1] ?? "").length > 50
      const before = new Set(details(first.asked).filter((url) => name !== "inbox" || !isLong(url)))
      expect(before.size).toBeGreaterThan(25)
      expect(held?.count).toBeGreaterThanOrEqual(before.size)
      opened.simulator.faults.clear()
      const second = await stoppedAfter(opened, [...args, name, "--quiet"], -1, signal)
      expect(second.code).toBe(0)
      expect(details(second.asked).filter((url) => before.has(url))).toEqual([])
      const [whole] = opened.rows<{ count: number }>("SELECT count(*) AS count FROM remote_conversations")
      expect(whole?.count).toBe(120)
    }, 60_000)
  }

  it("stores what has arrived of one long list, and of conversations whose messages were still to be exported", async () => {
    const opened = await openWorkspace({ conversations: 400, limits: false })
    workspace = opened
    opened.simulator.faults.add({ vendor: "convocore", effect: { kind: "delay", millis: 60 } })
    const support = await stoppedAfter(opened, ["backfill", "support", "--quiet"], 30, "SIGTERM")
    expect(support.code).toBe(143)
    const asked = details(support.asked).length
    const [held] = opened.rows<{ count: number }>("SELECT count(*) AS count FROM remote_conversations")
    expect(held?.count).toBeGreaterThanOrEqual(asked)
    expect((await opened.parley(["sync", "support", "--quiet"])).code).toBe(0)
    const [without] = opened.rows<{ count: number }>(
      "SELECT count(*) AS count FROM remote_conversations WHERE stored_messages < declared_messages"
    )
    expect(without?.count).toBe(0)
  }, 60_000)

  it("ends at once at a second signal", async () => {
    const opened = await openWorkspace({ conversations: 3, limits: false })
    workspace = opened
    opened.simulator.faults.add({ vendor: "aelyst", effect: { kind: "hang" } })
    const child = opened.start(["sync", "inbox"])
    const { handle } = opened.simulator
    let at = 0
    Object.assign(opened.simulator, {
      handle: (...input: Parameters<typeof handle>) => {
        child.kill("SIGTERM")
        setTimeout(() => {
          at ||= Date.now()
          child.kill("SIGTERM")
        }, 600)
        return handle(...input)
      }
    })
    const { code } = await collect(child)
    expect(code).toBe(143)
    expect(Date.now() - at).toBeLessThan(1500)
  }, 60_000)
})
