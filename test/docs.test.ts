import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { Effect, Either } from "effect"
import { describe, expect, it } from "vitest"
import { readArgv } from "../src/cli/argv.ts"
import { verbs } from "../src/cli/commands/index.ts"
import { exitCodes } from "../src/cli/exitCodes.ts"
import { everywhere } from "../src/cli/root.ts"
import { loadConfig } from "../src/config/load.ts"
import { registry } from "../src/providers/index.ts"
import { vendorIds } from "../src/simulator/index.ts"

const root = resolve(import.meta.dirname, "..")
const text = (file: string) => readFileSync(join(root, file), "utf8")
const readme = text("README.md")
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file))
]
const everything = pages.map(text).join("\n")

/** A heading as the part of a link behind `#`. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")

/** The words of a command line of a shell, without comments and redirections. */
const wordsOf = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(#.*)|(\S+)/g)].flatMap(([, quoted, comment, word]) =>
    comment === undefined ? [quoted ?? word ?? ""] : []
  )

/** What follows `parley` on each line of the pages' shell examples. */
const commandLines = pages.flatMap((page) =>
  [...text(page).matchAll(/^```sh\n([^`]*)```$/gm)].flatMap(([, script = ""]) =>
    script
      .split("\n")
      .flatMap((line) => line.split(/ (?:&&|\|) /))
      .flatMap((line) => {
        const words = /^(?:npx parley|node dist\/parley\.js|parley) (.*)$/.exec(line)?.[1]
        return words === undefined ? [] : [{ page, words: wordsOf(words) }]
      })
  )
)

const packageFile = JSON.parse(text("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const providerFolders = readdirSync(join(root, "src/providers"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "kit")
  .map(({ name }) => name)

describe("what is written down", () => {
  it("names every verb, and no other", () => {
    const names = verbs.map(({ name }) => name)
    expect(names.filter((name) => !everything.includes(`parley ${name}`))).toEqual([])
    const named = [...everything.matchAll(/`parley ([a-z][a-z-]*)/g)].map(([, name = ""]) => name)
    expect(named.filter((name) => !names.includes(name))).toEqual([])
  })

  it("shows only commands that the command line understands", () => {
    expect(commandLines.length).toBeGreaterThan(20)
    const wrong = commandLines.filter(({ words }) => {
      const read = readArgv(words, verbs, everywhere)
      return Either.isLeft(read) || read.right._tag !== "Run"
    })
    expect(wrong).toEqual([])
  })

  it("names only scripts, tests and sources that exist", () => {
    const scripts = [...everything.matchAll(/npm run ([\w:-]+)/g)].map(([, name = ""]) => name)
    expect(scripts.filter((name) => packageFile.scripts[name] === undefined)).toEqual([])
    const files = [...everything.matchAll(/\b(?:src|test|bench|scripts)\/[\w./-]*\w/g)].map(([file]) => file)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it("links only to pages and headings that exist", () => {
    const broken = pages.flatMap((page) =>
      [...text(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link = ""]) => link)
        .filter((link) => !link.startsWith("https://"))
        .filter((link) => {
          const [file = "", anchor] = link.split("#")
          const target = file === "" ? page : join(dirname(page), file)
          if (!existsSync(join(root, target))) return true
          if (anchor === undefined) return false
          const headings = [...text(target).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
            anchorOf(heading)
          )
          return !headings.includes(anchor)
        })
        .map((link) => `${page}: ${link}`)
    )
    expect(broken).toEqual([])
  })

  it("leads from the README to every page, and keeps pictures small", () => {
    const linked = pages.flatMap((page) =>
      [...text(page).matchAll(/\]\(([^)#\s]+)/g)].map(([, link = ""]) => join(dirname(page), link))
    )
    expect(pages.filter((page) => page !== "README.md" && !linked.includes(page))).toEqual([])
    const pictures = readdirSync(join(root, "docs/images"))
    expect(pictures.filter((file) => statSync(join(root, "docs/images", file)).size > 150_000)).toEqual([])
    expect(pictures.filter((file) => !readme.includes(`](docs/images/${file})`))).toEqual([])
  })

  it("shows a configuration that is valid, and the error that a misspelt key in it brings", async () => {
    const example = /^```yaml\n([^`]*)```$/m.exec(readme)?.[1] ?? ""
    const error = /^config\/(parley\.yaml:.*)$/m.exec(readme)?.[1] ?? ""
    const folder = mkdtempSync(join(tmpdir(), "parley-docs-"))
    const load = (content: string) => {
      writeFileSync(join(folder, "parley.yaml"), content)
      return Effect.runPromise(
        Effect.either(
          loadConfig({
            registry,
            config: join(folder, "parley.yaml"),
            database: null,
            cwd: folder,
            environment: Object.fromEntries(
              [...content.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, "value"])
            )
          })
        )
      )
    }
    try {
      const read = await load(example)
      expect(Either.isRight(read) && read.right.connections.map(({ name }) => name)).toEqual([
        "leads",
        "support",
        "salon",
        "inbox"
      ])
      const refused = await load(example.replace(/\btoken(?=: .*CONVOCORE)/, "tokn"))
      expect(error).toContain("tokn")
      expect(Either.isLeft(refused) && refused.left.message).toContain(error)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("lists every exit code", () => {
    const listed = [...readme.matchAll(/^\| ([\d, ]+) \| /gm)].flatMap(([, codes = ""]) =>
      codes.split(", ").map(Number)
    )
    expect(listed).toEqual(Object.values(exitCodes))
  })

  it("names every dependency and why it is there", () => {
    const named = Object.keys({ ...packageFile.dependencies, ...packageFile.devDependencies }).filter(
      (name) => !name.startsWith("@types/")
    )
    expect(named.filter((name) => !text("docs/architecture.md").includes(`\`${name}\``))).toEqual([])
  })

  it("has a provider for every simulated vendor and for every folder of one", () => {
    expect(vendorIds.filter((id) => !Object.hasOwn(registry, id))).toEqual([])
    expect(providerFolders.filter((id) => !Object.hasOwn(registry, id))).toEqual([])
  })

  it("puts the vendor's documentation above what it describes", () => {
    for (const provider of providerFolders) {
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

  it("holds no path of someone's machine and no address of a registry", () => {
    const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).trim().split("\n")
    const exposed = files.filter(
      (file) =>
        /\.(ts|md|json|yaml|mjs)$/.test(file) &&
        /\/home\/\w|\/Users\/\w|https?:\/\/registry\./.test(text(file))
    )
    expect(exposed.filter((file) => file !== "test/docs.test.ts")).toEqual([])
  })
})
