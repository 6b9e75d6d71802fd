import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { afterAll, beforeAll, describe, expect, vi } from "vitest"
import { check } from "../../../src/cli/commands/check/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import type { Registry } from "../../../src/config/Config.ts"
import { Unauthorized } from "../../../src/domain/ProviderError.ts"
import type { AnyProviderDefinition, CheckFinding, Provider } from "../../../src/providers/Provider.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"
import { configuredFolder, seededEnvironment } from "../../support/seededMirror.ts"

/** A provider that can do nothing but be checked. */
const answering = (answer: Provider["check"]): Provider => ({
  pull: () => Stream.empty,
  fetch: () => Effect.succeed(null),
  interpret: ([raw]) => ({
    kind: "",
    providerId: raw?.providerId ?? null,
    conversationId: null,
    reason: "",
    path: "$",
    payload: ""
  }),
  readStatus: () => Effect.succeed(null),
  refuse: () => null,
  setStatus: () => Effect.succeed({ state: null }),
  check: answer,
  statusMap: { read: () => "unknown", write: {}, means: [] }
})

const withChecks = (answers: Readonly<Record<string, ReturnType<Provider["check"]>>>): Registry =>
  Object.fromEntries(
    Object.entries(fakeRegistry).map(([id, definition]): [string, AnyProviderDefinition] => [
      id,
      { ...definition, make: () => answering(() => answers[id] ?? Effect.succeed([])) }
    ])
  )

const fine: CheckFinding = { ok: true, what: "list conversations", detail: "allowed; the account holds 60" }
const forbidden: CheckFinding = { ok: false, what: "export messages", detail: "403: not in this plan" }

const refused = new Unauthorized({
  status: 401,
  message: "Regional refused the token (401)",
  hint: "write a new one into TOKEN"
})

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

const run = (cwd: string, registry: Registry, ...argv: ReadonlyArray<string>) =>
  runCommand([check], ["check", ...argv], { cwd, environment: seededEnvironment }).pipe(
    Effect.provideService(Providers, Effect.succeed(registry))
  )

describe("parley check", () => {
  it.scopedLive("says of each connection what its credentials can do", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      const untried: CheckFinding = { ok: true, tried: false, what: "change a status", detail: "not tried" }
      const registry = withChecks({
        plain: Effect.succeed([fine, untried]),
        regional: Effect.succeed([fine, fine])
      })
      expect(yield* run(folder, registry)).toEqual({
        code: 0,
        stderr: "",
        stdout: `config/parley.yaml: read, and nothing wrong with it
leads (Plain, https://api.plain.example): ok
  ok    list conversations  allowed; the account holds 60
  -     change a status     not tried
fresh (Regional, https://eu.regional.example/v3): ok
  ok    list conversations  allowed; the account holds 60
  ok    list conversations  allowed; the account holds 60
quiet: switched off
`
      })
    })
  )

  it.scopedLive(
    "ends with 3 where a permission is missing or a connection does not answer, and asks the others all the same",
    () =>
      Effect.gen(function* () {
        const folder = yield* configuredFolder
        const registry = withChecks({
          plain: Effect.succeed([fine, forbidden]),
          regional: Effect.fail(refused)
        })
        const { code, stdout } = yield* run(folder, registry)
        expect(code).toBe(3)
        expect(stdout).toContain("leads (Plain, https://api.plain.example): not ok\n")
        expect(stdout).toContain("  FAIL  export messages     403: not in this plan\n")
        expect(stdout).toContain(
          "  FAIL  Regional refused the token (401)\n        write a new one into TOKEN\n"
        )
        const document = JSON.parse((yield* run(folder, registry, "--json")).stdout)
        expect(document).toMatchObject({
          config: "config/parley.yaml",
          database: join(folder, "mirror.db"),
          ok: false,
          connections: [
            { name: "leads", ok: false, findings: [fine, forbidden], error: null },
            {
              name: "fresh",
              ok: false,
              findings: [],
              error: { kind: "unauthorized", message: "Regional refused the token (401)" }
            }
          ]
        })
        expect((yield* run(folder, withChecks({ regional: Effect.fail(refused) }), "leads")).code).toBe(0)
      })
  )

  it.scopedLive("asks nobody who was not named, who is unknown or who is switched off", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      const registry = withChecks({})
      expect((yield* run(folder, registry, "fresh")).stdout).not.toContain("leads")
      expect(yield* run(folder, registry, "frsh")).toMatchObject({
        code: 2,
        stderr: `parley: there is no connection "frsh" in config/parley.yaml; did you mean "fresh"?
  name connections as the configuration does
`
      })
      expect((yield* run(folder, registry, "quiet")).stderr).toContain("switched off")
    })
  )

  it.scopedLive("ends with 2 and every fault of the configuration, before any request", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      const never = withChecks({ plain: Effect.die("asked"), regional: Effect.die("asked") })
      writeFileSync(
        join(folder, "config/parley.yaml"),
        "database: x.db\nconnections:\n  - name: leads\n    provider: plain\n    apiKey: sk-live-1\n    qouta: 5%\n"
      )
      const { code, stderr, stdout } = yield* run(folder, never)
      expect(code).toBe(2)
      expect(stdout).toBe("")
      expect(
        stderr
      ).toBe(`config/parley.yaml:5: connections[0].apiKey: a secret may not be written in this file; write apiKey: \${PLAIN_API_KEY} and set that variable
config/parley.yaml:6: connections[0].qouta: unknown key; did you mean "quota"?
`)
      const document = JSON.parse((yield* run(folder, never, "--json")).stdout)
      expect(document.error.kind).toBe("configuration")
      expect(document.error.faults).toMatchObject([{ line: 5 }, { line: 6, where: "connections[0].qouta" }])
    })
  )
})
