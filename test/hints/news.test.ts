import { createHmac } from "node:crypto"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import type { Receiver } from "../../src/hints/receive.ts"
import type { VendorId } from "../../src/simulator/index.ts"
import { Outbox } from "../../src/store/outbox/Outbox.ts"
import { pushLane } from "../../src/sync/lanes.ts"
import { rebuild } from "../../src/sync/rebuild.ts"
import { run } from "../../src/sync/run.ts"
import { deliver, hinted } from "../support/hinted.ts"
import { inProcess, makeWorld, pullRun, rowsOf, temporaryFolder } from "../support/inProcess.ts"
import { makeLeapingClock } from "../support/leapingClock.ts"

/*
 * What webhooks bring besides news, and what they must not cause.
 */

const begins = Date.UTC(2026, 2, 9, 8)
const minute = 60_000

/** A signed closing of a contact's conversation that counts messages. @param opened Unix seconds */
const closing = (
  { hints, name }: ConnectionConfig,
  contact: string,
  counts: { readonly incoming: unknown; readonly outgoing: unknown; readonly opened: number }
) => {
  const [key] = hints?.signingKeys ?? []
  const body = JSON.stringify({
    event_type: "conversation.closed",
    contact: { id: Number(contact), status: "closed" },
    conversation: {
      summary: "They asked for my secret words",
      openedTime: counts.opened,
      incomingMessageCount: counts.incoming,
      outgoingMessageCount: counts.outgoing
    }
  })
  const signature = createHmac("sha256", Redacted.value(key ?? Redacted.make("")))
    .update(body)
    .digest("base64")
  return {
    path: `/hints/${name}/${Redacted.value(hints?.path ?? Redacted.make(""))}`,
    headers: { "x-webhook-signature": signature },
    body
  }
}

interface Counted {
  readonly declared_messages: number | null
  readonly stored_messages: number
  readonly complete: number | null
}

const countsOf = (config: ConnectionConfig, id: string) =>
  rowsOf<Counted>(
    "SELECT declared_messages, stored_messages, complete FROM conversations WHERE id = ?",
    `${config.name}:${id}`
  ).pipe(Effect.map(([row]) => row))

