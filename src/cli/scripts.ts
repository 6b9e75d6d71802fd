import { readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Script } from "node:vm"

/*
 * The built program is a number of scripts in one folder (scripts/build.mjs), each in the form of a CommonJS module. They
 * are run when they are first required, from what V8 has compiled of them before; where this version of Node has none
 * of that, they are compiled as ever, and start in about twice the time.
 */

type Require = (name: string) => unknown
type Wrapped = (require: Require, importMetaUrl: string, module: { exports: unknown }) => void

/** Where it is kept what V8 has compiled of a script. */
export const cacheOf = (filename: string): string => `${filename}.${process.version}-${process.arch}.cache`

const readCache = (filename: string): Buffer | undefined => {
  try {
    return readFileSync(cacheOf(filename))
  } catch {
    return undefined
  }
}

/** Reads a script of the built program. */
export const compile = (filename: string): Script =>
  new Script(readFileSync(filename, "utf8"), { filename, cachedData: readCache(filename) })

/**
 * Makes what runs a script of the built program and gives what it exports. Each is run once.
 * @param requireOther for what is not one of these scripts
 * @param onCompiled told of each script before it runs
 */
export const makeRequire = (
  folder: string,
  requireOther: Require,
  onCompiled: (filename: string, script: Script) => void = () => undefined
): Require => {
  const importMetaUrl = pathToFileURL(join(folder, "parley.js")).href
  const modules = new Map<string, { exports: unknown }>()
  const require: Require = (name) => {
    if (!name.startsWith("./")) return requireOther(name)
    const known = modules.get(name)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    modules.set(name, module)
    const filename = join(folder, name)
    const script = compile(filename)
    onCompiled(filename, script)
    const run = script.runInThisContext() as Wrapped
    run(require, importMetaUrl, module)
    return module.exports
  }
  return require
}
