import { hash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { verbs } from "../../../src/cli/commands/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { Db, type Session } from "../../../src/store/Db.ts"
import { type Line, mirrorFile, talk } from "../../analysis/smallMirror.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"

const lines: ReadonlyArray<Line> = [
  ["customer", 1, "Have you got a room?"],
  ["agent", 2, "二人部屋はありますか"]
]

const fill = (session: Session): void => {
  for (const id of ["a", "b", "c"]) talk(session, { id, lines })
}

/** A mirror of three conversations in a folder of its own, and the command line, which runs there. */
export const setUp = Effect.gen(function* () {
  const mirror = yield* mirrorFile(fill)
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-copies-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  /** Runs a verb on the mirror, or on what follows `--db`. */
  const parley = (...argv: ReadonlyArray<string>) =>
    Effect.provideService(
      runCommand(verbs, argv.includes("--db") ? argv : [...argv, "--db", mirror], { cwd: folder }),
      Providers,
      Effect.succeed(fakeRegistry)
    )
  /** Changes the mirror as a sync would: a row, and a commit. */
  const edit = (sql: string) =>
    Effect.provide(
      Effect.flatMap(Db, (db) => db.transaction("test", ({ database }) => database.exec(sql))),
      Db.layer(mirror)
    )
  return { mirror, folder, at: (name: string) => join(folder, name), parley, edit }
})

/** Works on a file as another program would that is not Parley's. */
export const withSqlite = <A>(path: string, f: (database: Sqlite.Database) => A): A => {
  const database = new Sqlite(path)
  try {
    return f(database)
  } finally {
    database.close()
  }
}

/** Stands for all bytes of a file. */
export const bytesOf = (path: string): string => hash("sha256", readFileSync(path), "hex")
