import { renameSync, rmSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { advance, makeSimulator, type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { Db } from "../../src/store/Db.ts"
import { pullRun, rowsOf } from "../support/inProcess.ts"
import { makeLeapingClock } from "../support/leapingClock.ts"
import { simulatedTransport } from "../support/simulatedTransport.ts"
import { syncedWorld } from "../support/syncedWorld.ts"
import { unlimited } from "../support/unlimited.ts"
import {
  catalogOf,
  configFor,
  lastStates,
  type Message,
  ofType,
  type Ran,
  receivedTable,
  recordsOf,
  runVerb
} from "./platform.ts"
import { invalidIn } from "./protocolRules.ts"

const begins = Date.UTC(2026, 2, 9, 8)
const streams = ["contacts", "conversations", "messages", "status_history"]

const world = (options: object = {}) =>
  makeSimulator({ seed: 7, conversations: 20, now: begins, limits: false, ...options })

const discoveredBy = (simulator: ReturnType<typeof world>, vendor: VendorId) =>
  Effect.map(
    runVerb("source", "discover", simulator, { config: configFor(simulator, vendor) }),
    ({ messages }) => ofType(messages, "CATALOG")[0].catalog.streams as ReadonlyArray<Message>
  )

const readAll = (
  simulator: ReturnType<typeof world>,
  vendor: VendorId,
  more: { state?: unknown; config?: object; mode?: string; endAfter?: number } = {}
) =>
  Effect.flatMap(discoveredBy(simulator, vendor), (found) =>
    runVerb("source", "read", simulator, {
      config: configFor(simulator, vendor, more.config),
      catalog: catalogOf(found, more.mode),
      ...(more.state === undefined ? {} : { state: more.state }),
      ...(more.endAfter === undefined ? {} : { endAfter: more.endAfter })
    })
  )

const tablesOf = (records: ReadonlyArray<Message>) =>
  Object.fromEntries(
    streams.map((stream) => {
      const rows = [...receivedTable(records, stream)].sort(([one], [other]) => (one < other ? -1 : 1))
      // When it was read is another moment in every read.
      return [stream, rows.map(([id, row]) => [id, { ...row, observed_at: null }])]
    })
  )

const secretsOf = (simulator: ReturnType<typeof world>, vendor: VendorId): ReadonlyArray<string> =>
  Object.entries(simulator.vendors[vendor].settings())
    .filter(([key]) => /key|token|password/i.test(key))
    .map(([, value]) => String(value))

const traceErrors = ({ messages }: Ran) =>
  ofType(messages, "TRACE").filter(({ trace }) => trace.type === "ERROR")

describe("the source's spec", () => {
  it.effect("has one variant a vendor with its name as a constant, and follows the rules for forms", () =>
    Effect.gen(function* () {
      const { messages } = yield* runVerb("source", "spec", world(), { config: {} })
      expect(messages).toHaveLength(1)
      const { connectionSpecification } = messages[0].spec
      const { oneOf } = connectionSpecification.properties.provider
      expect(oneOf.map((variant: Message) => variant.properties.provider.const)).toEqual([
        ...vendorIds,
        "mirror"
      ])
      expect(JSON.stringify(connectionSpecification)).not.toMatch(
        /"(not|anyOf|allOf|if|then|else|patternProperties|prefixItems|dependentSchemas|dependentRequired|\$ref)":/
      )
      for (const variant of oneOf) {
        expect(variant.title).toBeTypeOf("string")
        for (const [name, property] of Object.entries<Message>(variant.properties)) {
          if (/key|token|password/i.test(name)) expect(property.airbyte_secret, name).toBe(true)
          if (property.type === "array") expect(property.items.type).toBeTypeOf("string")
        }
      }
      expect(connectionSpecification.properties.base_url.airbyte_hidden).toBe(true)
    })
  )

  it.effect("refuses nothing that check accepts", () =>
    Effect.gen(function* () {
      const simulator = world()
      const wrong: ReadonlyArray<object> = [
        { quota: 0 },
        { quota: 101 },
        { quota: "half" },
        { start_date: "yesterday" },
        { start_date: "2026-13-99" },
        { connection: "No Such Name" },
        { privacy_names: "hash" },
        { privacy_phones: "drop" },
        { privacy_names: "hash", hash_key: "short" },
        { privacy_texts: "hash" },
        { max_wait_seconds: -1 },
        { checkpoint_seconds: "1" },
        { provider: { provider: "nobody" } },
        { provider: { provider: "naturalead" } },
        { provider: null },
        { base_url: "http://198.51.100.7/api" },
        { provider: { provider: "mirror" } }
      ]
      for (const more of wrong) {
        const ran = yield* runVerb("source", "check", simulator, {
          config: configFor(simulator, "naturalead", more)
        })
        const [{ connectionStatus }] = ofType(ran.messages, "CONNECTION_STATUS")
        expect([JSON.stringify(more), connectionStatus.status, ran.code]).toEqual([
          JSON.stringify(more),
          "FAILED",
          0
        ])
        for (const secret of secretsOf(simulator, "naturalead")) expect(ran.text).not.toContain(secret)
      }
    })
  )

  it.effect(
    "refuses a key that would do nothing, mistyped or at the wrong place, and leaves others alone",
    () =>
      Effect.gen(function* () {
        const simulator = world()
        const checked = (more: Record<string, unknown>) =>
          Effect.map(
            runVerb("source", "check", simulator, { config: configFor(simulator, "convocore", more) }),
            ({ messages }) => ofType(messages, "CONNECTION_STATUS")[0].connectionStatus
          )
        const { provider } = configFor(simulator, "convocore", {}) as { provider: object }
        for (const [more, message] of [
          [{ privacy_nmaes: "drop" }, 'privacy_nmaes: unknown key; did you mean "privacy_names"?'],
          [{ baseUrl: "https://x.example" }, 'baseUrl: unknown key; did you mean "base_url"?'],
          [{ region: "na" }, "region: does nothing here; write it in provider"],
          [
            { provider: { ...provider, privacy_names: "drop" } },
            "provider.privacy_names: does nothing here; write it beside provider"
          ],
          [
            { provider: { ...provider, Region: "na" } },
            'provider.Region: unknown key; did you mean "region"?'
          ],
          [{ mirror_sync: true }, "mirror_sync: no mirror is named; write the path of parley.db as mirror"]
        ] as const) {
          expect(yield* checked(more)).toEqual({ status: "FAILED", message })
        }
        const salon = { provider: { provider: "empfio", email: "a@b.example", password: "pw-12345678" } }
        expect((yield* checked({ ...salon, base_url: undefined })).message).toContain(
          "write base_url: https://…"
        )
        expect(yield* checked({ __injected: 1, workspace: "w", mirror_sync: false })).toEqual({
          status: "SUCCEEDED"
        })
      })
  )
})

describe.each(vendorIds)("the source at %s", (vendor) => {
  it.effect("checks the credentials without an error trace, and shows no secret", () =>
    Effect.gen(function* () {
      const simulator = world()
      const config = configFor(simulator, vendor)
      const right = yield* runVerb("source", "check", simulator, { config })
      expect(right.messages).toEqual([
        { type: "CONNECTION_STATUS", connectionStatus: { status: "SUCCEEDED" } }
      ])
      const provider = Object.fromEntries(
        Object.entries(config.provider).map(([key, value]) => [
          key,
          /key|token|password/i.test(key) ? "wrong-secret-1234" : value
        ])
      )
      const wrong = yield* runVerb("source", "check", simulator, { config: { ...config, provider } })
      expect([wrong.code, wrong.messages.length, wrong.messages[0].connectionStatus.status]).toEqual([
        0,
        1,
        "FAILED"
      ])
      expect(wrong.text).not.toContain("wrong-secret-1234")
    })
  )

  it.effect("discovers the same streams every time, with keys and cursors that their schemas have", () =>
    Effect.gen(function* () {
      const simulator = world()
      const found = yield* discoveredBy(simulator, vendor)
      expect(yield* discoveredBy(simulator, vendor)).toEqual(found)
      expect(found.map(({ name }) => name)).toEqual(streams)
      for (const stream of found) {
        const { properties } = stream.json_schema
        expect(stream.supported_sync_modes).toEqual(["full_refresh", "incremental"])
        expect(properties[stream.source_defined_primary_key[0][0]]).toBeDefined()
        expect(properties[stream.default_cursor_field[0]]).toBeDefined()
        for (const column of ["connection", "provider", "observed_at", "deleted_at"])
          expect(properties[column], column).toBeDefined()
      }
    })
  )

  it.effect("reads everything once, by the rules of the protocol, and the same again", () =>
    Effect.gen(function* () {
      const simulator = world()
      const found = yield* discoveredBy(simulator, vendor)
      const ran = yield* readAll(simulator, vendor, { mode: "full_refresh" })
      expect(ran.code).toBe(0)
      expect(invalidIn(ran.messages, found)).toEqual([])
      for (const stream of streams) {
        const records = recordsOf(ran.messages, stream)
        expect(records.length, stream).toBeGreaterThan(0)
        expect(new Set(records.map(({ data }) => data.id)).size, stream).toBe(records.length)
      }
      expect(recordsOf(ran.messages, "conversations")).toHaveLength(20)
      const again = yield* readAll(simulator, vendor, { mode: "full_refresh" })
      expect(tablesOf(recordsOf(again.messages))).toEqual(tablesOf(recordsOf(ran.messages)))
      for (const secret of secretsOf(simulator, vendor)) expect(ran.text).not.toContain(secret)
    })
  )

  it.effect("sends only what changed since a state, and nothing twice where nothing did", () =>
    Effect.gen(function* () {
      const simulator = world()
      const first = yield* readAll(simulator, vendor)
      const quiet = yield* readAll(simulator, vendor, { state: lastStates(first.messages) })
      expect(recordsOf(quiet.messages)).toEqual([])
      expect(quiet.code).toBe(0)
      const changes = advance(simulator, vendor, { at: begins + 3_600_000, share: 0.2, seed: 3 })
      const changed = new Set([...changes.messages, ...changes.statuses, ...changes.added])
      const second = yield* readAll(simulator, vendor, { state: lastStates(quiet.messages) })
      const sent = recordsOf(second.messages, "conversations").map(({ data }) => data.provider_id)
      // A status that a list does not show is seen with the next change that it does show.
      const unseen = [...changed].filter((id) => !sent.includes(id))
      expect(sent.filter((id) => !changed.has(id))).toEqual([])
      expect(unseen.filter((id) => vendor !== "convocore" || !changes.statuses.includes(id))).toEqual([])
      const fresh = yield* readAll(simulator, vendor)
      const both = [...recordsOf(first.messages), ...recordsOf(second.messages)]
      for (const stream of ["conversations", "messages"]) {
        const known = (rows: ReadonlyArray<Message> | undefined) =>
          rows?.filter(([, row]) => !unseen.includes(row.provider_id))
        expect(known(tablesOf(both)[stream]), stream).toEqual(
          known(tablesOf(recordsOf(fresh.messages))[stream])
        )
      }
    })
  )

  it.effect("sends nothing personal on, the same the second time, and what is new after that", () =>
    Effect.gen(function* () {
      const simulator = world({ conversations: 8 })
      const plain = recordsOf((yield* readAll(simulator, vendor)).messages, "contacts")
      const personal = plain.flatMap(({ data }) => [data.email, data.phone]).filter((value) => value !== null)
      expect(personal.length).toBeGreaterThan(3)
      const config = {
        privacy_names: "hash",
        privacy_emails: "hash",
        privacy_phones: "hash",
        privacy_texts: "mask",
        hash_key: "a key of 32 characters or more than that"
      }
      const first = yield* readAll(simulator, vendor, { config })
      expect({ code: first.code, errors: traceErrors(first) }).toEqual({ code: 0, errors: [] })
      expect(personal.filter((value) => first.text.includes(value))).toEqual([])
      expect(recordsOf(first.messages, "contacts").length).toBe(plain.length)
      const quiet = yield* readAll(simulator, vendor, { config, state: lastStates(first.messages) })
      expect(recordsOf(quiet.messages)).toEqual([])
      expect(first.text).not.toContain(config.hash_key)
    })
  )

  it.effect("goes on from every state it ever sent, and from wherever it was ended", () =>
    Effect.gen(function* () {
      const simulator = world({ conversations: 12 })
      const first = yield* readAll(simulator, vendor)
      const whole = tablesOf(recordsOf(first.messages))
      const lines = first.messages.length
      const points = [0.1, 0.45, 0.7, 0.97].map((share) => Math.max(1, Math.floor(lines * share)))
      for (const endAfter of points) {
        const ended = yield* readAll(simulator, vendor, { endAfter })
        expect(ended.code).toBeNull()
        const states = lastStates(ended.messages)
        // What came behind the last state of its stream is lost, as a destination may lose it.
        const kept = ended.messages.filter(
          ({ record, type }, index) =>
            type === "RECORD" &&
            ended.messages
              .slice(index)
              .some(
                (later) =>
                  later.type === "STATE" && later.state.stream.stream_descriptor.name === record.stream
              )
        )
        const rest = yield* readAll(simulator, vendor, { state: states })
        expect(rest.code).toBe(0)
        expect(
          tablesOf([...recordsOf(kept), ...recordsOf(rest.messages)]),
          `${vendor} ended after ${endAfter} of ${lines} lines`
        ).toEqual(whole)
      }
    })
  )
})

describe("the source", () => {
  it.effect("refuses a catalog that names what is not there, with an error for whoever configured it", () =>
    Effect.gen(function* () {
      const simulator = world()
      for (const catalog of [
        { streams: [{ stream: { name: "nothing" }, sync_mode: "full_refresh" }] },
        { streams: [{ stream: { name: "messages" }, sync_mode: "backwards" }] },
        { nothing: [] }
      ]) {
        const ran = yield* runVerb("source", "read", simulator, {
          config: configFor(simulator, "aelyst"),
          catalog
        })
        expect(ran.code).toBe(1)
        expect(traceErrors(ran).map(({ trace }) => trace.error.failure_type)).toEqual(["config_error"])
      }
    })
  )

  it.effect("takes a state that it cannot read, or of another account, for none, and says so", () =>
    Effect.gen(function* () {
      const simulator = world()
      const first = yield* readAll(simulator, "empfio")
      const states = lastStates(first.messages)
      const future = states.map((state) => ({
        ...state,
        stream: { ...state.stream, stream_state: { ...state.stream.stream_state, v: 99 } }
      }))
      const other = states.map((state) => ({
        ...state,
        stream: { ...state.stream, stream_state: { ...state.stream.stream_state, subject: "0000" } }
      }))
      for (const state of [future, other]) {
        const ran = yield* readAll(simulator, "empfio", { state })
        expect(recordsOf(ran.messages, "conversations")).toHaveLength(20)
        expect(ofType(ran.messages, "LOG").map(({ log }) => log.level)).toContain("WARN")
      }
    })
  )

  it.effect("reads no messages where no one wants them, and sends no request for them", () =>
    Effect.gen(function* () {
      const simulator = world()
      const found = yield* discoveredBy(simulator, "empfio")
      const before = simulator.log.length
      const ran = yield* runVerb("source", "read", simulator, {
        config: configFor(simulator, "empfio"),
        catalog: catalogOf(found.filter(({ name }) => name === "conversations"))
      })
      expect(new Set(recordsOf(ran.messages).map(({ stream }) => stream))).toEqual(new Set(["conversations"]))
      expect(recordsOf(ran.messages)).toHaveLength(20)
      expect(simulator.log.length - before).toBeLessThan(10)
    })
  )

  it.effect("ends incomplete, with an error that time may cure, where the provider is down", () =>
    Effect.gen(function* () {
      const simulator = world()
      simulator.faults.add({
        vendor: "empfio",
        match: { path: "conversations" },
        effect: { kind: "answer", status: 503 }
      })
      const { clock } = makeLeapingClock(begins)
      const ran = yield* Effect.withClock(readAll(simulator, "empfio"), clock)
      expect(ran.code).toBe(1)
      expect(traceErrors(ran).map(({ trace }) => trace.error.failure_type)).toEqual(["transient_error"])
      const statuses = ofType(ran.messages, "TRACE").flatMap(({ trace }) => trace.stream_status?.status ?? [])
      expect(statuses).toContain("INCOMPLETE")
      expect(statuses).not.toContain("COMPLETE")
    })
  )

  it.effect(
    "says of a conversation that is listed again and missing by its id again that it is, from a state alone",
    () =>
      Effect.gen(function* () {
        const simulator = world()
        const [id = ""] = simulator.vendors.empfio.world.conversations.keys()
        simulator.faults.add({
          vendor: "empfio",
          match: ({ path }) => path.endsWith(`/conversations/${id}`),
          effect: { kind: "answer", status: 404, body: '{"detail":"Conversation not found"}' }
        })
        const warned = ({ messages }: Ran) =>
          ofType(messages, "LOG").flatMap(({ log }) => (log.level === "WARN" ? [log.message] : []))
        const first = yield* readAll(simulator, "empfio")
        expect(warned(first).filter((words) => words.includes("missing-detail"))).toEqual([])
        const second = yield* readAll(simulator, "empfio", { state: lastStates(first.messages) })
        expect(warned(second)).toContainEqual(expect.stringContaining("1 record could not be read"))
        expect(warned(second)).toContainEqual(expect.stringContaining("missing-detail: listed again"))
      })
  )

  it.effect("sends states as often as asked, and no oftener, but at the end", () =>
    Effect.gen(function* () {
      const simulator = world({ conversations: 60 })
      const { clock, now } = makeLeapingClock(begins)
      const found = yield* discoveredBy(simulator, "empfio")
      const at = new Map<string, Array<number>>(streams.map((name) => [name, []]))
      const ran = yield* Effect.withClock(
        runVerb("source", "read", simulator, {
          config: configFor(simulator, "empfio", { checkpoint_seconds: 60 }),
          catalog: catalogOf(found),
          // Each line takes its time, so that the read lasts minutes.
          reading: (line) => {
            if (!line.startsWith('{"type":"STATE"')) return Effect.sleep("1 second")
            at.get(JSON.parse(line).state.stream.stream_descriptor.name)?.push(now())
            return Effect.void
          }
        }),
        clock
      )
      expect(ran.code).toBe(0)
      expect(invalidIn(ran.messages, found)).toEqual([])
      for (const [stream, times] of at) {
        const gaps = times.slice(0, -1).map((moment, index) => moment - (times[index - 1] ?? begins))
        expect(gaps.length, stream).toBeGreaterThan(2)
        expect(Math.min(...gaps), stream).toBeGreaterThanOrEqual(60_000)
        expect(Math.max(...gaps), stream).toBeLessThan(240_000)
      }
    })
  )

  it.effect("asks the provider for no more than its reader has room for", () =>
    Effect.gen(function* () {
      const simulator = world({ conversations: 300 })
      const { clock } = makeLeapingClock(begins)
      const found = yield* discoveredBy(simulator, "empfio")
      const before = simulator.log.length
      let asked = 0
      let lines = 0
      const ran = yield* Effect.withClock(
        runVerb("source", "read", simulator, {
          config: configFor(simulator, "empfio"),
          catalog: catalogOf(found),
          reading: () => {
            lines += 1
            if (lines !== 100) return Effect.void
            return Effect.zipRight(
              Effect.sleep("1 hour"),
              Effect.sync(() => {
                asked = simulator.log.length - before
              })
            )
          }
        }),
        clock
      )
      expect(ran.code).toBe(0)
      expect(recordsOf(ran.messages, "conversations")).toHaveLength(300)
      const all = simulator.log.length - before
      expect(all).toBeGreaterThan(300)
      expect(asked).toBeLessThan(all / 2)
    })
  )

  it.effect("says that a limit holds it, until when, and stays alive through 40 minutes of it", () =>
    Effect.gen(function* () {
      const simulator = world()
      simulator.faults.add({
        vendor: "empfio",
        match: { path: "/conversations" },
        times: 1,
        effect: { kind: "answer", status: 429, headers: { "Retry-After": "2400" } }
      })
      const { clock, now } = makeLeapingClock(begins)
      const found = yield* discoveredBy(simulator, "empfio")
      const at: Array<number> = []
      const ran = yield* Effect.withClock(
        runVerb(
          "source",
          "read",
          simulator,
          {
            config: configFor(simulator, "empfio", { checkpoint_seconds: 60 }),
            catalog: catalogOf(found),
            reading: (line) =>
              Effect.sync(() => {
                if (/^\{"type":"(RECORD|STATE)"/.test(line)) at.push(now())
              })
          },
          Layer.merge(unlimited, simulatedTransport(simulator))
        ),
        clock
      )
      expect(ran.code).toBe(0)
      const limited = ofType(ran.messages, "TRACE").flatMap(
        ({ trace }) => trace.stream_status?.reasons?.[0]?.rate_limited.quota_reset ?? []
      )
      expect(limited.length).toBeGreaterThan(0)
      expect(Math.min(...limited)).toBeGreaterThanOrEqual(begins + 2_400_000)
      expect(Math.min(...limited)).toBeLessThan(begins + 2_500_000)
      const gaps = at.map((moment, index) => moment - (at[index - 1] ?? begins))
      expect(Math.max(...gaps)).toBeLessThanOrEqual(600_000)
      expect(Math.max(...at)).toBeGreaterThanOrEqual(begins + 2_400_000)
    })
  )

  it.scoped(
    "starts over where a state is of other connections of a mirror, or of what an older mirror lacks",
    () =>
      Effect.gen(function* () {
        const { connections, database, layer, simulator } = yield* syncedWorld(["empfio", "aelyst"])
        const found = yield* discoveredBy(simulator, "empfio")
        const read = (connection?: string, state?: unknown) =>
          runVerb("source", "read", simulator, {
            config: { provider: { provider: "mirror" }, mirror: database, connection },
            catalog: catalogOf(found),
            state
          })
        const idsOf = (ran: { readonly messages: ReadonlyArray<Message> }) =>
          new Set(recordsOf(ran.messages, "conversations").map(({ data }) => data.id))
        const warnings = (ran: { readonly messages: ReadonlyArray<Message> }) =>
          ofType(ran.messages, "LOG").map(({ log }) => log.message)
        const [one = "", other = ""] = connections.map(({ name }) => name)
        const ofOne = lastStates((yield* read(one)).messages)
        const changed = yield* read(other, ofOne)
        expect(idsOf(changed)).toEqual(idsOf(yield* read(other)))
        expect(idsOf(changed).size).toBeGreaterThan(0)
        expect(warnings(changed)).toContainEqual(expect.stringContaining("another choice of connections"))

        const older = `${database}.older`
        yield* Effect.provide(
          Effect.flatMap(Db, (db) => db.use("test", ({ prepare }) => prepare("VACUUM INTO ?").run(older))),
          layer
        )
        const advanced = Effect.gen(function* () {
          advance(simulator, "empfio", { at: begins + 3_600_000, share: 0.3, seed: 5 })
          yield* TestClock.adjust("1 hour")
          yield* Effect.provide(pullRun(connections), layer)
        })
        yield* advanced
        const state = lastStates((yield* read(undefined, lastStates((yield* read()).messages))).messages)
        for (const end of ["-wal", "-shm"]) rmSync(database + end, { force: true })
        renameSync(older, database)
        for (const isAhead of [false, true]) {
          if (isAhead) yield* advanced
          const again = yield* read(undefined, state)
          expect(again.code).toBe(0)
          expect(idsOf(again), `${isAhead}`).toEqual(idsOf(yield* read()))
          expect(warnings(again)).toContainEqual(expect.stringContaining("put back"))
          expect(recordsOf((yield* read(undefined, lastStates(again.messages))).messages)).toEqual([])
        }
      })
  )

  it.scoped(
    "sends the rows of a mirror by commit, with what is gone, and nothing from a state of the future",
    () =>
      Effect.gen(function* () {
        const { connections, database, layer, simulator } = yield* syncedWorld(["empfio", "aelyst"])
        const idsIn = (stream: string) =>
          rowsOf<{ readonly id: string }>(`SELECT CAST(id AS TEXT) AS id FROM ${stream} ORDER BY 1`).pipe(
            Effect.map((rows) => rows.map(({ id }) => id).sort()),
            Effect.provide(layer)
          )
        const config = { provider: { provider: "mirror" }, mirror: database, checkpoint_seconds: 0 }
        const found = yield* discoveredBy(simulator, "empfio")
        const read = (state?: unknown) =>
          runVerb("source", "read", simulator, { config, catalog: catalogOf(found), state })
        const first = yield* read()
        expect(first.code).toBe(0)
        expect(invalidIn(first.messages, found)).toEqual([])
        for (const stream of streams) {
          expect([...receivedTable(recordsOf(first.messages), stream).keys()].sort(), stream).toEqual(
            yield* idsIn(stream)
          )
        }
        const state = lastStates(first.messages)
        expect(recordsOf((yield* read(state)).messages)).toEqual([])
        const ahead = state.map((one) => ({
          ...one,
          stream: {
            ...one.stream,
            stream_state: { ...one.stream.stream_state, seq: 1_000_000_000, at: null }
          }
        }))
        expect(recordsOf((yield* read(ahead)).messages)).toEqual([])

        advance(simulator, "empfio", { at: begins + 3_600_000, share: 0.3, removed: 2, seed: 5 })
        yield* TestClock.adjust("1 hour")
        yield* Effect.provide(pullRun(connections), layer)
        const second = yield* read(state)
        expect(recordsOf(second.messages).length).toBeLessThan(recordsOf(first.messages).length)
        const gone = recordsOf(second.messages, "conversations").filter(
          ({ data }) => data.deleted_at !== null
        )
        expect(gone).toHaveLength(2)
        const rows = [...recordsOf(first.messages), ...recordsOf(second.messages)]
        for (const stream of streams) {
          const table = [...receivedTable(rows, stream)].filter(
            ([, row]) => stream === "conversations" || row.deleted_at === null
          )
          expect(table.map(([id]) => id).sort(), stream).toEqual(yield* idsIn(stream))
        }
        // Whatever state of a read a platform has kept, the rest follows.
        const others = ofType(first.messages, "STATE").filter((_, index) => index % 3 === 0)
        for (const { state: kept } of others) {
          const rest = yield* read([kept])
          const index = first.messages.findIndex((message) => message.state === kept)
          const stream = kept.stream.stream_descriptor.name
          const before = recordsOf(first.messages.slice(0, index), stream)
          expect(
            [...receivedTable([...before, ...recordsOf(rest.messages, stream)], stream).keys()].sort()
          ).toEqual([...receivedTable(rows, stream).keys()].sort())
        }
      })
  )
})
