import { copyFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Exit, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { advance, type Simulator, type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { Db, type Session } from "../../src/store/Db.ts"
import { Leases } from "../../src/store/ledger/Leases.ts"
import { Ledger } from "../../src/store/ledger/Ledger.ts"
import { Mirror } from "../../src/store/mirror/Mirror.ts"
import { silent } from "../../src/sync/progress.ts"
import { contentQueries, faultQueries } from "../support/content.ts"
import { makeWorld, pullRun, temporaryFolder, type World } from "../support/inProcess.ts"
import { simulatedTransport } from "../support/simulatedTransport.ts"
import { unlimited } from "../support/unlimited.ts"

/*
 * A sync that dies right before, and right after, every single one of its commits: the file stays as it is, and the next
 * sync makes of it what an uninterrupted one would have made.
 */

/** Where the process dies: at which of its commits, counted from 1. */
interface Death {
  readonly commit: number
  readonly when: "before" | "after"
}

const died = new Error("the process died here")

/** The mirror's file, for a process that dies at a commit and does nothing to the file from then on. */
const mortal = (path: string, death: Death | null, count: { commits: number }) =>
  Layer.effect(
    Db,
    Effect.map(Db, (db) => {
      let isDead = false
      const use = <A>(op: string, f: (session: Session) => A) => (isDead ? Effect.die(died) : db.use(op, f))
      const transaction = <A>(op: string, f: (session: Session) => A) =>
        Effect.suspend(() => {
          if (isDead) return Effect.die(died)
          count.commits += 1
          const isLast = death?.commit === count.commits
          if (isLast) isDead = true
          const work = db.transaction(op, (session) => {
            const result = f(session)
            if (isLast && death.when === "before") throw died
            return result
          })
          return isLast && death.when === "after" ? Effect.zipRight(work, Effect.die(died)) : work
        })
      return Db.make({ ...db, use, transaction })
    })
  ).pipe(Layer.provide(Db.layer(path)))

const syncOnce = (world: World, vendor: VendorId, path: string, death: Death | null) =>
  Effect.gen(function* () {
    const count = { commits: 0 }
    const store = Layer.mergeAll(Mirror.Default, Ledger.Default, Leases.Default).pipe(
      Layer.provideMerge(mortal(path, death, count))
    )
    const http = simulatedTransport(world.simulator)
    const exit = yield* Effect.exit(
      pullRun([world.connection(vendor)]).pipe(Effect.provide([store, http, silent, unlimited]))
    )
    return { exit, commits: count.commits }
  })

const onFile = <A>(path: string, f: (database: Sqlite.Database) => A): A => {
  const database = new Sqlite(path)
  try {
    return f(database)
  } finally {
    database.close()
  }
}

const contentOf = (path: string) =>
  onFile(path, (database) =>
    Object.fromEntries(
      Object.entries(contentQueries).map(([name, sql]) => [name, JSON.stringify(database.prepare(sql).all())])
    )
  )

const faultsOf = (path: string) =>
  onFile(path, (database) => faultQueries.flatMap((sql) => database.prepare(sql).all()))

/** The process that held it is not this one: this one only plays several. */
const orphanLeases = (path: string) =>
  onFile(path, (database) => database.prepare("UPDATE leases SET pid = 4194303, owner = '1#gone'").run())

const removeTwo = (simulator: Simulator, vendor: VendorId) =>
  advance(simulator, vendor, { at: Date.UTC(2026, 2, 9, 9), share: 0.3, removed: 2 })

const dieEverywhere = (vendor: VendorId, isFirst: boolean) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const world = yield* makeWorld({
      conversations: { [vendor]: 30 },
      faults: [{ effect: { kind: "mutilate", share: 0.02 } }]
    })
    const base = join(folder, "base.db")
    if (!isFirst) {
      yield* syncOnce(world, vendor, base, null)
      onFile(base, (database) => database.pragma("wal_checkpoint(TRUNCATE)"))
      removeTwo(world.simulator, vendor)
    }
    const fileOf = (name: string) => {
      const path = join(folder, `${name}.db`)
      if (!isFirst) copyFileSync(base, path)
      return path
    }
    const whole = fileOf("whole")
    const { commits, exit } = yield* syncOnce(world, vendor, whole, null)
    expect(Exit.isSuccess(exit)).toBe(true)
    const expected = contentOf(whole)
    let deaths = 0
    for (let commit = 1; commit <= commits; commit += 1) {
      for (const when of ["before", "after"] as const) {
        // Nothing here waits for anything, so that the test runner would not hear of us.
        yield* Effect.promise(() => new Promise((done) => setTimeout(done, 0)))
        const path = fileOf(`${commit}-${when}`)
        const cut = yield* syncOnce(world, vendor, path, { commit, when })
        // How pages fall into commits depends on the moment; there may be fewer of them this time.
        if (Exit.isSuccess(cut.exit)) continue
        deaths += 1
        expect({ vendor, commit, when, faults: faultsOf(path) }).toEqual({ vendor, commit, when, faults: [] })
        orphanLeases(path)
        const rest = yield* syncOnce(world, vendor, path, null)
        expect(Exit.isSuccess(rest.exit)).toBe(true)
        expect({ vendor, commit, when, content: contentOf(path) }).toEqual({
          vendor,
          commit,
          when,
          content: expected
        })
        expect(faultsOf(path)).toEqual([])
      }
    }
    return { commits, deaths }
  }).pipe(Effect.scoped)

describe("a sync that dies at a commit", () => {
  for (const vendor of vendorIds) {
    it(`is completed by the next one: ${vendor}, the first sync`, async () => {
      const { commits, deaths } = await Effect.runPromise(dieEverywhere(vendor, true))
      expect(commits).toBeGreaterThan(7)
      expect(deaths).toBeGreaterThanOrEqual(2 * commits - 8)
    }, 600_000)

    it(`is completed by the next one: ${vendor}, a later sync with changes and deletions`, async () => {
      const { commits, deaths } = await Effect.runPromise(dieEverywhere(vendor, false))
      expect(commits).toBeGreaterThan(7)
      expect(deaths).toBeGreaterThanOrEqual(2 * commits - 8)
    }, 600_000)
  }
})
