import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { verbs } from "../src/cli/commands/index.ts"
import { registry } from "../src/providers/index.ts"
import { vendorIds } from "../src/simulator/index.ts"

const root = resolve(import.meta.dirname, "..")
const text = (file: string) => readFileSync(join(root, file), "utf8")
const readme = text("README.md")
const packageFile = JSON.parse(text("package.json")) as {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

describe("what is written down", () => {
  it("names every verb in the README", () => {
    const missing = verbs.map(({ name }) => name).filter((name) => !readme.includes(`parley ${name}`))
    expect(missing).toEqual([])
  })

  it("names every dependency and why it is there", () => {
    const named = Object.keys({ ...packageFile.dependencies, ...packageFile.devDependencies }).filter(
      (name) => !name.startsWith("@types/")
    )
    expect(named.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  })

  it("has a simulated vendor for every provider", () => {
    expect(Object.keys(registry).sort()).toEqual([...vendorIds].sort())
  })

  it("puts the vendor's documentation above what it describes", () => {
    for (const provider of Object.keys(registry)) {
      expect(text(`src/providers/${provider}/wire.ts`)).toMatch(/https:\/\//)
    }
  })

  it("stays on the majors that fit together", () => {
    const { packages: locked } = JSON.parse(text("package-lock.json")) as {
      packages: Record<string, { version: string }>
    }
    const majors = Object.fromEntries(
      Object.keys({ ...packageFile.dependencies, ...packageFile.devDependencies }).map((name) => [
        name,
        locked[`node_modules/${name}`]?.version.split(".")[0]
      ])
    )
    expect(majors).toMatchObject({ effect: "3", "better-sqlite3": "13", "p-queue": "9" })
  })

  it("holds no path of anybody's machine and no address of a registry", () => {
    const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).trim().split("\n")
    const told = files.filter(
      (file) =>
        /\.(ts|md|json|yaml|mjs)$/.test(file) &&
        /\/home\/\w|\/Users\/\w|https?:\/\/registry\./.test(text(file))
    )
    expect(told.filter((file) => file !== "test/docs.test.ts")).toEqual([])
  })
})
