import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { vendorIds } from "../../../src/simulator/index.ts"
import { Db } from "../../../src/store/Db.ts"
import {
  accountListener,
  knownAccount,
  noAccount,
  whoseAccount
} from "../../../src/sync/account/whoseAccount.ts"
import { openConnection } from "../../../src/sync/connection.ts"
import { inProcess, makeWorld, pullRun, temporaryFolder, type World } from "../../support/inProcess.ts"

const asked = (world: World, database: string, vendor: (typeof vendorIds)[number], hasMirror: boolean) =>
  Effect.gen(function* () {
    const config = world.connection(vendor)
    const listener = accountListener()
    const open = openConnection(config, "sync", { maxWaitMillis: 1000, observe: () => {} }, listener.listen)
    const { provider } = yield* open
    const findings = yield* provider.check({ messages: true })
    expect(findings.every(({ ok }) => ok)).toBe(true)
    const known = hasMirror ? yield* knownAccount(yield* Db, config.name) : noAccount
    return yield* whoseAccount(config, provider, known, listener)
  }).pipe(Effect.scoped, Effect.provide(inProcess(database, world.simulator)))

it.scoped("is told by a check, beside whether the mirror is bound to it, and costs a few reads at most", () =>
  Effect.gen(function* () {
    for (const vendor of vendorIds) {
      const ours = yield* makeWorld({ seed: 7, conversations: 5 })
      const theirs = yield* makeWorld({ seed: 8, conversations: 5 })
      const database = join(yield* temporaryFolder, "mirror.db")
      const before = yield* asked(ours, database, vendor, false)
      if (vendor === "aelyst") expect(before).toBeNull()
      else
        expect(before, vendor).toMatchObject({
          ok: true,
          detail: expect.stringContaining("holds nothing of it yet")
        })
      yield* Effect.provide(pullRun([ours.connection(vendor)]), inProcess(database, ours.simulator))
      yield* TestClock.adjust("1 second")
      expect(yield* asked(ours, database, vendor, true), vendor).toMatchObject({ ok: true, what: "account" })
      const other = yield* asked(theirs, database, vendor, true)
      expect(other, vendor).toMatchObject({
        ok: false,
        detail: expect.stringContaining("parley sync --rebind")
      })
    }
  })
)
