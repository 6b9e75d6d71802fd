import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { init } from "../../../src/cli/commands/init/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { loadConfig } from "../../../src/config/load.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"

const emptyFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-init-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const run = (cwd: string, ...argv: ReadonlyArray<string>) =>
  runCommand([init], ["init", ...argv], { cwd }).pipe(
    Effect.provideService(Providers, Effect.succeed(fakeRegistry))
  )

const load = (cwd: string, config: string | null = null) =>
  loadConfig({
    registry: fakeRegistry,
    config,
    database: null,
    cwd,
    environment: {
      PLAIN_API_KEY: "x",
      REGIONAL_TOKEN: "x",
      HOSTED_EMAIL: "a@example.com",
      HOSTED_PASSWORD: "x"
    }
  })

describe("parley init", () => {
  it.scoped("writes a configuration that loads, and says what to do next", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      const { code, stdout } = yield* run(folder)
      expect(code).toBe(0)
      expect(stdout).toMatch(
        /^wrote config\/parley\.yaml\nwrote config\/\.env\.example\nwrote config\/parley\.schema\.json\n/
      )
      expect(stdout).toContain("cp config/.env.example config/.env")
      const { connections } = yield* load(folder)
      expect(connections.map(({ name }) => name)).toEqual(["plain", "regional", "hosted"])
      expect(readFileSync(join(folder, "config/.env.example"), "utf8")).toContain("\nREGIONAL_TOKEN=\n")
    })
  )

  it.scoped("writes for the providers that are named, where --config says", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      const { code, stdout } = yield* run(folder, "regional", "--config", "deep/er/my.yaml", "--json")
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toEqual({
        files: [
          { path: "deep/er/my.yaml", written: true },
          { path: "deep/er/.env.example", written: true },
          { path: "deep/er/parley.schema.json", written: true }
        ]
      })
      const { connections } = yield* load(folder, "deep/er/my.yaml")
      expect(connections.map(({ name }) => name)).toEqual(["regional"])
    })
  )

  it.scoped("overwrites nothing", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      yield* run(folder)
      const path = join(folder, "config/parley.yaml")
      writeFileSync(path, "mine")
      const again = yield* run(folder)
      expect(again.code).toBe(2)
      expect(again.stderr).toMatch(/config\/parley\.yaml exists already/)
      expect(readFileSync(path, "utf8")).toBe("mine")
      rmSync(path)
      writeFileSync(join(folder, "config/.env.example"), "mine too")
      expect((yield* run(folder)).stdout).toContain("kept config/.env.example, which was there")
      expect(readFileSync(join(folder, "config/.env.example"), "utf8")).toBe("mine too")
    })
  )

  it.scoped("says what is in its way", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      writeFileSync(join(folder, "config"), "a file where a folder should be")
      const { code, stderr } = yield* run(folder)
      expect(code).toBe(2)
      expect(stderr).toMatch(/config\/parley\.yaml cannot be written: (there is a file|it lies below)/)
      expect(yield* run(folder, "plian")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('there is no provider "plian"; did you mean "plain"?')
      })
      expect(existsSync(join(folder, "config/parley.yaml"))).toBe(false)
    })
  )
})
