import { readdirSync } from "node:fs"
import { resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { cacheOf, compile } from "../src/cli/scripts.ts"

describe("the built program", () => {
  const folder = resolve("dist")
  const files = readdirSync(folder)
  const kept = files
    .filter((name) => name.endsWith(".cjs") && files.includes(cacheOf(name)))
    .map((name) => resolve(folder, name))

  it("starts from what V8 compiled of it when it was built", () => {
    expect(kept).toContain(resolve(folder, "program.cjs"))
    expect(kept.filter((filename) => compile(filename).cachedDataRejected !== false)).toEqual([])
  })
})
