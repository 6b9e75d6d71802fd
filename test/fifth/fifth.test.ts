import "./registered.ts"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { loadConfig } from "../../src/config/load.ts"
import { registry } from "../../src/providers/index.ts"
import { Db } from "../../src/store/Db.ts"
import type { Mirror } from "../../src/store/mirror/Mirror.ts"
import type { Outbox } from "../../src/store/outbox/Outbox.ts"
import { pushLane, syncLane } from "../../src/sync/lanes.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { type Progress, silent } from "../../src/sync/progress.ts"
import { type LaneWork, run } from "../../src/sync/run.ts"
import { providerContract } from "../providers/contract.ts"
import { definitionsSuite } from "../providers/definitions.ts"
import { transportOf } from "../support/transport.ts"
import { unlimited } from "../support/unlimited.ts"
import { harborVendor, makeHarbor } from "./vendor.ts"

definitionsSuite("the providers and one more", registry)
providerContract("harbor, a fifth vendor", harborVendor)

describe("a fifth vendor", () => {
  it("is in the registry itself", () => {
    expect(registry).toHaveProperty("harbor")
  })

  const folder = mkdtempSync(join(tmpdir(), "parley-fifth-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("needs its definition and one line in the registry to be configured, pulled, queried and written to", async () => {
    const vendor = makeHarbor()
    const path = join(folder, "parley.yaml")
    writeFileSync(
      path,
      `database: mirror.db\nconnections:\n  - name: pier\n    provider: harbor\n    token: \${TOKEN}\n`
    )
    const program = Effect.gen(function* () {
      const config = yield* loadConfig({
        registry,
        config: path,
        database: null,
        cwd: folder,
        environment: { TOKEN: "harbor-token" }
      })
      return yield* Effect.gen(function* () {
        const db = yield* Db
        const sync = (lanes: ReadonlyArray<LaneWork<Mirror | Outbox | Progress>>) =>
          run({ command: "sync", connections: config.connections, maxWaitMillis: 1_000, lanes })
        const first = yield* sync([syncLane({ full: false })])
        yield* db.use("test", ({ prepare }) =>
          prepare("UPDATE conversations SET status = 'completed' WHERE id = 'pier:t1'").run()
        )
        const second = yield* sync([pushLane])
        const refused = yield* Effect.flip(
          db.use("test", ({ prepare }) =>
            prepare("UPDATE conversations SET status = 'abandoned' WHERE id = 'pier:t2'").run()
          )
        )
        const rows = yield* db.use("test", ({ prepare }) =>
          prepare(
            "SELECT id, status, change_state, stored_messages, complete FROM conversations WHERE id = 'pier:t1'"
          ).all()
        )
        return { first, second, refused, rows }
      }).pipe(Effect.provide([storeLayer(config.database), silent, unlimited, transportOf(vendor.answer)]))
    })
    const { first, refused, rows, second } = await Effect.runPromise(program)
    expect(first.report.connections[0]).toMatchObject({
      outcome: "complete",
      conversations: 35,
      messages: 70,
      error: null
    })
    expect(second.report.connections[0]).toMatchObject({
      outcome: "complete",
      changes: { confirmed: 1 }
    })
    expect(vendor.threads.get("t1")?.state).toBe("done")
    expect(rows).toEqual([
      { id: "pier:t1", status: "completed", change_state: null, stored_messages: 2, complete: 1 }
    ])
    expect(refused.message).toMatch(/cannot take this status/)
  })
})
