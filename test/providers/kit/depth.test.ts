import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Json } from "../../../src/domain/Conversation.ts"
import { parseExactly, writeExactly } from "../../../src/domain/exactJson.ts"
import { heldOrUnreadable } from "../../../src/providers/kit/depth.ts"
import { syncLane } from "../../../src/sync/lanes.ts"
import { run } from "../../../src/sync/run.ts"
import { conversation, message, sighting } from "../../store/fixtures.ts"
import { inProcess, makeWorld, rowsOf, temporaryFolder } from "../../support/inProcess.ts"

/** A value of so many levels. */
const nested = (levels: number, innermost: Json = "deep"): Json =>
  Array.from({ length: levels }).reduce<Json>((inner) => ({ inner }), innermost)

const shown = (levels: number) => {
  const attributes = { source: nested(levels) }
  return {
    ...sighting(),
    conversation: conversation({ attributes }),
    raw: [
      { kind: "row", providerId: "c1", conversationId: "c1", payload: "{}" },
      {
        kind: "conversation",
        providerId: "c1",
        conversationId: "c1",
        payload: JSON.stringify({ attributes })
      }
    ]
  }
}

describe("a value in a value in a value", () => {
  it("is kept where it is of a depth that the mirror can hold", () => {
    const item = shown(400)
    expect(heldOrUnreadable(item)).toBe(item)
  })

  it("makes its conversation unreadable where it is deeper, which is kept whole", () => {
    const item = shown(600)
    expect(heldOrUnreadable(item)).toMatchObject({
      _tag: "Unreadable",
      unreadable: { kind: "conversation", conversationId: "c1", payload: item.raw[1]?.payload }
    })
  })

  it("is kept only where it can be read back from the mirror, whatever is innermost", () => {
    for (const innermost of ["deep", {}, []]) {
      for (let levels = 495; levels <= 505; levels += 1) {
        const attributes = { source: nested(levels, innermost) }
        const messages = { extent: "whole", items: [message({ attributes })] } as const
        const readsBack = (): unknown => parseExactly(writeExactly(attributes))
        for (const one of [sighting({ attributes }), sighting({}, { messages })]) {
          if (heldOrUnreadable(one)._tag === "Sighting") expect(readsBack).not.toThrow()
          else expect(readsBack).toThrow(/nested more than/)
        }
      }
    }
  })

  it.live("stops no other conversation of its page", () =>
    Effect.gen(function* () {
      const { connection, simulator } = yield* makeWorld({ conversations: { convocore: 12 } })
      const folder = yield* temporaryFolder
      const [third] = [...simulator.vendors.convocore.world.conversations.values()].slice(2)
      if (third !== undefined) third.capturedVariables = { tree: nested(2_000) }
      yield* Effect.gen(function* () {
        const { exitCode, report } = yield* run({
          command: "sync",
          connections: [connection("convocore")],
          maxWaitMillis: 1_000,
          lanes: [syncLane({ full: false })]
        })
        expect(exitCode).toBe(3)
        expect(report.connections).toMatchObject([{ outcome: "partial", quarantined: 1 }])
        expect(yield* rowsOf("SELECT count(*) AS n FROM conversations")).toEqual([{ n: 12 }])
        const [kept] = yield* rowsOf<{ payload: string }>(
          "SELECT payload FROM quarantine WHERE conversation_provider_id = ?",
          third?.ID
        )
        expect(kept?.payload).toContain(JSON.stringify(nested(2_000)))
      }).pipe(Effect.provide(inProcess(join(folder, "mirror.db"), simulator)))
    }).pipe(Effect.scoped)
  )
})
