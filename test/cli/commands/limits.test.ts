import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { afterAll, beforeAll, describe, expect, vi } from "vitest"
import { limits } from "../../../src/cli/commands/limits/index.ts"
import { status } from "../../../src/cli/commands/status/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { accountKey } from "../../../src/http/exchange/accountKey.ts"
import { newSearch } from "../../../src/http/limits/rateSearch.ts"
import { openQuotaStore, quotaFile } from "../../../src/http/limits/shared/quotaStore.ts"
import { calm, type SharedBucket } from "../../../src/http/limits/shared/sharedState.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"
import { configuredFolder, seededEnvironment } from "../../support/seededMirror.ts"

/** What is learned about limits is kept in a folder of this test's own. */
let state = ""
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), "parley-state-"))
  vi.stubEnv("XDG_STATE_HOME", state)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(state, { recursive: true, force: true })
})

const run = (cwd: string, ...argv: ReadonlyArray<string>) =>
  runCommand([limits, status], argv, { cwd, environment: seededEnvironment }).pipe(
    Effect.provideService(Providers, Effect.succeed(fakeRegistry))
  )

/** What another process learned of the connection "leads". */
const learn = (bucket: string, shared: Partial<SharedBucket>) => {
  const store = openQuotaStore(quotaFile())
  const credential = fakeRegistry.plain?.authorize({}).credential ?? Redacted.make("")
  const ledger = store.ledger(accountKey("https://api.plain.example", credential), "test")
  ledger.update(bucket, Date.now(), () => ({ shared: { ...calm, ...shared } }))
  store.close()
}

describe("parley limits", () => {
  it.scopedLive("names what holds each connection back, until when and why, and lifts it", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      const until = Date.now() + 3_600_000
      learn("general", {
        until,
        since: Date.now(),
        refusals: 1,
        reason: "it asked for 60 min",
        stated: [400],
        search: { ...newSearch(Date.now()), rate: null, lower: { requests: 350, until } }
      })
      learn("path abc", { until, since: Date.now(), refusals: 1, reason: "it asked for 60 min" })

      const listed = yield* run(folder, "limits", "--json")
      expect(listed.code).toBe(0)
      expect(JSON.parse(listed.stdout).connections[0]).toMatchObject({
        name: "leads",
        stated: [400],
        lower: 350,
        holds: [
          { scope: "connection", until: new Date(until).toISOString(), reason: "it asked for 60 min" },
          { scope: "path", until: new Date(until).toISOString(), reason: "it asked for 60 min" }
        ]
      })
      const { stderr, stdout } = yield* run(folder, "limits", "list", "leads")
      expect(stdout).toMatch(
        /leads +500 a minute +stated by the provider: 400 instead of 500 a minute; refused beyond 350 requests in the window +all requests +.* +it asked for 60 min/
      )
      expect(stderr).toContain("lift it with `parley limits reset leads`")
      expect((yield* run(folder, "status")).stdout).toMatch(
        /leads: nothing is sent until .*: Plain refused, it asked for 60 min\n {2}`parley limits reset leads` lifts it/
      )

      const reset = yield* run(folder, "limits", "reset", "leads")
      expect(reset).toMatchObject({
        code: 0,
        stdout: "leads: 2 limits cleared; the next request leaves at once\n"
      })
      expect((yield* run(folder, "limits", "list", "leads")).stdout).toMatch(
        /leads +500 a minute +- +nothing/
      )
      expect((yield* run(folder, "status")).stdout).not.toContain("nothing is sent")
      expect((yield* run(folder, "limits", "reset", "leads")).stdout).toBe(
        "leads: nothing was learned, nothing holds it back\n"
      )
    })
  )

  it.scopedLive("refuses to reset a connection that there is none of, or none at all", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      expect(yield* run(folder, "limits", "reset", "laeds")).toMatchObject({ code: 2, stdout: "" })
      expect(yield* run(folder, "limits", "reset")).toMatchObject({ code: 2, stdout: "" })
    })
  )
})
