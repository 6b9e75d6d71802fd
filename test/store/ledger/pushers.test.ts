import { copyFileSync, existsSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Claim, claimPush, lastPushedElsewhere } from "../../../src/store/ledger/pushers.ts"
import { temporaryFolder } from "../fixtures.ts"

/** A folder with the mirror `a` and its copy `b`, which meet there. */
const setUp = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const at = (name: string) => join(folder, name)
  writeFileSync(at("a"), "a mirror")
  copyFileSync(at("a"), at("b"))
  const push = <A, E>(
    name: string,
    during: (claim: Claim) => Effect.Effect<A, E>,
    { has = true, last = "1@now", connection = "leads", meeting = at("quota.db") } = {}
  ) =>
    Effect.scoped(
      Effect.flatMap(
        claimPush(
          { meeting, mirror: "m", connection, file: at(name) },
          { has: () => Effect.succeed(has), last: Effect.succeed(last) }
        ),
        during
      )
    )
  const alone = { _tag: "Claimed", elsewhere: null }
  const noticed = { _tag: "Claimed", elsewhere: expect.stringMatching(/^\d{4}-.*Z$/) }
  return { at, push, alone, noticed }
})

const itself = (claim: Claim) => Effect.succeed(claim)

it.scopedLive("lets one file push as often as it likes", () =>
  Effect.gen(function* () {
    const { push, alone } = yield* setUp
    for (let times = 0; times < 3; times += 1) expect(yield* push("a", itself)).toEqual(alone)
  })
)

it.scopedLive("keeps a copy from pushing at the same time, but not at another connection", () =>
  Effect.gen(function* () {
    const { push, alone } = yield* setUp
    const during = yield* push("a", () => push("b", itself))
    expect(during).toEqual({ _tag: "CopyIsPushing" })
    expect(yield* push("a", () => push("b", itself, { connection: "salon" }))).toEqual(alone)
  })
)

it.scopedLive("notices whichever copy did not push last, each time", () =>
  Effect.gen(function* () {
    const { push, noticed, alone } = yield* setUp
    yield* push("a", itself)
    expect(yield* push("b", itself)).toEqual(noticed)
    expect(yield* push("b", itself)).toEqual(alone)
    expect(yield* push("a", itself)).toEqual(noticed)
  })
)

it.scopedLive("notices an older state that was put back in the same file", () =>
  Effect.gen(function* () {
    const { push, noticed } = yield* setUp
    yield* push("a", itself)
    expect(yield* push("a", itself, { has: false })).toEqual(noticed)
  })
)

it.scopedLive("takes a file that was moved for itself where the place stays the same", () =>
  Effect.gen(function* () {
    const { at, push, alone } = yield* setUp
    yield* push("a", itself)
    renameSync(at("a"), at("c"))
    expect(yield* push("c", itself)).toEqual(alone)
  })
)

it.scopedLive("lets a push go on where the copies cannot meet", () =>
  Effect.gen(function* () {
    const { at, push, alone } = yield* setUp
    expect(yield* push("a", itself, { meeting: at("a") })).toEqual(alone)
    expect(yield* push("nowhere", itself)).toEqual(alone)
  })
)

it.scopedLive("tells a plan of the copy that pushed last, and leaves no trace", () =>
  Effect.gen(function* () {
    const { at, push, alone } = yield* setUp
    const seen = (name: string, has = true) =>
      lastPushedElsewhere(
        { meeting: at("quota.db"), mirror: "m", connection: "leads", file: at(name) },
        { has: () => Effect.succeed(has) }
      )
    expect(yield* seen("a")).toBeNull()
    expect(existsSync(at("quota.db"))).toBe(false)
    yield* push("a", itself)
    expect(yield* seen("a")).toBeNull()
    expect(yield* seen("a", false)).toMatch(/Z$/)
    expect(yield* seen("b")).toMatch(/Z$/)
    expect(yield* push("a", itself)).toEqual(alone)
  })
)

it.scopedLive("does not meet in a file that others could have laid", () =>
  Effect.gen(function* () {
    const { at, push, alone } = yield* setUp
    symlinkSync(at("elsewhere.db"), at("quota.db-wal"))
    yield* push("a", itself)
    expect(yield* push("b", itself)).toEqual(alone)
    expect(existsSync(at("quota.db"))).toBe(false)
  })
)
