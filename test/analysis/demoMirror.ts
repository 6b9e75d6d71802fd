import { Clock, Effect } from "effect"
import { demo } from "../../src/cli/commands/demo/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { registry } from "../../src/providers/index.ts"
import { temporaryFile } from "../store/fixtures.ts"
import { runCommand } from "../support/cli.ts"

/** When the demo of docs/querying.md ran: its conversations end with the present. */
const moment = Date.UTC(2026, 2, 9, 8, 1)

/** The machine's clock, set to that moment. */
const documentedClock = Effect.sync((): Clock.Clock => {
  const real = Clock.make()
  const shift = moment - real.unsafeCurrentTimeMillis()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => real.unsafeCurrentTimeMillis() + shift,
    unsafeCurrentTimeNanos: () => real.unsafeCurrentTimeNanos() + BigInt(shift) * 1_000_000n,
    currentTimeMillis: Effect.map(real.currentTimeMillis, (millis) => millis + shift),
    currentTimeNanos: Effect.map(real.currentTimeNanos, (nanos) => nanos + BigInt(shift) * 1_000_000n),
    sleep: (duration) => real.sleep(duration)
  }
})

/** The mirror that `parley demo` leaves: four providers, synced twice, with one change confirmed. Gone with the scope. */
export const demoMirror = Effect.tap(temporaryFile, (path) =>
  Effect.gen(function* () {
    const { code, stderr } = yield* runCommand([demo], ["demo", "--db", path, "--quiet", "--json"])
    if (code !== 0) return yield* Effect.die(new Error(`the demo ended with ${code}: ${stderr}`))
  }).pipe(Effect.provide(Providers.layer(Effect.succeed(registry))), (run) =>
    Effect.flatMap(documentedClock, (clock) => Effect.withClock(run, clock))
  )
)
