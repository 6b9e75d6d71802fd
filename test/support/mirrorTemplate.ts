import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Layer } from "effect"
import { Db } from "../../src/store/Db.ts"

/** An empty mirror, made by the program itself, once for each thread of tests. */
const made = Effect.runSync(
  Effect.cached(
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-template-"))),
      (folder) => {
        const path = join(folder, "mirror.db")
        return Effect.as(Effect.scoped(Layer.build(Db.layer(path))), path).pipe(
          Effect.map((file) => readFileSync(file))
        )
      },
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
  )
)

/** Lays an empty mirror with an identity of its own where there is no file yet: all migrations take 20 times as long. */
export const layMirror = (path: string) =>
  Effect.gen(function* () {
    if (existsSync(path)) return
    writeFileSync(path, yield* made, { mode: 0o600 })
    const database = new Sqlite(path)
    database.exec("UPDATE mirror_identity SET id = lower(hex(randomblob(16)))")
    database.close()
  })
