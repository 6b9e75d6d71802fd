import { Effect, Layer } from "effect"
import { demo } from "../../src/cli/commands/demo/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { registry } from "../../src/providers/index.ts"
import { temporaryFile } from "../store/fixtures.ts"
import { runCommand } from "../support/cli.ts"

/** The mirror that `parley demo` leaves: four providers, synced twice, with one change confirmed. Gone with the scope. */
export const demoMirror = Effect.tap(temporaryFile, (path) =>
  Effect.gen(function* () {
    const { code, stderr } = yield* runCommand([demo], ["demo", "--db", path, "--quiet", "--json"])
    if (code !== 0) return yield* Effect.die(new Error(`the demo ended with ${code}: ${stderr}`))
  }).pipe(Effect.provide(Layer.succeed(Providers, Effect.succeed(registry))))
)
