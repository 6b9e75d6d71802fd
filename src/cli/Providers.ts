import { Context, type Effect } from "effect"
import type { Registry } from "../config/Config.ts"

/** The providers that a configuration can name: read from disk by the verbs that need one. */
export class Providers extends Context.Tag("parley/Providers")<Providers, Effect.Effect<Registry>>() {}
