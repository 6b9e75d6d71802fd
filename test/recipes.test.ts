import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { readArgv } from "../src/cli/argv.ts"
import { verbs } from "../src/cli/commands/index.ts"
import { everywhere } from "../src/cli/root.ts"
import { hasProgram } from "./support/parley.ts"

const folder = resolve(import.meta.dirname, "../docs/recipes")
const files = readdirSync(folder)
const text = (file: string) => readFileSync(join(folder, file), "utf8")

/** What follows `parley` where a recipe runs it. */
const commandLines = files.flatMap((file) =>
  text(file)
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .flatMap((line) => {
      const container = /^CMD (\[.*\])$/.exec(line)?.[1]
      if (container !== undefined) return [JSON.parse(container) as Array<string>]
      const words = /(?:bin\/|&& )parley ([^>|&]+)/.exec(line)?.[1]
      return words === undefined ? [] : [words.trim().split(/\s+/)]
    })
)

describe("the recipes", () => {
  it("run parley in ways that it understands", () => {
    expect(commandLines.length).toBe(4)
    for (const words of commandLines) {
      const read = readArgv(words, verbs, everywhere)
      expect(Either.isRight(read) && read.right._tag).toBe("Run")
    }
  })

  it("build images from files that are in their context", () => {
    const copied = [...text("Containerfile").matchAll(/^COPY (?!--from)(\S+) /gm)].flatMap(
      ([, from]) => from ?? []
    )
    expect(copied.length).toBeGreaterThan(1)
    const kept = readFileSync(resolve(folder, "../../.dockerignore"), "utf8").split("\n")
    for (const path of copied.filter((one) => one !== ".")) {
      expect(existsSync(resolve(folder, "../..", path)), path).toBe(true)
      expect(kept, path).toContain(`!${path}`)
    }
  })

  it.skipIf(!hasProgram("systemd-analyze"))("pass what systemd itself checks of its units", () => {
    const units = mkdtempSync(join(tmpdir(), "parley-units-"))
    try {
      const names = files.filter((file) => /\.(service|timer)$/.test(file))
      for (const name of names) {
        // The program and its user are not there where this is tested.
        const here = text(name)
          .replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`)
          .replace(/^User=.*\n/m, "")
        writeFileSync(join(units, name), here)
      }
      const { status, stderr } = spawnSync(
        "systemd-analyze",
        ["verify", ...names.map((name) => join(units, name))],
        { encoding: "utf8" }
      )
      expect({ status, said: stderr.split("\n").filter((line) => line.includes("parley-")) }).toEqual({
        status: 0,
        said: []
      })
    } finally {
      rmSync(units, { recursive: true, force: true })
    }
  })
})
