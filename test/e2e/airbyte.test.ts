import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { baseUrls, type VendorId } from "../../src/simulator/index.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import { type Message, receivedTable, recordsOf } from "../airbyte/platform.ts"
import { openWorkspace, root, type Workspace } from "../support/parley.ts"

/*
 * The built connectors under a small stand-in for a platform: real processes, killed at random, started again with the last
 * state that came out. It passes on records and states alone, and compares what each side counted.
 */

/** Seeded deaths; a longer form: npm run soak:airbyte. */
const kills = Number(process.env.PARLEY_AIRBYTE_KILLS ?? 3)

const streams = ["contacts", "conversations", "messages", "status_history"]

let workspace: Workspace
const vendor: VendorId = "empfio"

beforeAll(async () => {
  workspace = await openWorkspace({ conversations: 24, limits: false })
})

afterAll(() => workspace.close())

const file = (name: string, value: unknown): string => {
  const path = join(workspace.folder, name)
  writeFileSync(path, JSON.stringify(value))
  return path
}

const config = (of: VendorId = vendor) => ({
  provider: { provider: of, ...workspace.simulator.vendors[of].settings() },
  connection: workspace.simulator.vendors[of].connection,
  base_url: baseUrls(workspace.simulator, workspace.served.origins)[of],
  checkpoint_seconds: 0
})

const catalog = (mode = "incremental") => ({
  streams: streams.map((name) => ({
    stream: { name },
    sync_mode: mode,
    destination_sync_mode: "append_dedup"
  }))
})

