import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { Script } from "node:vm"
import { expect, it } from "vitest"

it("the built program starts from what V8 compiled of it when it was built", () => {
  const filename = resolve("dist/program.cjs")
  const cachedData = readFileSync(`${filename}.${process.version}-${process.arch}.cache`)
  const script = new Script(readFileSync(filename, "latin1"), { filename, cachedData })
  expect(script.cachedDataRejected).toBe(false)
})
