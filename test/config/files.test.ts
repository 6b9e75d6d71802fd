import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { exampleConfiguration } from "../../src/config/example.ts"
import { configurationJsonSchema } from "../../src/config/jsonSchema.ts"
import { registry } from "../../src/providers/index.ts"

/*
 * The files in config/ are made from the code: `npm run schema` writes them anew.
 */

const folder = resolve(import.meta.dirname, "../../config")

describe("the files in config/", () => {
  it("parley.schema.json is what the Schemas say", async () => {
    await expect(configurationJsonSchema(registry)).toMatchFileSnapshot(join(folder, "parley.schema.json"))
  })

  it("parley.example.yaml is what `parley init` writes", async () => {
    await expect(exampleConfiguration(registry)).toMatchFileSnapshot(join(folder, "parley.example.yaml"))
  })
})
