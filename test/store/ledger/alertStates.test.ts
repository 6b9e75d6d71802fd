import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import {
  type AlertTarget,
  recordStanding,
  type Standing,
  settleDue,
  takeDue
} from "../../../src/store/ledger/alertStates.ts"
import { at, freshStore, started } from "../fixtures.ts"

const fine: Standing = { failed: false, stale: false, conflict: false, quarantine: false, brake: false }
const everyone: ReadonlyArray<AlertTarget> = [{ key: "chat", wants: () => true }]

/** What is due so many seconds after the failure, and claimed with that. */
const due = (seconds: number) =>
  Effect.flatMap(Db, (db) => db.transaction("due", (session) => takeDue(session, everyone, at(seconds))))

const stand = (standing: Standing, seconds: number) =>
  Effect.flatMap(Db, (db) =>
    db.transaction("stand", (session) => recordStanding(session, new Map([["leads", standing]]), at(seconds)))
  )

it.scoped("leaves a message of a run that died while it sent it to a later one, and tells it once", () =>
  Effect.gen(function* () {
    const db = yield* Db
    yield* started
    yield* stand({ ...fine, failed: true }, 0)
    expect(yield* due(0)).toHaveLength(1)
    // Another run meanwhile; then one after the first has died.
    expect(yield* due(60)).toEqual([])
    const [again] = yield* due(180)
    expect(again).toMatchObject({ connection: "leads", state: "failed", phase: "began", target: "chat" })
    if (again === undefined) return
    yield* db.transaction("settle", (session) => settleDue(session, again, false))
    const [returned] = yield* due(181)
    if (returned === undefined) throw new Error("what did not arrive is due again")
    yield* db.transaction("settle", (session) => settleDue(session, returned, true))
    expect(yield* due(3_600)).toEqual([])
    yield* stand(fine, 3_600)
    expect(yield* due(3_600)).toMatchObject([{ phase: "ended" }])
    expect(yield* due(3_601)).toEqual([])
  }).pipe(Effect.provide(freshStore))
)
