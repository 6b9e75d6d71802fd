import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect, it as test } from "vitest"
import { exampleConfiguration, exampleVariables } from "../../src/config/example.ts"
import { configurationJsonSchema } from "../../src/config/jsonSchema.ts"
import { loadConfig } from "../../src/config/load.ts"
import { registry } from "../../src/providers/index.ts"

/*
 * The files in config/ are made from the code: `npm run schema` writes them anew.
 */

const folder = resolve(import.meta.dirname, "../../config")

/** A folder in which the example stands as `config/parley.yaml`, gone at the end. */
const exampleFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const made = mkdtempSync(join(tmpdir(), "parley-example-"))
    mkdirSync(join(made, "config"))
    writeFileSync(join(made, "config/parley.yaml"), exampleConfiguration(registry))
    return made
  }),
  (made) => Effect.sync(() => rmSync(made, { recursive: true }))
)

describe("the files in config/", () => {
  test("parley.schema.json is what the Schemas say", async () => {
    await expect(configurationJsonSchema(registry)).toMatchFileSnapshot(join(folder, "parley.schema.json"))
  })

  test("parley.example.yaml is what `parley init` writes", async () => {
    await expect(exampleConfiguration(registry)).toMatchFileSnapshot(join(folder, "parley.example.yaml"))
  })

  it.scoped("the example loads once the variables of .env.example are set, and needs all of them", () =>
    Effect.gen(function* () {
      const cwd = yield* exampleFolder
      const load = (environment: Record<string, string>) =>
        loadConfig({ registry, config: null, database: null, cwd, environment })
      const names = [...exampleVariables(registry).matchAll(/^([A-Z_]+)=$/gm)].map(([, name = ""]) => name)
      const config = yield* load(Object.fromEntries(names.map((name) => [name, "value"])))
      expect(config.connections.map(({ provider }) => provider)).toEqual(Object.keys(registry))
      expect(config.database).toBe(join(cwd, "parley.db"))
      const { faults } = yield* Effect.flip(load({}))
      expect(faults).toHaveLength(names.length)
    })
  )
})
