import { expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Layer, Runtime, TestClock } from "effect"
import { now } from "../../../src/domain/Timestamp.ts"
import type { Db } from "../../../src/store/Db.ts"
import { Leases } from "../../../src/store/ledger/Leases.ts"
import { Ledger } from "../../../src/store/ledger/Ledger.ts"
import { Mirror, SeenSet } from "../../../src/store/mirror/Mirror.ts"
import {
  at,
  atMillis,
  contact,
  freshStore,
  leads,
  messagesOf,
  page,
  rows,
  sighting,
  started,
  storeLayer,
  temporaryFile,
  values
} from "../fixtures.ts"

/** The last instant of a vendor's life, in seconds. */
const horizon = 40

/** What a vendor holds from some second on. Its own time of it is whatever a clock, a backup or a time zone makes of it. */
interface Version {
  readonly from: number
  readonly updated: number | null
  readonly texts: number
}

/** One request: sent, seen by the vendor and answered, in seconds; stored so much later, by a clock that is off. */
interface Read {
  readonly requested: number
  readonly seen: number
  readonly answered: number
  readonly stored: number
  readonly process: 0 | 1
  readonly isOverwriting: boolean
  readonly clockOff: number
}

const second = fc.integer({ min: 1, max: horizon })

const versions: fc.Arbitrary<ReadonlyArray<Version>> = fc
  .uniqueArray(second, { minLength: 1, maxLength: 8 })
  .chain((starts) =>
    fc.tuple(
      ...[0, ...starts.toSorted((left, right) => left - right)].map((from) =>
        fc.record({
          from: fc.constant(from),
          // Right, equal to others, back, ahead by hours or for ever, in whole seconds or not, or not there.
          updated: fc.oneof(
            fc.constant(from),
            fc.constant(from + 0.4),
            fc.integer({ min: -10, max: horizon + 10 }),
            fc.constantFrom(null, 3, from - 21_600, from + 21_600, 2_300_000_000)
          ),
          texts: fc.integer({ min: 0, max: 3 })
        })
      )
    )
  )

const read: fc.Arbitrary<Read> = fc
  .record({
    requested: second,
    times: fc.tuple(fc.nat(12), fc.nat(12), fc.nat(20)),
    process: fc.constantFrom(0 as const, 1 as const),
    isOverwriting: fc.boolean(),
    clockOff: fc.constantFrom(0, 0, 0, 0, 7_200, 31_536_000, -3_600)
  })
  .map(({ requested, times: [wait, way, queue], ...rest }) => ({
    ...rest,
    requested,
    seen: requested + wait,
    answered: requested + wait + way,
    stored: requested + wait + way + queue
  }))

const versionAt = (held: ReadonlyArray<Version>, time: number): Version => {
  const version = held.findLast(({ from }) => from <= time)
  if (version === undefined) throw new Error(`nothing is held at ${time}`)
  return version
}

const updatedOf = ({ updated }: Version) => (updated === null ? null : now(atMillis(updated)))

const titleOf = ({ from }: Version): string => `since ${from}`

const sightingOf = (version: Version) =>
  sighting(
    {
      title: titleOf(version),
      updatedAt: updatedOf(version),
      status: version.from % 2 === 0 ? "active" : "completed",
      providerStatus: `${version.from}`
    },
    {
      messages: {
        extent: "whole",
        items: messagesOf(...Array.from({ length: version.texts }, () => `${version.from}`))
      },
      fingerprint: titleOf(version)
    }
  )

/** All that tells which version of the connection's only conversation is held. */
const contentOf = (connection: string) =>
  Effect.all([
    rows(
      "SELECT title, remote_status, provider_status, updated_at, stored_messages FROM conversations WHERE connection = ?",
      connection
    ),
    rows("SELECT content FROM messages WHERE conversation_id = ? ORDER BY position", `${connection}:c1`),
    values("SELECT fingerprint FROM remote_conversations WHERE connection = ?", connection)
  ])

/** Stores what a read showed, when and by whatever clock it is stored. */
const store = Effect.fn(function* (connection: string, version: Version, read: Read) {
  const { answered, clockOff, isOverwriting, requested, stored } = read
  const mirror = yield* Mirror
  yield* TestClock.setTime(atMillis(stored + clockOff))
  const asked = page(requested + clockOff, [sightingOf(version)])
  yield* mirror.commit({
    runId: 1,
    connection,
    lane: "sync",
    pages: [{ ...asked, exchange: { ...asked.exchange, receivedAt: atMillis(answered + clockOff) } }],
    scan: null,
    keepRaw: "newest",
    seen: null,
    overwrites: isOverwriting
  })
})

let connections = 0

