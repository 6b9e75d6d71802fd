import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { advance } from "../../src/simulator/index.ts"
import { pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { parleyOn, syncedWorld } from "../support/syncedWorld.ts"
import type { Message } from "./platform.ts"

const linesOf = (stdout: string): ReadonlyArray<Message> =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("parley tap", () => {
  it.scoped("prints schemas, every row and a state, and from that state only what changed", () =>
    Effect.gen(function* () {
      const world = yield* syncedWorld(["empfio"])
      const parley = parleyOn(world)
      const first = yield* parley(["tap"])
      expect(first.code).toBe(0)
      const lines = linesOf(first.stdout)
      const schemas = lines.filter(({ type }) => type === "SCHEMA")
      expect(schemas.map(({ stream }) => stream)).toEqual([
        "contacts",
        "conversations",
        "messages",
        "status_history"
      ])
      for (const { key_properties, schema, stream } of schemas) {
        expect(key_properties).toEqual(["id"])
        const [held] = yield* Effect.provide(
          rowsOf<{ readonly n: number }>(`SELECT count(*) AS n FROM ${stream}`),
          world.layer
        )
        const records = lines.filter((line) => line.type === "RECORD" && line.stream === stream)
        expect(records, stream).toHaveLength(held?.n ?? -1)
        for (const { record } of records) {
          expect(Object.keys(record)).toEqual(Object.keys(schema.properties))
        }
      }
      const folder = yield* temporaryFolder
      const state = join(folder, "state.json")
      const states = lines.filter(({ type }) => type === "STATE")
      // A target prints each state that it has taken over.
      writeFileSync(state, states.map(({ value }) => JSON.stringify(value)).join("\n"))
      const quiet = linesOf((yield* parley(["tap", "--state", state])).stdout)
      expect(quiet.filter(({ type }) => type === "RECORD")).toEqual([])

      const changes = advance(world.simulator, "empfio", { at: Date.UTC(2026, 2, 9, 9), share: 0.3, seed: 5 })
      yield* TestClock.adjust("1 hour")
      yield* Effect.provide(pullRun(world.connections), world.layer)
      const later = linesOf((yield* parley(["tap", "--state", state, "--table", "conversations"])).stdout)
      const sent = later.filter(({ type }) => type === "RECORD").map(({ record }) => record.provider_id)
      expect(new Set(sent)).toEqual(new Set([...changes.messages, ...changes.statuses, ...changes.added]))
    })
  )

  it.scoped(
    "refuses a state that is none, and starts over with another mirror's, or where an older one was put back",
    () =>
      Effect.gen(function* () {
        const world = yield* syncedWorld(["empfio"])
        const parley = parleyOn(world)
        const state = join(yield* temporaryFolder, "state.json")
        writeFileSync(state, '{"bookmarks":{}}')
        expect((yield* parley(["tap", "--state", state])).code).toBe(2)
        expect((yield* parley(["tap", "--state", `${state}.none`])).stderr).toContain("there is no such file")
        writeFileSync(state, Buffer.from('\ufeff{"mirror":"another","bookmarks":{}}\n', "utf16le"))
        expect((yield* parley(["tap", "--state", state, "--table", "contacts"])).code).toBe(0)
        writeFileSync(state, '{"mirror":"another","bookmarks":{"messages":{"change_seq":999999}}}')
        const ran = yield* parley(["tap", "--state", state, "--table", "messages"])
        expect(linesOf(ran.stdout).filter(({ type }) => type === "RECORD").length).toBeGreaterThan(0)
        expect(ran.stderr).toContain("another mirror")
        const whole = linesOf((yield* parley(["tap"])).stdout)
        const last = whole.filter(({ type }) => type === "STATE").at(-1)?.value
        const { change_seq } = last.bookmarks.messages
        // An older state of the mirror has another commit of this number, or none.
        last.bookmarks.messages = { change_seq, at: "2026-03-09T10:00:00.000Z" }
        writeFileSync(state, JSON.stringify(last))
        const putBack = yield* parley(["tap", "--state", state])
        expect(linesOf(putBack.stdout).filter(({ type }) => type === "RECORD")).toEqual(
          whole.filter(({ type }) => type === "RECORD")
        )
        expect(putBack.stderr).toContain("put back")
      })
  )
})
