import { createServer } from "node:net"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { readAddress, serveHealth } from "../../../src/sync/watch/health.ts"
import { temporaryFolder } from "../../support/inProcess.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

const get = (port: number, path: string, method = "GET") =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    return { status: response.status, text: await response.text() }
  })

const loopback = { host: "127.0.0.1", port: 0 }

describe("the health of a watch", () => {
  it("is served on loopback unless another address is written", () => {
    const written = ["9464", ":9464", "0.0.0.0:80", "[::1]:1", "localhost:9"].map(readAddress)
    expect(written.map((address) => `${address?.host} ${address?.port}`)).toEqual([
      "127.0.0.1 9464",
      "127.0.0.1 9464",
      "0.0.0.0 80",
      "::1 1",
      "localhost 9"
    ])
    expect(["", "x", "1:2:3", "70000", "http://x:1", "::1:9"].map(readAddress)).toEqual(Array(6).fill(null))
  })

  it.scopedLive("says what each connection holds, in Prometheus' format, and answers nothing else", () =>
    Effect.gen(function* () {
      const { database } = yield* syncedWorld(["empfio"], { conversations: 5 })
      const { port } = yield* serveHealth(
        loopback,
        () => database,
        () => ({ beatAt: Date.now() })
      )
      const metrics = yield* get(port, "/metrics")
      expect(metrics.status).toBe(200)
      expect(metrics.text).toContain('parley_conversations{connection="salon",provider="empfio"} 5\n')
      expect(metrics.text).toMatch(/^parley_last_complete_sync_timestamp_seconds\{.*\} \d+(\.\d+)?$/m)
      for (const line of metrics.text.trim().split("\n")) {
        expect(line).toMatch(
          /^(# (HELP|TYPE) parley_\w+ .+|parley_\w+(\{\w+="[^"]*",\w+="[^"]*"\})? -?\d+(\.\d+)?)$/
        )
      }
      const health = yield* get(port, "/healthz?x=1")
      expect(health.status).toBe(200)
      expect(JSON.parse(health.text)).toMatchObject({
        status: "ok",
        connections: [{ name: "salon", last_outcome: "complete", error_kind: null }]
      })
      expect((yield* get(port, "/")).status).toBe(404)
      expect((yield* get(port, "/metrics", "POST")).status).toBe(405)
    })
  )

  it.scopedLive("is bad where the schedule is stuck or the mirror cannot be read", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { database } = yield* syncedWorld(["empfio"], { conversations: 1 })
      const serve = (path: string, beatAt: number) =>
        serveHealth(
          loopback,
          () => path,
          () => ({ beatAt })
        )
      const stuck = yield* serve(database, Date.now() - 10 * 60_000)
      expect(yield* get(stuck.port, "/healthz")).toMatchObject({ status: 503 })
      expect((yield* get(stuck.port, "/metrics")).text).toContain("parley_up 0\n")
      const missing = yield* serve(join(folder, "none.db"), Date.now())
      const answer = yield* get(missing.port, "/healthz")
      expect(answer.status).toBe(503)
      expect(JSON.parse(answer.text)).toMatchObject({ status: "unhealthy", mirror: "no-such-file" })
    })
  )

  it.scopedLive("cannot be served where another program listens", () =>
    Effect.gen(function* () {
      const other = createServer()
      yield* Effect.promise(() => new Promise<void>((done) => other.listen(0, "127.0.0.1", done)))
      const { port } = other.address() as { port: number }
      const fault = yield* Effect.flip(
        serveHealth(
          { host: "127.0.0.1", port },
          () => "",
          () => ({ beatAt: 0 })
        )
      )
      other.close()
      expect(fault.code).toBe("EADDRINUSE")
    })
  )
})