/** Gives each trial a connection of its own, and two processes, each with a memory of its own, on one file. */
const inTrials = Effect.fn(function* <A>(
  trials: fc.Arbitrary<A>,
  numRuns: number,
  check: (
    trial: A,
    connection: string,
    processes: readonly [Layer.Layer<Mirror | Db>, Layer.Layer<Mirror | Db>]
  ) => Effect.Effect<void, unknown>
) {
  const path = yield* temporaryFile
  const [one, other] = [yield* Layer.build(storeLayer(path)), yield* Layer.build(storeLayer(path))]
  yield* Effect.provide(
    Effect.flatMap(Ledger, (ledger) => ledger.startRun("sync")),
    one
  )
  const runtime = yield* Effect.runtime<never>()
  const property = fc.asyncProperty(trials, (trial) => {
    connections += 1
    const connection = `leads-${connections}`
    const register = Effect.flatMap(Mirror, (mirror) => mirror.register({ ...leads, name: connection }))
    return Runtime.runPromise(runtime)(
      Effect.zipRight(
        Effect.provide(register, one),
        check(trial, connection, [Layer.succeedContext(one), Layer.succeedContext(other)])
      )
    )
  })
  yield* Effect.promise(() => fc.assert(property, { numRuns }))
})

const inOrderOfArrival = (reads: ReadonlyArray<Read>): ReadonlyArray<Read> =>
  reads.toSorted((left, right) => left.stored - right.stored)

it.scoped(
  "holds what the vendor holds after a quiet read, whatever its times did, whoever read, and by whatever clocks",
  () =>
    inTrials(
      fc.record({
        vendor: versions,
        reads: fc.array(read, { maxLength: 10 }),
        last: fc.constantFrom(0 as const, 1 as const)
      }),
      80,
      ({ last, reads, vendor }, connection, processes) =>
        Effect.gen(function* () {
          for (const one of inOrderOfArrival(reads)) {
            yield* store(connection, versionAt(vendor, one.seen), one).pipe(
              Effect.provide(processes[one.process])
            )
          }
          const final = versionAt(vendor, 200)
          const quiet = {
            requested: 200,
            seen: 200,
            answered: 201,
            stored: 201,
            clockOff: 0,
            isOverwriting: false
          }
          yield* store(connection, final, { ...quiet, process: last }).pipe(Effect.provide(processes[last]))
          const mirrored = yield* Effect.provide(contentOf(connection), processes[0])
          expect(mirrored).toEqual([
            [
              {
                title: titleOf(final),
                remote_status: final.from % 2 === 0 ? "active" : "completed",
                provider_status: `${final.from}`,
                updated_at: updatedOf(final),
                stored_messages: final.texts
              }
            ],
            Array.from({ length: final.texts }, () => ({ content: `${final.from}` })),
            [titleOf(final)]
          ])
        })
    ),
  120_000
)

it.scoped(
  "never lets an answer win over one to a request that was sent after it had come, in whatever order they are stored",
  () =>
    inTrials(
      fc.record({ vendor: versions, reads: fc.array(read, { minLength: 2, maxLength: 10 }) }),
      60,
      ({ reads, vendor }, connection, [process]) =>
        Effect.gen(function* () {
          for (const one of inOrderOfArrival(reads)) {
            yield* store(connection, versionAt(vendor, one.seen), { ...one, clockOff: 0 })
          }
          const [conversations] = yield* contentOf(connection)
          const title = conversations[0]?.title
          const shown = reads.filter(({ seen }) => titleOf(versionAt(vendor, seen)) === title)
          const latest = Math.max(...shown.map(({ answered }) => answered))
          expect(reads.filter(({ requested }) => requested > latest)).toEqual([])
        }).pipe(Effect.provide(process))
    ),
  120_000
)

const yearAhead = 365 * 86_400

/** Runs `work` by a clock that is a year ahead, then puts it right: an hour after the fixed instant. */
const byClockAhead = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(yearAhead))
    const result = yield* work
    yield* TestClock.setTime(atMillis(3_600))
    return result
  })

it.scoped("misses and buries what a clock that was ahead has stored, once it is gone", () =>
  Effect.gen(function* () {
    const { commit, mirror, runId } = yield* started
    yield* byClockAhead(commit([page(yearAhead, [sighting()])]))
    const scan = { connection: "leads", lane: "sync", startedAt: at(3_500), seen: new SeenSet() } as const
    expect(yield* mirror.finishScan(scan)).toEqual({ missing: ["c1"], held: 1 })
    expect(yield* values("SELECT missing_since FROM remote_conversations")).toEqual([at(3_600)])
    const gone = { connection: "leads", providerIds: ["c1"], askedAt: at(3_600), runId }
    expect(yield* mirror.tombstone(gone)).toBe(1)
  }).pipe(Effect.provide(freshStore))
)

