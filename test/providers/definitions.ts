import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect, it as test } from "vitest"
import { init } from "../../src/cli/commands/init/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import type { Registry } from "../../src/config/Config.ts"
import { exampleVariables } from "../../src/config/example.ts"
import { configurationJsonSchema } from "../../src/config/jsonSchema.ts"
import { loadConfig } from "../../src/config/load.ts"
import { keysOf } from "../../src/config/schemaKeys.ts"
import { Db } from "../../src/store/Db.ts"
import { dictionary } from "../../src/store/dictionary.ts"
import { runCommand } from "../support/cli.ts"

interface Rule {
  readonly if: { readonly properties: { readonly provider: { readonly const: string } } }
  readonly then: { readonly properties: Readonly<Record<string, object>> }
}

const emptyFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-definitions-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const variablesOf = (registry: Registry, providers: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...exampleVariables(registry, providers).matchAll(/^([A-Z_]+)=$/gm)].map(([, name = ""]) => name)

/** What holds of a registry whatever is in it: each provider is known everywhere by its definition alone. */
export const definitionsSuite = (what: string, registry: Registry): void => {
  const definitions = Object.entries(registry)
  const load = (cwd: string, environment: Readonly<Record<string, string>>) =>
    loadConfig({ registry, config: null, database: null, cwd, environment })

  describe(`the definitions of ${what}`, () => {
    test("are kept under their ids, link to documentation, and lend the example different names", () => {
      expect(definitions.map(([id]) => id)).toEqual(definitions.map(([, { id }]) => id))
      for (const [, { docs }] of definitions) expect(docs).toMatch(/^https:\/\//)
      const names = definitions.map(([, { exampleName }]) => exampleName)
      expect(new Set(names).size).toBe(definitions.length)
      for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/)
    })

    test("say of columns that the dictionary has where they come from", () => {
      const known = dictionary.flatMap(({ columns, table }) =>
        Object.keys(columns).map((column) => `${table}.${column}`)
      )
      for (const [, { columns }] of definitions) {
        expect(Object.keys(columns).filter((column) => !known.includes(column))).toEqual([])
        expect(columns).toHaveProperty(["conversations.provider_id"])
      }
    })

    test("each have a rule in the JSON Schema, with their own keys beside the common ones", () => {
      const { allOf, properties } = JSON.parse(configurationJsonSchema(registry)).properties.connections.items
      expect(properties.provider.enum).toEqual(Object.keys(registry))
      for (const [id, { settings }] of definitions) {
        const rule = (allOf as ReadonlyArray<Rule>).find((one) => one.if.properties.provider.const === id)
        expect(Object.keys(rule?.then.properties ?? {})).toEqual(
          expect.arrayContaining(["quota", ...keysOf(settings).map(({ name }) => name)])
        )
      }
    })

    it.scoped("are all in the configuration that init writes, which loads once its variables are set", () =>
      Effect.gen(function* () {
        const cwd = yield* emptyFolder
        const { code } = yield* runCommand([init], ["init"], { cwd })
        expect(code).toBe(0)
        const names = variablesOf(registry, [])
        const { connections } = yield* load(cwd, Object.fromEntries(names.map((name) => [name, "value"])))
        expect(connections.map(({ name, provider }) => [name, provider])).toEqual(
          definitions.map(([id, { exampleName }]) => [exampleName, id])
        )
        for (const { definition, settings } of connections) {
          const words = definition.authorize(settings).setting.split(" and ")
          const keys = keysOf(definition.settings).map(({ name }) => name)
          expect(words.filter((word) => !keys.includes(word))).toEqual([])
        }
        const { faults } = yield* Effect.flip(load(cwd, {}))
        expect(faults).toHaveLength(names.length)
      }).pipe(Effect.provide(Providers.layer(Effect.succeed(registry))))
    )

    for (const [id, { exampleName }] of definitions) {
      it.scoped(`let init write one connection alone: ${id}`, () =>
        Effect.gen(function* () {
          const cwd = yield* emptyFolder
          yield* runCommand([init], ["init", id], { cwd })
          const environment = Object.fromEntries(variablesOf(registry, [id]).map((name) => [name, "value"]))
          const { connections } = yield* load(cwd, environment)
          expect(connections.map(({ name }) => name)).toEqual([exampleName])
        }).pipe(Effect.provide(Providers.layer(Effect.succeed(registry))))
      )
    }

    it.scoped("fill the sources in the dictionary of a mirror, and nothing is written to it again", () =>
      Effect.gen(function* () {
        const path = join(yield* emptyFolder, "mirror.db")
        const open = (sql: string) =>
          Effect.provide(
            Effect.flatMap(Db, (db) => db.use("test", ({ prepare }) => prepare(sql).pluck().get())),
            Db.layer(path)
          )
        const source = yield* open(
          "SELECT source FROM dictionary WHERE table_name = 'conversations' AND column_name = 'provider_id'"
        )
        expect(Object.entries(JSON.parse(String(source)))).toEqual(
          definitions.map(([id, { columns }]) => [id, columns["conversations.provider_id"]])
        )
        expect(yield* open("SELECT total_changes()")).toBe(0)
      }).pipe(Effect.provide(Providers.layer(Effect.succeed(registry))))
    )
  })
}
