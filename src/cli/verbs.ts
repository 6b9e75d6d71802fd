import { backfill } from "./backfill.ts"
import { changes } from "./changes.ts"
import { check } from "./check.ts"
import { demo } from "./demo.ts"
import { exporting } from "./export.ts"
import { init } from "./init.ts"
import { push } from "./push.ts"
import { quarantine } from "./quarantine.ts"
import { query } from "./query.ts"
import { rebuild } from "./rebuild.ts"
import { report } from "./report.ts"
import { runs } from "./runs.ts"
import { setStatus } from "./setStatus.ts"
import { simulate } from "./simulate.ts"
import { status } from "./status.ts"
import { sync } from "./sync.ts"
import type { Verb } from "./verb.ts"
import { verify } from "./verify.ts"
import { why } from "./why.ts"

/** What verbs may use: this process, its output, and the providers there are. */
type Surroundings = typeof sync extends Verb<infer R> ? R : never

/** Every verb there is, in the order in which help lists them: a new one is one line here. */
export const verbs: ReadonlyArray<Verb<Surroundings>> = [
  demo,
  simulate,
  init,
  check,
  sync,
  backfill,
  setStatus,
  push,
  changes,
  status,
  runs,
  why,
  quarantine,
  verify,
  rebuild,
  query,
  exporting,
  report
]
