import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { describe, expect } from "vitest"
import { loadConfig } from "../../src/config/load.ts"
import { fakeRegistry } from "../support/fakeRegistry.ts"
import { temporaryFolder } from "../support/inProcess.ts"

const load = (folder: string) =>
  loadConfig({ registry: fakeRegistry, config: null, database: null, cwd: folder, environment: {} })

const folderWith = (make: (dotenv: string) => void) =>
  Effect.tap(temporaryFolder, (folder) =>
    Effect.sync(() => {
      mkdirSync(join(folder, "config"))
      writeFileSync(
        join(folder, "config/parley.yaml"),
        `database: m.db\nconnections:\n  - { name: leads, provider: plain, apiKey: "\${KEY}" }\n`
      )
      make(join(folder, "config/.env"))
    })
  )

const faultsIn = (make: (dotenv: string) => void) =>
  Effect.gen(function* () {
    const loaded = yield* Effect.either(load(yield* folderWith(make)))
    return Either.isLeft(loaded) ? loaded.left.faults.filter(({ file }) => file === "config/.env") : []
  })

describe("a .env beside the configuration", () => {
  for (const [mode, who] of [
    [0o644, "every user of this machine"],
    [0o640, "its group"],
    [0o604, "every user of this machine"]
  ] as const) {
    it.scoped(`is read, with a warning that names its mode and the command: ${mode.toString(8)}`, () =>
      Effect.gen(function* () {
        const folder = yield* folderWith((dotenv) => {
          writeFileSync(dotenv, "KEY=secret\n")
          chmodSync(dotenv, mode)
        })
        expect((yield* load(folder)).warnings).toEqual([
          `config/.env has the mode 0${mode.toString(8)}: ${who} can read the secrets in it; end that with: chmod 600 config/.env`
        ])
        chmodSync(join(folder, "config/.env"), 0o600)
        expect((yield* load(folder)).warnings).toEqual([])
      })
    )
  }

  it.scoped("is refused, and not waited for, where it is a named pipe, a device or a folder", () =>
    Effect.gen(function* () {
      const pipe = yield* faultsIn((dotenv) => spawnSync("mkfifo", [dotenv]))
      const device = yield* faultsIn((dotenv) => symlinkSync("/dev/zero", dotenv))
      for (const faults of [pipe, device]) {
        expect(faults.map(({ message }) => message)).toEqual([
          "a named pipe or a device, not a file; put a file in its place"
        ])
      }
      expect((yield* faultsIn((dotenv) => mkdirSync(dotenv))).map(({ message }) => message)).toEqual([
        "a folder, not a file; move it away, and write the variables into a file of this name"
      ])
    })
  )
})
