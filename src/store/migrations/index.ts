import type Sqlite from "better-sqlite3"
import { mirror } from "./0001_mirror.ts"
import { outbox } from "./0002_outbox.ts"
import { analysis } from "./0003_analysis.ts"
import { covered } from "./0004_covered.ts"
import { quarantine } from "./0005_quarantine.ts"
import { search } from "./0006_search.ts"
import { counts } from "./0007_counts.ts"
import { accounts } from "./0008_accounts.ts"
import { acknowledged } from "./0009_acknowledged.ts"
import { push } from "./0010_push.ts"
import { order } from "./0011_order.ts"
import { endings } from "./0012_endings.ts"
import { feed } from "./0013_feed.ts"
import { numbers } from "./0014_numbers.ts"
import { words } from "./0015_words.ts"
import { people } from "./0016_people.ts"
import { operations } from "./0017_operations.ts"
import { packed } from "./0018_packed.ts"
import { reach } from "./0019_reach.ts"
import { hints } from "./0020_hints.ts"
import { common } from "./0021_common.ts"
import { copies } from "./0022_copies.ts"
import { forgetting } from "./0023_forgetting.ts"
import { declared } from "./0024_declared.ts"
import { privacy } from "./0025_privacy.ts"
import { lean } from "./0026_lean.ts"
import { shown } from "./0027_shown.ts"
import { writings } from "./0028_writings.ts"

/** One step of the schema. A step that has been released never changes; what comes later is a new step. */
export interface Migration {
  /** The schema's version once the step is done: 1, 2, 3, … without a gap. */
  readonly version: number
  readonly name: string
  /** Statements, or what moves rows in a way that statements cannot; it reports how much is done, from 0 to 1. */
  readonly sql: string | ((database: Sqlite.Database, report: (share: number) => void) => void)
}

export const migrations: ReadonlyArray<Migration> = [
  { version: 1, name: "mirror", sql: mirror },
  { version: 2, name: "outbox", sql: outbox },
  { version: 3, name: "analysis", sql: analysis },
  { version: 4, name: "covered", sql: covered },
  { version: 5, name: "quarantine", sql: quarantine },
  { version: 6, name: "search", sql: search },
  { version: 7, name: "counts", sql: counts },
  { version: 8, name: "accounts", sql: accounts },
  { version: 9, name: "acknowledged", sql: acknowledged },
  { version: 10, name: "push", sql: push },
  { version: 11, name: "order", sql: order },
  { version: 12, name: "endings", sql: endings },
  { version: 13, name: "feed", sql: feed },
  { version: 14, name: "numbers", sql: numbers },
  { version: 15, name: "words", sql: words },
  { version: 16, name: "people", sql: people },
  { version: 17, name: "operations", sql: operations },
  { version: 18, name: "packed", sql: packed },
  { version: 19, name: "reach", sql: reach },
  { version: 20, name: "hints", sql: hints },
  { version: 21, name: "common", sql: common },
  { version: 22, name: "copies", sql: copies },
  { version: 23, name: "forgetting", sql: forgetting },
  { version: 24, name: "declared", sql: declared },
  { version: 25, name: "privacy", sql: privacy },
  { version: 26, name: "lean", sql: lean },
  { version: 27, name: "shown", sql: shown },
  { version: 28, name: "writings", sql: writings }
]
