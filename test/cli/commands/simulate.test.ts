import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { simulate } from "../../../src/cli/commands/simulate/index.ts"
import { loadConfig } from "../../../src/config/load.ts"
import { registry } from "../../../src/providers/index.ts"
import { makeSimulator, makeTwins, mergeTwins, preset } from "../../../src/simulator/index.ts"
import { runCommand } from "../../support/cli.ts"
import { temporaryFolder } from "../../support/inProcess.ts"

const until = (isDone: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isDone() ? Effect.void : Effect.zipRight(Effect.sleep(20), until(isDone))))

/** A port with others free behind it, as far as one can know. */
const freePort = Effect.promise(async () => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((done) => server.close(() => done()))
  return Math.min(port, 60_000)
})

describe("parley simulate", () => {
  it.scopedLive(
    "writes a configuration that is complete, secrets for its owner alone, and listens where it was told",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const port = yield* freePort
        const running = yield* Effect.fork(
          runCommand(
            [simulate],
            ["simulate", "--write", ".", "--port", String(port), "--conversations", "2"],
            {
              cwd: folder
            }
          )
        )
        const path = join(folder, "config/parley.yaml")
        yield* until(() => existsSync(path) || running.unsafePoll() !== null)
        const { connections } = yield* loadConfig({
          registry,
          config: path,
          database: null,
          cwd: folder,
          environment: {}
        })
        expect(connections.length).toBe(4)
        expect(readFileSync(path, "utf8")).toContain(`127.0.0.1:${port}/`)
        // Where init puts it, too.
        expect(readFileSync(path, "utf8")).toContain('database: "../parley.db"')
        expect(statSync(join(folder, "config/.env")).mode & 0o777).toBe(0o600)
        const answer = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port + 4}/log`))
        expect(answer.status).toBe(200)
        yield* Fiber.interrupt(running)

        writeFileSync(path, "connections: []\n")
        const refused = yield* runCommand([simulate], ["simulate", "--write", "."], { cwd: folder })
        expect(refused.code).toBe(2)
        expect(refused.stderr).toContain("was not written by simulate; it was left as it is")
        expect(readFileSync(path, "utf8")).toBe("connections: []\n")
        const port0 = yield* runCommand([simulate], ["simulate", "--port", "70000"], { cwd: folder })
        expect(port0.stderr).toContain("--port: 70000 is not a port")
      })
  )

  it("has a fault for each part of a bad night, each at another provider", () => {
    const struck = ["down", "bad-key", "long-wait"].map((name) => preset(name).map(({ vendor }) => vendor))
    expect(struck.every((vendors) => vendors.length === 1)).toBe(true)
    expect(new Set(struck.flat()).size).toBe(3)
    const simulator = makeSimulator({ seed: 1, conversations: 4, now: 0 })
    const twins = makeTwins(simulator)
    if (twins === null) throw new Error("there are no twins")
    const { conversations } = simulator.vendors.aelyst.world
    expect(conversations.get(twins.younger)?.phone).toBe(conversations.get(twins.older)?.phone)
    mergeTwins(simulator, twins)
    expect([twins.older, twins.younger].map((id) => conversations.has(id))).toEqual([true, false])
    expect(makeTwins(makeSimulator({ seed: 1, conversations: 1, now: 0 }))).toBe(null)
  })
})
