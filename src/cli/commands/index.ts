import type { Verb } from "../command.ts"
import { backfill } from "./backfill/index.ts"
import { backup } from "./backup/index.ts"
import { changes } from "./changes/index.ts"
import { check } from "./check/index.ts"
import { completions } from "./completions/index.ts"
import { demo } from "./demo/index.ts"
import { doctor } from "./doctor/index.ts"
import { exporting } from "./export/index.ts"
import { forget } from "./forget/index.ts"
import { init } from "./init/index.ts"
import { keep } from "./keep/index.ts"
import { limits } from "./limits/index.ts"
import { publish } from "./publish/index.ts"
import { push } from "./push/index.ts"
import { quarantine } from "./quarantine/index.ts"
import { query } from "./query/index.ts"
import { rebuild } from "./rebuild/index.ts"
import { report } from "./report/index.ts"
import { runs } from "./runs/index.ts"
import { search } from "./search/index.ts"
import { serve } from "./serve/index.ts"
import { setStatus } from "./setStatus/index.ts"
import { show } from "./show/index.ts"
import { simulate } from "./simulate/index.ts"
import { status } from "./status/index.ts"
import { sync } from "./sync/index.ts"
import { tap } from "./tap/index.ts"
import { verify } from "./verify/index.ts"
import { waiting } from "./waiting/index.ts"
import { watch } from "./watch/index.ts"
import { why } from "./why/index.ts"

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
  show,
  search,
  waiting,
  setStatus,
  push,
  changes,
  status,
  doctor,
  limits,
  runs,
  why,
  quarantine,
  verify,
  rebuild,
  forget,
  keep,
  query,
  exporting,
  publish,
  backup,
  tap,
  report,
  serve,
  completions
]
