import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { registry } from "../src/providers/index.ts"

const root = resolve(import.meta.dirname, "..")

const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => join("src", file))

interface Import {
  readonly from: string
  /** A path below the root, or a package's name. */
  readonly to: string
  readonly typeOnly: boolean
  /** Loaded when it is needed: whoever imports it is complete by then. */
  readonly isLazy: boolean
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm
const loading = /\bimport\(()"([^"]+)"\)/g

const imports: ReadonlyArray<Import> = files.flatMap((from) => {
  const text = readFileSync(join(root, from), "utf8")
  const found = (pattern: RegExp, isLazy: boolean) =>
    [...text.matchAll(pattern)].map(([, type, specifier = ""]) => ({
      from,
      to: specifier.startsWith(".") ? relative(root, resolve(root, dirname(from), specifier)) : specifier,
      typeOnly: type !== undefined && type !== "",
      isLazy
    }))
  return [...found(statement, false), ...found(loading, true)]
})

/** The room a file lives in; a provider's folder is a room of its own. */
const room = (path: string): string => {
  const [, first = "", second = "", third] = path.split("/")
  if (first === "providers" && third !== undefined && second !== "kit") return `providers/${second}`
  return first.endsWith(".ts") ? "root" : first
}

const offenders = (wrong: (entry: Import) => boolean): ReadonlyArray<string> =>
  imports.filter(wrong).map(({ from, to }) => `${from} imports ${to}`)

const local = (entry: Import): boolean => entry.to.startsWith("src/")

const groupBy = <A>(
  all: ReadonlyArray<A>,
  key: (one: A) => string
): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const one of all) groups.set(key(one), [...(groups.get(key(one)) ?? []), one])
  return groups
}

/** The folders of `src`, each with the files that lie in it. */
const folders = groupBy(files, dirname)

/**
 * The first circle of imports that is met, from a file back to itself; types count too. A verb loads its program
 * lazily, and the program takes the type of its input from the verb: that is none.
 */
const circle = (): ReadonlyArray<string> => {
  const next = groupBy(
    imports.filter((entry) => local(entry) && !entry.isLazy),
    ({ from }) => from
  )
  const state = new Map<string, "open" | "done">()
  const visit = (file: string, path: ReadonlyArray<string>): ReadonlyArray<string> => {
    if (state.get(file) === "done") return []
    if (state.get(file) === "open") return [...path.slice(path.indexOf(file)), file]
    state.set(file, "open")
    for (const { to } of next.get(file) ?? []) {
      const found = visit(to, [...path, file])
      if (found.length > 0) return found
    }
    state.set(file, "done")
    return []
  }
  for (const file of files) {
    const found = visit(file, [])
    if (found.length > 0) return found
  }
  return []
}

