import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { Clock, Effect, FiberSet } from "effect"
import { suggestion } from "../../../config/nearest.ts"
import { codeOf, fileFaultOf } from "../../../files/faults.ts"
import { privateMode } from "../../../files/newFile.ts"
import {
  type Configuration,
  configuration,
  forEachVendor,
  type HintFaults,
  hintFaultNames,
  isPreset,
  makeSimulator,
  makeTwins,
  mergeTwins,
  noHintFaults,
  preset,
  presetNames,
  type Simulator,
  sendHints,
  serve,
  vendorIds
} from "../../../simulator/index.ts"
import { toUsage, UsageError } from "../../errors.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { Output } from "../../terminal/Output.ts"
import type { SimulateInput } from "./index.ts"

/** How what was written begins: only such a file is replaced. */
const mark = "# Written by parley simulate."

/** Milliseconds after which two contacts are merged: time for a first sync. */
const mergeAfter = 60_000

const isOurs = (path: string): boolean => {
  try {
    return readFileSync(path, "utf8").startsWith(mark)
  } catch (cause) {
    return codeOf(cause) === "ENOENT"
  }
}

/** Writes the configuration and its secrets into `DIR/config`. Any file that was not made here is left alone. */
const write = (folder: string, { environment, yaml }: Configuration): Effect.Effect<void, UsageError> =>
  Effect.suspend(() => {
    const paths = { yaml: join(folder, "config/parley.yaml"), env: join(folder, "config/.env") }
    const foreign = Object.values(paths).find((path) => !isOurs(path))
    if (foreign !== undefined) {
      return new UsageError({
        message: `${foreign} exists already, and was not written by simulate; it was left as it is`,
        hint: "name another folder with --write"
      })
    }
    try {
      mkdirSync(join(folder, "config"), { recursive: true })
      writeFileSync(paths.yaml, `${mark}\n${yaml}`)
      const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
      writeFileSync(paths.env, `${[mark, ...lines].join("\n")}\n`, { mode: privateMode })
      chmodSync(paths.env, privateMode)
      return Effect.void
    } catch (cause) {
      const fault = fileFaultOf(cause)
      return new UsageError({
        message: `--write: ${folder} cannot be written: ${fault?.what ?? codeOf(cause)}`,
        hint: "name another folder"
      })
    }
  })

const shown = ({ environment, yaml }: Configuration): string =>
  [
    "# The providers are running. Save this as config/parley.yaml:",
    yaml,
    "# and set in the shell that runs parley:",
    ...Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`)
  ].join("\n")

const portsFrom = (first: number): Effect.Effect<Readonly<Record<string, number>>, UsageError> =>
  first >= 1 && first + vendorIds.length <= 65_535
    ? Effect.succeed({
        ...forEachVendor((id) => first + vendorIds.indexOf(id)),
        control: first + vendorIds.length
      })
    : new UsageError({
        message: `--port: ${first} is not a port with ${vendorIds.length} more after it`,
        hint: "write a number such as 9500"
      })

/** After a minute one contact is another's. */
const merging = (simulator: Simulator) =>
  Effect.gen(function* () {
    const output = yield* Output
    const twins = makeTwins(simulator)
    if (twins === null) return
    yield* Effect.forkScoped(
      Effect.sleep(mergeAfter).pipe(
        Effect.zipRight(Effect.sync(() => mergeTwins(simulator, twins))),
        Effect.zipRight(output.note(`contact ${twins.younger} was merged into ${twins.older}`))
      )
    )
  })

/** Where webhooks go, and what becomes of them on their way; null: none are sent. */
const readHints = ({
  hintFaults,
  hints
}: SimulateInput): Effect.Effect<{ readonly to: string; readonly faults: HintFaults } | null, UsageError> => {
  if (hints === null) return Effect.succeed(null)
  const names = hintFaults?.split(",").map((name) => name.trim()) ?? []
  const known: ReadonlyArray<string> = hintFaultNames
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    return new UsageError({
      message: `--hint-faults: there is no fault "${unknown}"${suggestion(unknown, known)}`,
      hint: `write one or more of ${known.join(", ")}`
    })
  }
  const to = hints.replace(/\/+$/, "")
  if (!URL.canParse(to) || !/^https?:$/.test(new URL(to).protocol)) {
    return new UsageError({
      message: `--hints: "${hints}" is not an address`,
      hint: "write one such as http://127.0.0.1:8718"
    })
  }
  const faults = Object.fromEntries(names.map((name) => [name, 0.25]))
  return Effect.succeed({ to, faults: { ...noHintFaults, ...faults } })
}

/** Posts each webhook once it is due. One that nobody takes is lost, as a vendor's is. */
const posting = (
  simulator: Simulator,
  { faults, to }: { readonly to: string; readonly faults: HintFaults }
) =>
  Effect.gen(function* () {
    const fork = yield* FiberSet.makeRuntime<never>()
    sendHints(simulator, faults, ({ body, delayMillis, headers, path }) => {
      const post = Effect.tryPromise((signal) =>
        fetch(`${to}${path}`, { method: "POST", headers, body, signal })
      )
      fork(Effect.ignore(Effect.zipRight(Effect.sleep(delayMillis), Effect.timeout(post, 10_000))))
    })
  })

export const simulate = Effect.fn("simulate")(function* (input: SimulateInput) {
  const { conversations, faults, seed } = input
  const output = yield* Output
  const { json } = yield* Globals
  const { cwd, environment } = yield* Host
  const wanted = faults.split(",").map((name) => name.trim())
  const unknown = wanted.find((name) => !isPreset(name))
  if (unknown !== undefined) {
    return yield* new UsageError({
      message: `--faults: there is no fault "${unknown}"${suggestion(unknown, presetNames)}`,
      hint: `write one or more of ${presetNames.join(", ")}`
    })
  }
  if (conversations < 0) {
    return yield* new UsageError({ message: "--conversations: less than none", hint: "write 0 or more" })
  }
  const hints = yield* readHints(input)
  const ports = input.port === null ? {} : yield* portsFrom(input.port)
  const simulator = makeSimulator({
    seed,
    conversations,
    now: yield* Clock.currentTimeMillis,
    faults: wanted.flatMap(preset),
    dialogues: environment.PARLEY_DIALOGUES
  })
  return yield* Effect.gen(function* () {
    const served = yield* Effect.mapError(serve(simulator, { ports }), toUsage)
    const config = configuration(simulator, served.origins, "../parley.db", hints !== null)
    if (hints !== null) yield* posting(simulator, hints)
    const folder = input.write
    if (folder !== null) yield* write(resolve(cwd, folder), config)
    if (wanted.includes("merge")) yield* merging(simulator)
    const place = folder === null ? null : relative(cwd, resolve(cwd, folder, "config/parley.yaml"))
    if (json) yield* output.document({ configuration: place, ...config, control: served.control })
    else if (place === null) yield* output.result(shown(config))
    else {
      const flag = place === "config/parley.yaml" ? "" : ` --config ${place}`
      yield* output.result(
        `The providers are running. ${place} leads to them: \`parley sync${flag}\` in another shell.`
      )
    }
    yield* output.note(
      `what the providers hold: ${served.control}/state/${vendorIds[0]} (or another); what they were asked: ${served.control}/log\nstop with Ctrl-C`
    )
    return yield* Effect.never
  }).pipe(Effect.scoped)
})
