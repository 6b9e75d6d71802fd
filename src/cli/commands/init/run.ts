import { lstatSync, mkdirSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { Effect } from "effect"
import { exampleConfiguration, exampleVariables } from "../../../config/example.ts"
import { configurationJsonSchema } from "../../../config/jsonSchema.ts"
import { configPath } from "../../../config/load.ts"
import { suggestion } from "../../../config/nearest.ts"
import { codeOf, fileFaultOf } from "../../../files/faults.ts"
import { privateMode } from "../../../files/newFile.ts"
import { UsageError } from "../../errors.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { Providers } from "../../Providers.ts"
import { answer } from "../../terminal/answer.ts"
import type { InitInput } from "./index.ts"

interface NewFile {
  readonly path: string
  readonly text: string
  readonly mode: number
}

const publicMode = 0o644

/** Writes a file that is not there yet; false: it is there, and stays as it is. */
const writeNew = (cwd: string, { mode, path, text }: NewFile): Effect.Effect<boolean, UsageError> =>
  Effect.try({
    try: () => {
      const absolute = resolve(cwd, path)
      mkdirSync(dirname(absolute), { recursive: true })
      try {
        writeFileSync(absolute, text, { flag: "wx", mode })
      } catch (cause) {
        if (codeOf(cause) === "EEXIST") return false
        throw cause
      }
      return true
    },
    catch: (cause) => {
      const fault = fileFaultOf(cause)
      return new UsageError({
        message: `${path} cannot be written: ${fault?.what ?? String(cause)}`,
        hint: `${fault === null ? "" : `${fault.advice}, or `}name another place with --config FILE`
      })
    }
  })

/** Also for a dangling link. Any other problem with the path is reported when the file is written. */
const isThere = (absolute: string): boolean => {
  try {
    return lstatSync(absolute, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

const nextSteps = (folder: string): ReadonlyArray<string> => [
  "",
  "Next:",
  `  1. Write your accounts into it, and take out those you do not have.`,
  `  2. cp ${join(folder, ".env.example")} ${join(folder, ".env")}, and fill in the secrets.`,
  "  3. parley check    asks every account, and changes nothing",
  "  4. parley sync     fills the mirror"
]

export const init = ({ providers }: InitInput) =>
  Effect.gen(function* () {
    const { config } = yield* Globals
    const { cwd, environment } = yield* Host
    const registry = yield* yield* Providers
    for (const provider of providers) {
      if (Object.hasOwn(registry, provider)) continue
      return yield* new UsageError({
        message: `there is no provider "${provider}"${suggestion(provider, Object.keys(registry))}`,
        hint: "parley init without one writes a connection for each"
      })
    }
    const path = configPath({ config, environment })
    const folder = dirname(path)
    if (isThere(resolve(cwd, path))) {
      return yield* new UsageError({
        message: `${path} exists already; it was left as it is`,
        hint: `edit it, or write another with --config ${join(folder, `new-${basename(path)}`)}`
      })
    }
    const files: ReadonlyArray<NewFile> = [
      { path, text: exampleConfiguration(registry, providers), mode: publicMode },
      // Copied to .env with its mode, so that no one else can read the secrets there.
      { path: join(folder, ".env.example"), text: exampleVariables(registry, providers), mode: privateMode },
      { path: join(folder, "parley.schema.json"), text: configurationJsonSchema(registry), mode: publicMode }
    ]
    const results = yield* Effect.forEach(files, (file) =>
      Effect.map(writeNew(cwd, file), (written) => ({ path: file.path, written }))
    )
    const lines = results.map(({ path: file, written }) =>
      written ? `wrote ${file}` : `kept ${file}, which was there`
    )
    return yield* answer({ files: results }, [...lines, ...nextSteps(folder)].join("\n"))
  })