it.scoped("does not take what a clock that was ahead has stored for fetched by the present scan", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* byClockAhead(commit([page(yearAhead, [sighting()])]))
    expect((yield* mirror.known("leads", ["c1"])).get("c1")).not.toHaveProperty("observedAt")
    yield* commit([page(3_600, [sighting()])])
    expect((yield* mirror.known("leads", ["c1"])).get("c1")).toMatchObject({ observedAt: at(3_600) })
  }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "begins a scan anew that a clock which was ahead began, and believes no range that it covered",
  () =>
    Effect.gen(function* () {
      const { commit, mirror } = yield* started
      const ahead = at(yearAhead)
      const range = { since: at(0), until: null }
      const finish = (startedAt: typeof ahead) =>
        mirror.finishScan({
          connection: "leads",
          lane: "sync",
          startedAt,
          seen: new SeenSet(),
          covers: { subject: "", ranges: [range] }
        })
      yield* byClockAhead(
        Effect.gen(function* () {
          yield* commit([page(yearAhead, [], { cursor: "2" })], { scan: { scope: "", startedAt: ahead } })
          expect(yield* mirror.unfinishedScan("leads", "sync")).toMatchObject({ cursor: "2" })
          yield* finish(ahead)
          expect(yield* mirror.gaps("leads", "", range)).toEqual([
            { since: at(yearAhead - 3_600), until: null }
          ])
        })
      )
      expect(yield* mirror.unfinishedScan("leads", "sync")).toBeNull()
      expect(yield* mirror.gaps("leads", "", range)).toEqual([range])
      yield* finish(at(3_600))
      expect(yield* values("SELECT last_complete_scan_at FROM connections")).toEqual([at(3_600)])
    }).pipe(Effect.provide(freshStore))
)

it.scoped("takes over a lease that another machine's clock has dated beyond reason, and no other", () =>
  Effect.gen(function* () {
    yield* started
    const leases = yield* Leases
    const hold = (seconds: number) =>
      rows(
        `INSERT OR REPLACE INTO leases (connection, lane, owner, host, pid, acquired_at, expires_at)
         VALUES ('leads', 'sync', 'x#1', 'elsewhere', 1, ?, ?) RETURNING 1`,
        at(seconds),
        at(seconds + 60)
      )
    const acquire = Effect.scoped(Effect.either(leases.acquire("leads", "sync")))
    yield* hold(3_640)
    expect(yield* acquire).toMatchObject({ _tag: "Left" })
    yield* hold(yearAhead)
    expect(yield* acquire).toMatchObject({ _tag: "Right" })
  }).pipe(Effect.provide(freshStore))
)

const describing = (id: string, updated: number, name: string) =>
  sighting(
    { providerId: id, contactId: "p1", updatedAt: at(updated) },
    { contact: contact({ name }), fingerprint: id }
  )

it.scoped(
  "a contact is described by the latest conversation, of which a time ahead of the clock makes none",
  () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const name = values("SELECT name FROM contacts")
      yield* commit([page(1, [describing("a", yearAhead, "wrong clock"), describing("b", 20, "right")])])
      expect(yield* name).toEqual(["right"])
      yield* commit([page(2, [describing("a", 10, "earlier")])])
      expect(yield* name).toEqual(["right"])
      // The one that counts goes back, as after a restored backup: what it said before, nobody says any more.
      yield* commit([page(3, [describing("b", 5, "restored")])])
      expect(yield* name).toEqual(["restored"])
      const fingerprints = values("SELECT fingerprint FROM remote_conversations ORDER BY id")
      expect(yield* fingerprints).toEqual([null, "b"])
      yield* commit([page(4, [describing("a", 10, "earlier")])])
      expect(yield* name).toEqual(["earlier"])
    }).pipe(Effect.provide(freshStore))
)

it.scoped(
  "a contact is described again by those conversations that it keeps, when the latest becomes another's",
  () =>
    Effect.gen(function* () {
      const { commit } = yield* started
      const names = values("SELECT name FROM contacts ORDER BY provider_id")
      const moved = sighting(
        { providerId: "b", contactId: "p2", updatedAt: at(20) },
        { contact: contact({ providerId: "p2", name: "someone else" }), fingerprint: "b" }
      )
      yield* commit([page(1, [describing("a", 10, "right"), describing("b", 20, "someone else")])])
      expect(yield* names).toEqual(["someone else"])
      yield* commit([page(2, [describing("a", 10, "right"), moved])])
      const fingerprints = values("SELECT fingerprint FROM remote_conversations ORDER BY id")
      expect(yield* fingerprints).toEqual([null, "b"])
      yield* commit([page(3, [describing("a", 10, "right")])])
      expect(yield* names).toEqual(["right", "someone else"])
    }).pipe(Effect.provide(freshStore))
)

it.scoped("takes what was asked for after the row was looked up, though a clock was set back meanwhile", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    yield* commit([page(3_630, [sighting({ title: "by the clock before" })])])
    const lookedUp = new Map([["c1", (yield* mirror.known("leads", ["c1"])).get("c1")?.observedAt ?? ""]])
    const present = page(3_600, [sighting({ title: "present" })])
    expect(yield* commit([present])).toMatchObject({ overtaken: 1 })
    expect(yield* commit([present], { lookedUp })).toMatchObject({ updated: 1, overtaken: 0 })
    // Another run has stored something since: then the requests' times decide.
    yield* commit([page(3_650, [sighting({ title: "by another run" })])])
    expect(yield* commit([present], { lookedUp })).toMatchObject({ overtaken: 1 })
  }).pipe(Effect.provide(freshStore))
)