describe("the count at a closing", () => {
  it.live("says whether messages are missing, and stays through later runs and a rebuild", () => {
    const leaping = makeLeapingClock(begins)
    return Effect.gen(function* () {
      const { connection, simulator } = yield* makeWorld({ conversations: 6, now: begins })
      const config = connection("aelyst")
      const { world } = simulator.vendors.aelyst
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* pullRun([config])
        const [id = ""] = [...world.conversations.keys()].filter((one) => world.lines(one).length > 3)
        const stored = world.lines(id).length
        expect(yield* countsOf(config, id)).toEqual({
          declared_messages: null,
          stored_messages: stored,
          complete: null
        })
        const { receiver } = yield* hinted(simulator, [config])
        const said = (receiver: Receiver, counts: Parameters<typeof closing>[2]) =>
          Effect.zipRight(deliver(receiver, closing(config, id, counts)), Effect.sleep(minute))
        world.setStatus(id, "closed", leaping.now())
        yield* Effect.sleep(minute)
        const whole = { declared_messages: stored, stored_messages: stored, complete: 1 }
        expect(yield* countsOf(config, id)).toEqual(whole)
        const counted = yield* rowsOf("SELECT id, seq FROM remote_conversations ORDER BY id")
        yield* pullRun([config], { full: true })
        expect(yield* rowsOf("SELECT id, seq FROM remote_conversations ORDER BY id")).toEqual(counted)

        // What was said before this conversation was opened is not counted at its closing.
        const [last] = yield* rowsOf<{ at: string }>(
          "SELECT max(sent_at) AS at FROM messages WHERE conversation_id = ?",
          `${config.name}:${id}`
        )
        const opened = Math.floor(Date.parse(last?.at ?? "") / 1000) + 1
        yield* said(receiver, { incoming: 2, outgoing: 1, opened })
        expect(yield* countsOf(config, id)).toEqual({
          declared_messages: stored + 3,
          stored_messages: stored,
          complete: 0
        })
        // What cannot be counts changes nothing.
        yield* said(receiver, { incoming: -7, outgoing: "9", opened })
        for (let more = 0; more < 3; more++) world.addMessage(id, leaping.now())
        yield* pullRun([config])
        const found = { declared_messages: stored + 3, stored_messages: stored + 3, complete: 1 }
        expect(yield* countsOf(config, id)).toEqual(found)

        const before = yield* rowsOf("SELECT id, seq FROM remote_conversations ORDER BY id")
        yield* pullRun([config], { full: true })
        expect(yield* rowsOf("SELECT id, seq FROM remote_conversations ORDER BY id")).toEqual(before)
        yield* run({
          command: "rebuild",
          connections: [config],
          maxWaitMillis: 0,
          lanes: [
            {
              lane: "verify",
              work: (open, runId) => Effect.as(rebuild(open, runId), { fault: null })
            }
          ]
        })
        expect(yield* countsOf(config, id)).toEqual(found)
        expect(yield* rowsOf("SELECT id, seq FROM remote_conversations ORDER BY id")).toEqual(before)
        const held = JSON.stringify(yield* rowsOf("SELECT * FROM hints"))
        expect(held).not.toContain("secret words")
      }).pipe(Effect.scoped, Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
    }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
  })

  it.live("asks once more for a conversation that lacks messages, although its status is known", () => {
    const leaping = makeLeapingClock(begins)
    return Effect.gen(function* () {
      const { connection, simulator } = yield* makeWorld({ conversations: 4, now: begins })
      const config = connection("aelyst")
      const { world } = simulator.vendors.aelyst
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const [id = ""] = world.conversations.keys()
        world.setStatus(id, "closed", begins)
        yield* pullRun([config])
        // Its webhooks are lost.
        world.addMessage(id, leaping.now(), "agent")
        const { receiver } = yield* hinted(simulator, [config])
        const before = simulator.log.length
        const counts = { incoming: world.lines(id).length, outgoing: 0, opened: 1_000_000_000 }
        yield* deliver(receiver, closing(config, id, counts))
        yield* Effect.sleep(minute)
        expect(simulator.log.length).toBeGreaterThan(before)
        expect((yield* countsOf(config, id))?.complete).toBe(1)
        const after = simulator.log.length
        yield* deliver(receiver, closing(config, id, counts))
        yield* Effect.sleep(minute)
        expect(simulator.log.length).toBe(after)
      }).pipe(Effect.scoped, Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
    }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
  })
})

const written: Readonly<
  Record<Exclude<VendorId, "naturalead">, readonly ["completed" | "handed_off", string]>
> = {
  convocore: ["handed_off", "requested_chat"],
  empfio: ["handed_off", "escalated"],
  aelyst: ["completed", "closed"]
}

it.live.each(["convocore", "empfio", "aelyst"] as const)(
  "asks nothing for a webhook that a change of ours has caused at %s",
  (vendor) => {
    const leaping = makeLeapingClock(begins)
    const [status, word] = written[vendor]
    return Effect.gen(function* () {
      const { connection, simulator } = yield* makeWorld({ conversations: 8, now: begins })
      const config = connection(vendor)
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* pullRun([config])
        const { sent } = yield* hinted(simulator, [config])
        const [other] = yield* rowsOf<{ id: string }>(
          "SELECT id FROM conversations WHERE provider_status IS NOT ? LIMIT 1",
          word
        )
        const outbox = yield* Outbox
        const asked = yield* outbox.ask({
          id: other?.id ?? "",
          requested: { status, category: null, summary: null, title: null, tags: [] },
          requestedBy: "a test",
          refuse: () => null
        })
        expect(asked._tag).toBe("Asked")
        const { report } = yield* run({
          command: "push",
          connections: [config],
          maxWaitMillis: minute,
          lanes: [pushLane]
        })
        expect(report.connections[0]?.changes.confirmed).toBe(1)
        const pushed = simulator.log.length
        yield* Effect.sleep(minute)
        expect(sent.length).toBeGreaterThan(0)
        expect(simulator.log.slice(pushed).map(({ url }) => url)).toEqual([])
        expect(yield* rowsOf("SELECT received - merged AS named, useless FROM hint_counts")).toEqual([
          { named: 1, useless: 1 }
        ])
      }).pipe(Effect.scoped, Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
    }).pipe(Effect.scoped, Effect.withClock(leaping.clock))
  }
)
