import { expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { Mirror } from "../../../src/store/mirror/Mirror.ts"
import {
  at,
  atMillis,
  freshStore,
  leads,
  messagesOf,
  page,
  rows,
  sighting,
  started,
  values,
  writtenRows
} from "../fixtures.ts"

it.scoped(
  "registers a connection with what can be written there, and writes nothing where that is known",
  () =>
    Effect.gen(function* () {
      const mirror = yield* Mirror
      yield* mirror.register(leads)
      expect(yield* rows("SELECT status, provider_status FROM writable_statuses ORDER BY 1")).toEqual([
        { status: "abandoned", provider_status: "dropped" },
        { status: "completed", provider_status: "completed" },
        { status: "handed_off", provider_status: "handed_off" }
      ])
      const before = yield* writtenRows
      yield* mirror.register(leads)
      expect(yield* writtenRows).toBe(before)
      yield* mirror.register({ ...leads, conflictPolicy: "remote-wins", writable: { completed: "done" } })
      expect(
        yield* rows(
          "SELECT conflict_policy, provider_status FROM connections JOIN writable_statuses ON connection = name"
        )
      ).toEqual([{ conflict_policy: "remote-wins", provider_status: "done" }])
    }).pipe(Effect.provide(freshStore))
)

it.scoped("refuses a connection's name for another provider", () =>
  Effect.gen(function* () {
    const mirror = yield* Mirror
    yield* mirror.register(leads)
    const error = yield* Effect.flip(mirror.register({ ...leads, provider: "aelyst" }))
    expect(error.message).toBe("the connection leads belongs to naturalead in this mirror, not to aelyst")
    expect(yield* values("SELECT provider FROM connections")).toEqual(["naturalead"])
  }).pipe(Effect.provide(freshStore))
)

it.scoped("tells what is stored of conversations, newest messages first, and nothing of others", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const texts = Array.from({ length: 12 }, (_, index) => `text ${index}`)
    yield* commit([
      page(1, [
        sighting(
          { providerId: "a:b", agentId: "agent-7", updatedAt: at(3) },
          { fingerprint: "f", messages: { extent: "whole", items: messagesOf(...texts) } }
        ),
        sighting({ providerId: "c" })
      ])
    ])
    const known = yield* mirror.known("leads", ["a:b", "c", "unknown", "c"], { newestMessageIds: true })
    expect([...known.values()]).toEqual([
      {
        providerId: "a:b",
        key: 1,
        fingerprint: "f",
        agentId: "agent-7",
        storedMessages: 12,
        newestMessageIds: ["m11", "m10", "m9", "m8", "m7", "m6", "m5", "m4", "m3", "m2"],
        startedAt: at(0),
        updatedAt: at(3),
        deleted: false,
        observedAt: at(1)
      },
      {
        providerId: "c",
        key: 2,
        fingerprint: null,
        agentId: "agent-1",
        storedMessages: 0,
        newestMessageIds: [],
        startedAt: at(0),
        updatedAt: null,
        deleted: false,
        observedAt: at(1)
      }
    ])
    expect((yield* mirror.known("leads", ["c"])).get("c")).not.toHaveProperty("newestMessageIds")
    expect((yield* mirror.known("support", ["c"])).size).toBe(0)
  }).pipe(Effect.provide(freshStore))
)

it.scoped("remembers what pages taught about the account, and when it was last taught", () =>
  Effect.gen(function* () {
    const { commit, mirror } = yield* started
    const teach = (seconds: number, learned: Record<string, string>) =>
      Effect.zipRight(TestClock.setTime(atMillis(seconds)), commit([page(seconds, [], { learned })]))
    yield* teach(1, { export: "forbidden", zone: "UTC" })
    yield* teach(2, { export: "forbidden" })
    yield* teach(3, { zone: "CET" })
    expect(yield* mirror.learned("leads")).toEqual(
      new Map([
        ["export", { value: "forbidden", at: at(2) }],
        ["zone", { value: "CET", at: at(3) }]
      ])
    )
  }).pipe(Effect.provide(freshStore))
)
