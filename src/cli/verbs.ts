import { demo } from "./demo.ts"
import { init } from "./init.ts"
import { query } from "./query.ts"
import { simulate } from "./simulate.ts"
import { sync } from "./sync.ts"
import type { Verb } from "./verb.ts"

/** What verbs may use: this process, its output, and the providers there are. */
type Surroundings = typeof sync extends Verb<infer R> ? R : never

/** Every verb there is, in the order in which help lists them: a new one is one line here. */
export const verbs: ReadonlyArray<Verb<Surroundings>> = [demo, simulate, init, sync, query]
