import { readdirSync, readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"

const root = resolve(import.meta.dirname, "..")
const text = (file: string) => readFileSync(join(root, file), "utf8")

interface Locked {
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly hasInstallScript?: boolean
  readonly libc?: unknown
}

const locked = (file: string) =>
  Object.entries((JSON.parse(text(file)) as { packages: Record<string, Locked> }).packages)
const packageFile = JSON.parse(text("package.json")) as {
  readonly dependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}

describe("the package", () => {
  it("locks the optional packages of every platform, so that an install adds none", () => {
    const names = new Set(locked("package-lock.json").map(([path]) => path.replace(/^.*node_modules\//, "")))
    const optional = locked("package-lock.json").flatMap(([, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
    )
    expect(optional.length).toBeGreaterThan(50)
    expect(optional.filter((name) => !names.has(name))).toEqual([])
  })

  it("locks nothing that one version of npm writes and another takes away", () => {
    const packages = [...locked("package-lock.json"), ...locked("scripts/node20/package-lock.json")]
    expect(packages.filter(([, { libc }]) => libc !== undefined)).toEqual([])
    expect(packages.filter(([, { resolved }]) => resolved?.startsWith("http"))).toEqual([])
  })

  it("says of every package that has an install script whether it may run", () => {
    const scripted = locked("package-lock.json").flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript === true ? [path.replace(/^.*node_modules\//, "")] : []
    )
    expect(scripted).toContain("better-sqlite3")
    expect(scripted.filter((name) => packageFile.allowScripts[name] === undefined)).toEqual([])
  })

  it("needs nothing but Node and better-sqlite3 where it is installed", () => {
    expect(Object.keys(packageFile.dependencies)).toEqual(["better-sqlite3"])
    const scripts = readdirSync(join(root, "dist")).filter((file) => /\.c?js$/.test(file))
    const required = scripts.flatMap((file) =>
      [...text(`dist/${file}`).matchAll(/\brequire\("([^"]+)"\)/g)].flatMap(([, name = ""]) =>
        name.startsWith("./") || builtinModules.includes(name.replace(/^node:/, "")) ? [] : [name]
      )
    )
    expect(new Set(required)).toEqual(
      new Set(["better-sqlite3", "../scripts/node20/node_modules/better-sqlite3"])
    )
  })
})
