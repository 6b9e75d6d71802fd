import { Context, Effect, Layer, Record } from "effect"
import type { Registry } from "../config/Config.ts"
import { Vendors } from "../store/Vendors.ts"

/** The providers that a configuration can name: read from disk by the verbs that need one. */
export class Providers extends Context.Tag("parley/Providers")<Providers, Effect.Effect<Registry>>() {
  /** The providers for configurations, and what the dictionary of a mirror says of them. */
  static readonly layer = (registry: Effect.Effect<Registry>) =>
    Layer.merge(
      Layer.succeed(Providers, registry),
      Layer.succeed(
        Vendors,
        Effect.map(
          registry,
          Record.map(({ columns }) => columns)
        )
      )
    )
}
