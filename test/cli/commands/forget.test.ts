import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { syncLane } from "../../../src/sync/lanes.ts"
import { run } from "../../../src/sync/run.ts"
import { parleyOn, syncedWorld } from "../../support/syncedWorld.ts"

it.scoped("asks whom to forget, one at a time, and keeps an earlier receipt", () =>
  Effect.gen(function* () {
    const synced = yield* syncedWorld(["empfio"], { conversations: 3 })
    const parley = parleyOn(synced)
    const none = yield* parley(["forget"])
    expect({ code: none.code, stderr: none.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("it is not said whom to forget")
    })
    const both = yield* parley(["forget", "--email", "a@example.com", "--connection", "salon"])
    expect(both.stderr).toContain("one person or connection at a time")
    const unknown = yield* parley(["forget", "--contact", "salon:nobody"])
    expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("there is no contact `salon:nobody` in the mirror")
    })
    const receipt = join(dirname(synced.database), "receipt.json")
    writeFileSync(receipt, "the first")
    const kept = yield* parley(["forget", "--email", "a@example.com", "--receipt", receipt])
    expect({ code: kept.code, stderr: kept.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("exists already")
    })
    expect(readFileSync(receipt, "utf8")).toBe("the first")
    const stray = join(dirname(synced.database), "stray.json")
    yield* parley(["forget", "--conversation", "salon:nobody", "--receipt", stray])
    expect(existsSync(stray)).toBe(false)
  })
)

it.scoped("forgets a connection, refuses to fill it again, and takes it up where a person says so", () =>
  Effect.gen(function* () {
    const synced = yield* syncedWorld(["empfio"], { conversations: 5 })
    const parley = parleyOn(synced)
    const { connections, layer } = synced
    const name = connections[0]?.name ?? ""
    const sync = (rebind: ReadonlyArray<string>) =>
      run({
        command: "sync",
        connections,
        maxWaitMillis: 0,
        lanes: [syncLane({ full: false })],
        rebind: new Set(rebind)
      }).pipe(Effect.provide(layer))
    const count = Effect.map(
      parley(["query", "SELECT count(*) AS n FROM conversations", "--format", "csv"]),
      ({ stdout }) => Number(stdout.split("\n")[1])
    )
    const held = yield* count
    expect(held).toBeGreaterThan(0)
    const plan = yield* parley(["forget", "--connection", name, "--plan", "--json"])
    expect(JSON.parse(plan.stdout)).toMatchObject({ plan: true, counts: { conversations: held } })
    expect(yield* count).toBe(held)
    const receipt = join(dirname(synced.database), "receipt.json")
    const done = yield* parley(["forget", "--connection", name, "--receipt", receipt])
    expect({ code: done.code, stdout: done.stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining("Erased")
    })
    expect(JSON.parse(readFileSync(receipt, "utf8"))).toMatchObject({
      what: "connection",
      erased: { conversations: held }
    })
    expect(yield* count).toBe(0)
    const refused = yield* sync([])
    expect({ code: refused.exitCode, error: refused.report.connections[0]?.error }).toMatchObject({
      code: 3,
      error: {
        message: expect.stringContaining("was forgotten on"),
        hint: expect.stringContaining("--rebind")
      }
    })
    expect(yield* count).toBe(0)
    expect((yield* sync([name])).exitCode).toBe(0)
    expect(yield* count).toBe(held)
    expect((yield* sync([])).exitCode).toBe(0)
  })
)
