import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope, TestClock } from "effect"
import type { Lane } from "../../../src/http/contract.ts"
import { Db } from "../../../src/store/Db.ts"
import { type Busy, Leases } from "../../../src/store/ledger/Leases.ts"
import { childScript } from "../childScript.ts"
import { at, atMillis, freshStore, rows, storeLayer, temporaryFolder, values } from "../fixtures.ts"

const refused = (connection: string, lane: Lane) =>
  Effect.flatMap(Leases, (leases) => Effect.flip(leases.acquire(connection, lane))).pipe(
    Effect.filterOrDie(
      (error): error is Busy => error._tag === "Busy",
      (error) => error
    )
  )

const expiry = Effect.map(values("SELECT expires_at FROM leases"), ([expires]) => expires)

it.scoped("lets one run in for each connection and lane, and tells the other who is there", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const leases = yield* Leases
    const first = yield* Scope.make()
    yield* Scope.extend(leases.acquire("leads", "sync"), first)
    const busy = yield* refused("leads", "sync")
    expect(busy).toMatchObject({
      _tag: "Busy",
      connection: "leads",
      lane: "sync",
      pid: process.pid,
      since: at(0)
    })
    expect(busy.message).toContain(`process ${process.pid}`)
    yield* leases.acquire("leads", "push")
    yield* leases.acquire("support", "sync")
    yield* Scope.close(first, Exit.void)
    yield* leases.acquire("leads", "sync")
  }).pipe(Effect.scoped, Effect.provide(freshStore))
)

it.scoped("renews a lease for as long as its scope is open", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const leases = yield* Leases
    const scope = yield* Scope.make()
    yield* Scope.extend(leases.acquire("leads", "sync"), scope)
    expect(yield* expiry).toBe(at(60))
    yield* TestClock.adjust("9 seconds")
    expect(yield* expiry).toBe(at(60))
    yield* TestClock.adjust("1 second")
    expect(yield* expiry).toBe(at(70))
    yield* TestClock.adjust("10 minutes")
    expect(yield* expiry).toBe(at(670))
    expect((yield* refused("leads", "sync")).since).toBe(at(0))
    yield* Scope.close(scope, Exit.void)
    expect(yield* values("SELECT count(*) FROM leases")).toEqual([0])
  }).pipe(Effect.scoped, Effect.provide(freshStore))
)

it.scoped("takes over a lease of another machine once it has not been renewed for a minute", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const leases = yield* Leases
    yield* rows(
      "INSERT INTO leases (connection, lane, owner, host, pid, acquired_at, expires_at) VALUES ('leads', 'sync', '#x', 'another-host', 1, ?, ?) RETURNING 1",
      at(0),
      at(60)
    )
    yield* TestClock.setTime(atMillis(59))
    expect((yield* refused("leads", "sync")).host).toBe("another-host")
    yield* TestClock.setTime(atMillis(60))
    yield* leases.acquire("leads", "sync")
  }).pipe(Effect.scoped, Effect.provide(freshStore))
)

it.scoped("tells a run that slept too long that another one has its lease, and leaves that one alone", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const leases = yield* Leases
    const scope = yield* Scope.make()
    const lease = yield* Scope.extend(leases.acquire("leads", "sync"), scope)
    yield* rows(
      "UPDATE leases SET owner = '#other', host = 'another-host', pid = 7, expires_at = ? RETURNING 1",
      at(600)
    )
    yield* TestClock.adjust("10 seconds")
    expect(yield* Effect.flip(lease.lost)).toMatchObject({ _tag: "Busy", host: "another-host", pid: 7 })
    yield* Scope.close(scope, Exit.void)
    expect(yield* rows("SELECT owner, expires_at FROM leases")).toEqual([
      { owner: "#other", expires_at: at(600) }
    ])
  }).pipe(Effect.scoped, Effect.provide(freshStore))
)

it.scopedLive("takes over at once from a process that was killed", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const path = join(folder, "mirror.db")
    const script = yield* childScript(
      folder,
      `import { Effect, Layer } from "effect"
       import { Db } from "./src/store/Db.ts"
       import { Leases } from "./src/store/ledger/Leases.ts"
       const hold = Effect.gen(function* () {
         yield* (yield* Leases).acquire("leads", "sync")
         process.stdout.write("held")
         yield* Effect.never
       })
       const store = Layer.provide(Leases.Default, Db.layer(process.argv[2]))
       Effect.runPromise(hold.pipe(Effect.scoped, Effect.provide(store)))`
    )
    const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] })
    yield* Effect.promise(() => once(child.stdout, "data"))
    yield* Effect.gen(function* () {
      const leases = yield* Leases
      expect((yield* refused("leads", "sync")).pid).toBe(child.pid)
      child.kill("SIGKILL")
      yield* Effect.promise(() => once(child, "exit"))
      yield* leases.acquire("leads", "sync")
      expect(yield* values("SELECT pid FROM leases")).toEqual([process.pid])
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(storeLayer(path))))
  })
)

/** While it holds, the file takes nothing of this kind. */
const refusing = (what: string) =>
  Effect.acquireRelease(
    Effect.flatMap(Db, (db) =>
      db.use("test", ({ database }) =>
        database.exec(`CREATE TEMP TRIGGER refusing BEFORE ${what} BEGIN SELECT raise(ABORT, 'no'); END`)
      )
    ),
    () =>
      Effect.flatMap(Db, (db) =>
        db.use("test", ({ database }) => database.exec("DROP TRIGGER refusing"))
      ).pipe(Effect.orDie)
  )

it.scoped("takes again at once what an earlier run of this process could not give back", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const leases = yield* Leases
    yield* Effect.scoped(
      Effect.zipRight(refusing("DELETE ON leases"), Effect.scoped(leases.acquire("leads", "sync")))
    )
    expect(yield* expiry).toBe(at(60))
    yield* TestClock.setTime(atMillis(5))
    yield* leases.acquire("leads", "sync")
    expect(yield* expiry).toBe(at(65))
    expect((yield* refused("leads", "sync")).pid).toBe(process.pid)
  }).pipe(Effect.scoped, Effect.provide(freshStore))
)

it.scoped("takes a lease again that another run took and gave back while this one slept", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const leases = yield* Leases
    yield* leases.acquire("leads", "sync")
    yield* values("DELETE FROM leases RETURNING 1")
    yield* TestClock.adjust("10 seconds")
    expect(yield* expiry).toBe(at(70))
  }).pipe(Effect.scoped, Effect.provide(freshStore))
)