/** Started by its path, as platforms do. */
const start = (name: string, args: ReadonlyArray<string>): ChildProcess =>
  spawn(join(root, "dist", `${name}.js`), args, {
    env: { ...workspace.environment, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` },
    stdio: ["pipe", "pipe", "inherit"]
  })

interface Ended {
  readonly code: number | null
  readonly messages: ReadonlyArray<Message>
}

const finish = (child: ChildProcess, reading: (count: number) => void = () => {}): Promise<Ended> =>
  new Promise((done) => {
    const messages: Array<Message> = []
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    lines.on("line", (line) => {
      // The last line of a process that was killed may be cut.
      try {
        messages.push(JSON.parse(line))
      } catch {
        return
      }
      reading(messages.length)
    })
    let code: number | null = null
    const over = () => done({ code, messages })
    lines.on("close", () =>
      child.exitCode === null && child.signalCode === null ? child.on("exit", over) : over()
    )
    child.on("exit", (status) => {
      code = status
    })
  })

const readOnce = async (
  state: ReadonlyArray<Message>,
  killAfter: number | null,
  mode?: string
): Promise<Ended> => {
  const args = [
    "read",
    "--config",
    file("config.json", config()),
    "--catalog",
    file("catalog.json", catalog(mode))
  ]
  if (state.length > 0) args.push("--state", file("state.json", state))
  const child = start("source-parley", args)
  const ended = await finish(child, (count) => {
    if (killAfter !== null && count >= killAfter) child.kill("SIGKILL")
  })
  // What was on its way when it died is lost, too; a fast one may have come to its end by then.
  return killAfter === null || ended.messages.length < killAfter
    ? ended
    : { code: null, messages: ended.messages.slice(0, killAfter) }
}

/** What a destination has taken over: of each stream, what came before its last state. */
const takenOver = (messages: ReadonlyArray<Message>) => {
  const states = new Map<string, Message>()
  const records: Array<Message> = []
  const waiting = new Map<string, Array<Message>>()
  for (const { record, state, type } of messages) {
    if (type === "RECORD") waiting.set(record.stream, [...(waiting.get(record.stream) ?? []), record])
    if (type !== "STATE") continue
    const { name } = state.stream.stream_descriptor
    const before = waiting.get(name) ?? []
    expect(state.sourceStats.recordCount).toBe(before.length)
    records.push(...before)
    waiting.delete(name)
    states.set(name, state)
  }
  return { records, states }
}

const tableOf = (records: ReadonlyArray<Message>, stream: string) =>
  [...receivedTable(records, stream)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, row]) => ({ ...row, observed_at: null }))

describe("the connectors as a platform starts them", () => {
  it("start by their path, and print their specification", async () => {
    for (const name of ["source-parley", "destination-parley"]) {
      const { code, messages } = await finish(start(name, ["spec"]))
      expect([code, messages.length, messages[0].type]).toEqual([0, 1, "SPEC"])
    }
  })

  it(`deliver everything through ${kills} deaths at random`, {
    timeout: 120_000 + kills * 20_000
  }, async () => {
    const random = makeRandom(Number(process.env.PARLEY_AIRBYTE_SEED ?? 11))
    const { messages: undisturbed } = await readOnce([], null)
    const states = new Map<string, Message>()
    const records: Array<Message> = []
    const take = (messages: ReadonlyArray<Message>) => {
      const taken = takenOver(messages)
      records.push(...taken.records)
      for (const [name, state] of taken.states) states.set(name, state)
    }
    for (let died = 0; died < kills; ) {
      const killAfter = 1 + random.below(undisturbed.length)
      const { code, messages } = await readOnce([...states.values()], killAfter)
      take(messages)
      if (code === null) died += 1
      // It had come to its end: all over again, into the same table.
      else states.clear()
    }
    const rest = await readOnce([...states.values()], null)
    expect(rest.code).toBe(0)
    take(rest.messages)
    for (const stream of streams) {
      expect(tableOf(records, stream), stream).toEqual(tableOf(recordsOf(undisturbed), stream))
    }
  })

  it("end within seconds of a SIGTERM, with a state that the next read goes on from", async () => {
    const args = [
      "read",
      "--config",
      file("config.json", config()),
      "--catalog",
      file("catalog.json", catalog())
    ]
    const child = start("source-parley", args)
    let asked = false
    const { code, messages } = await finish(child, (count) => {
      if (count < 40 || asked) return
      asked = true
      child.kill("SIGTERM")
    })
    // It may have come to its end first.
    expect([0, 143]).toContain(code)
    const taken = takenOver(messages)
    expect(taken.states.size).toBe(streams.length)
    const rest = await readOnce([...taken.states.values()], null)
    const whole = await readOnce([], null)
    for (const stream of streams) {
      expect(tableOf([...taken.records, ...recordsOf(rest.messages)], stream)).toEqual(
        tableOf(recordsOf(whole.messages), stream)
      )
    }
  })

  it("set each status once, through a death of the destination at any state", {
    timeout: 240_000
  }, async () => {
    const { world } = workspace.simulator.vendors[vendor]
    const ids = [...world.conversations]
      .filter(([, conversation]) => !/complet/.test(JSON.stringify(conversation)))
      .map(([id]) => id)
      .slice(0, 6)
    expect(ids).toHaveLength(6)
    const before = world.effects.length
    const lines = ids.flatMap((id, index) => [
      JSON.stringify({
        type: "RECORD",
        record: { stream: "w", data: { id, status: "completed" }, emitted_at: 1 }
      }),
      ...(index % 3 === 2
        ? [
            JSON.stringify({
              type: "STATE",
              state: { type: "STREAM", stream: { stream_descriptor: { name: "w" }, stream_state: { index } } }
            })
          ]
        : [])
    ])
    const { checkpoint_seconds: _, ...own } = config()
    const args = [
      "write",
      "--config",
      file("destination.json", own),
      "--catalog",
      file("wanted.json", {
        streams: [{ stream: { name: "w" }, sync_mode: "incremental", destination_sync_mode: "append" }]
      })
    ]
    const returned: Array<number> = []
    for (let attempt = 0; attempt < 10 && returned.at(-1) !== ids.length - 1; attempt += 1) {
      const from =
        returned.length === 0 ? 0 : lines.findIndex((line) => line.includes(`"index":${returned.at(-1)}`)) + 1
      const child = start("destination-parley", args)
      // One line after the other, so that a death finds the others unread.
      for (const line of lines.slice(from, from + 5)) child.stdin?.write(`${line}\n`)
      if (attempt % 2 === 1) child.stdin?.end(`${lines.slice(from + 5).join("\n")}\n`)
      const { messages } = await finish(child, () => {
        if (attempt % 2 === 0) child.kill("SIGKILL")
      })
      for (const { state, type } of messages) {
        if (type === "STATE") returned.push(state.stream.stream_state.index)
      }
    }
    expect(returned).toEqual([2, 5])
    expect(world.effects.length - before).toBe(ids.length)
  })
})