describe("the house", () => {
  it("finds the imports it judges", () => {
    expect(imports.length).toBeGreaterThan(100)
    expect(imports).toContainEqual({
      from: "src/sync/connection.ts",
      to: "src/http/makeClient.ts",
      typeOnly: false,
      isLazy: false
    })
  })

  it("lets domain import nothing but effect and itself", () => {
    expect(
      offenders(
        (entry) => room(entry.from) === "domain" && entry.to !== "effect" && room(entry.to) !== "domain"
      )
    ).toEqual([])
  })

  it("keeps providers away from the store, the command line and the rivers", () => {
    const forbidden = new Set(["store", "cli", "root", "simulator", "config"])
    expect(
      offenders(
        (entry) => room(entry.from).startsWith("providers") && local(entry) && forbidden.has(room(entry.to))
      )
    ).toEqual([])
  })

  it("never lets one vendor import another's folder", () => {
    expect(
      offenders(
        (entry) =>
          room(entry.from).startsWith("providers/") &&
          room(entry.to).startsWith("providers/") &&
          room(entry.from) !== room(entry.to)
      )
    ).toEqual([])
  })

  it("keeps the store away from vendors and from HTTP, but for types", () => {
    expect(
      offenders(
        (entry) =>
          room(entry.from) === "store" &&
          local(entry) &&
          (room(entry.to).startsWith("providers/") ||
            room(entry.to) === "cli" ||
            (!entry.typeOnly && (room(entry.to) === "http" || room(entry.to) === "simulator")))
      )
    ).toEqual([])
  })

  it("keeps HTTP away from the store, the vendors and the command line", () => {
    const forbidden = new Set(["store", "cli", "simulator", "config"])
    expect(
      offenders(
        (entry) =>
          room(entry.from) === "http" &&
          local(entry) &&
          (forbidden.has(room(entry.to)) || room(entry.to).startsWith("providers"))
      )
    ).toEqual([])
  })

  it("lets nothing below the command line import it", () => {
    expect(
      offenders(
        (entry) => room(entry.to) === "cli" && room(entry.from) !== "cli" && entry.from !== "src/main.ts"
      )
    ).toEqual([])
  })

  it("keeps the page to itself, to what it is drawn with, and to how a search reads texts", () => {
    expect(
      offenders(
        (entry) =>
          room(entry.from) === "page" &&
          room(entry.to) !== "page" &&
          !/^preact(\/|$)/.test(entry.to) &&
          entry.to !== "src/domain/searchText.ts"
      )
    ).toEqual([])
  })

  it("lets the server of the page call sync and the store, and no vendor", () => {
    const known = ["analysis", "config", "domain", "files", "http", "serve", "store", "sync"]
    expect(
      offenders((entry) => room(entry.from) === "serve" && local(entry) && !known.includes(room(entry.to)))
    ).toEqual([])
  })

  it("opens SQLite only in the store and where processes share their limits", () => {
    expect(
      offenders(
        (entry) =>
          entry.to === "better-sqlite3" &&
          room(entry.from) !== "store" &&
          !entry.from.startsWith("src/http/limits/shared/")
      )
    ).toEqual([])
  })

  it("imports p-queue in one file", () => {
    expect(
      offenders(
        (entry) => entry.to === "p-queue" && !entry.typeOnly && entry.from !== "src/http/makeClient.ts"
      )
    ).toEqual([])
  })

  it("lets only sync and main know both a provider and the store", () => {
    const knows = (file: string, place: string): boolean =>
      imports.some(({ from, to, typeOnly }) => from === file && !typeOnly && to.startsWith(`src/${place}/`))
    expect(
      files.filter(
        (file) =>
          room(file) !== "sync" && file !== "src/main.ts" && knows(file, "providers") && knows(file, "store")
      )
    ).toEqual([])
  })

  it("has no circle of imports", () => {
    expect(circle()).toEqual([])
  })

  it("has no folder of more than 20 files, but for the migrations, of which none ever goes", () => {
    const large = [...folders].filter(([, { length }]) => length > 20).map(([folder]) => folder)
    expect(large.filter((folder) => folder !== "src/store/migrations")).toEqual([])
  })

  it("names vendors in their own folders and in the registries alone", () => {
    const names = new RegExp(
      Object.values(registry)
        .flatMap(({ id, title }) => [id, title])
        .join("|"),
      "i"
    )
    const mayName = (file: string): boolean =>
      Object.keys(registry).some(
        (id) => file.startsWith(`src/providers/${id}/`) || file.startsWith(`src/simulator/vendors/${id}/`)
      ) || ["src/providers/index.ts", "src/simulator/vendors/index.ts"].includes(file)
    expect(
      files.filter((file) => !mayName(file) && names.test(readFileSync(join(root, file), "utf8")))
    ).toEqual([])
  })

  it("lets no vendor's folder name another vendor", () => {
    const ids = Object.keys(registry)
    const wrong = files.flatMap((file) => {
      const own = ids.find((id) => file.includes(`/${id}/`))
      const others = ids.filter((id) => id !== own)
      const named = others.filter((id) => new RegExp(id, "i").test(readFileSync(join(root, file), "utf8")))
      return own === undefined ? [] : named.map((id) => `${file} names ${id}`)
    })
    expect(wrong).toEqual([])
  })
})
