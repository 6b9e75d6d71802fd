import type { Verb } from "./verb.ts"
import { backfill } from "./verbs/backfill.ts"
import { changes } from "./verbs/changes.ts"
import { check } from "./verbs/check.ts"
import { demo } from "./verbs/demo.ts"
import { exporting } from "./verbs/export.ts"
import { init } from "./verbs/init.ts"
import { push } from "./verbs/push.ts"
import { quarantine } from "./verbs/quarantine.ts"
import { query } from "./verbs/query.ts"
import { rebuild } from "./verbs/rebuild.ts"
import { report } from "./verbs/report.ts"
import { runs } from "./verbs/runs.ts"
import { setStatus } from "./verbs/setStatus.ts"
import { simulate } from "./verbs/simulate.ts"
import { status } from "./verbs/status.ts"
import { sync } from "./verbs/sync.ts"
import { verify } from "./verbs/verify.ts"
import { watch } from "./verbs/watch.ts"
import { why } from "./verbs/why.ts"

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
  watch,
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
