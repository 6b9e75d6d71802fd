import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { verbs } from "../../src/cli/commands/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { registry } from "../../src/providers/index.ts"
import type { Simulator, SimulatorOptions, VendorId } from "../../src/simulator/index.ts"
import { runCommand, type Surroundings } from "./cli.ts"
import { inProcess, makeWorld, pullRun, temporaryFolder, type World } from "./inProcess.ts"

/** A mirror that was synced with simulated vendors, and the layer that everything on it needs. */
export const syncedWorld = (
  vendors: ReadonlyArray<VendorId>,
  options: Partial<SimulatorOptions> = {}
): Effect.Effect<
  {
    readonly world: World
    readonly simulator: Simulator
    readonly connections: ReadonlyArray<ReturnType<World["connection"]>>
    readonly database: string
    readonly layer: ReturnType<typeof inProcess>
  },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ conversations: 8, ...options })
    const database = join(yield* temporaryFolder, "mirror.db")
    const layer = inProcess(database, world.simulator)
    const connections = vendors.map((vendor) => world.connection(vendor))
    yield* Effect.provide(pullRun(connections), layer)
    return { world, simulator: world.simulator, connections, database, layer }
  }).pipe(Effect.orDie)

/** What the command line writes, of a verb that sends nothing. */
export const parleyOn =
  ({ database, world }: { readonly world: World; readonly database: string }) =>
  (argv: ReadonlyArray<string>, surroundings: Surroundings = {}) =>
    runCommand(verbs, [...argv, "--config", world.file.path, "--db", database], {
      environment: world.file.environment,
      ...surroundings
    }).pipe(Effect.provide(Providers.layer(Effect.succeed(registry))))
