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

const goesOn = "everything committed is kept, and the next run goes on from there"

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
      ["verify", [], "SIGTERM", "everything committed is kept; the next run begins anew"]
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
