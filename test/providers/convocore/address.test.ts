import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { addressOf, agentIn, idWithAgent } from "../../../src/providers/convocore/address.ts"
import { identify } from "../../../src/providers/convocore/rows.ts"
import type { Known } from "../../../src/providers/Provider.ts"

const agents = ["agent-1", "b", "a/b"]
const ids = FastCheck.stringMatching(/^(x|bob|a\/b|@)(@agent-1|@b|@a\/b|\/x){0,3}$/)
const listed = FastCheck.uniqueArray(FastCheck.tuple(ids, FastCheck.constantFrom(...agents)), {
  selector: (one) => one.join("\n"),
  maxLength: 12
})

const known = (providerId: string, agentId: string): Known => ({
  providerId,
  agentId,
  fingerprint: null,
  storedMessages: 0,
  updatedAt: null,
  deleted: false
})

describe("the ids of several agents' conversations", () => {
  it("are never two conversations' at once, and lead back to the one they were made for", () => {
    FastCheck.assert(
      FastCheck.property(listed, FastCheck.nat(12), (all, storedBefore) => {
        const stored = new Map<string, Known>()
        const scans = [all.slice(0, storedBefore), all, all.toReversed()]
        const first = new Map<string, string | null>()
        for (const scan of scans) {
          const owners = { owners: new Map<string, string>() }
          for (const [id, agentId] of scan) {
            const { providerId } = identify(owners, agentId, id, stored)
            const before = first.get(`${id}\n${agentId}`)
            if (before !== undefined && before !== null) assert.strictEqual(providerId, before)
            first.set(`${id}\n${agentId}`, providerId)
            if (providerId === null) continue
            assert.deepStrictEqual(addressOf(providerId, agentId), { agentId, id, providerId })
            stored.set(providerId, known(providerId, agentId))
          }
        }
        const given = [...first.values()].filter((providerId) => providerId !== null)
        assert.strictEqual(new Set(given).size, given.length)
      }),
      { numRuns: 500 }
    )
  })

  it("end in the agent's where the vendor's own does, so that a change reaches the right one", () => {
    const owners = { owners: new Map<string, string>() }
    const of = (id: string) => identify(owners, "agent-1", id, new Map()).providerId
    assert.strictEqual(of("bob"), "bob")
    assert.strictEqual(of("bob@agent-1"), "bob@agent-1@agent-1")
    assert.strictEqual(addressOf("bob@agent-1@agent-1", "agent-1").id, "bob@agent-1")
  })

  it("tell a payload's agent, whatever slashes there are", () => {
    const payload = (agentId: string, id: string, conversationId: string) =>
      agentIn({ kind: "detail", providerId: `${agentId}/${id}`, conversationId, payload: "{}" })
    assert.strictEqual(payload("a/b", "c/d", "c/d"), "a/b")
    assert.strictEqual(payload("a/b", "c/d", idWithAgent("c/d", "a/b")), "a/b")
    assert.strictEqual(payload("agent-1", "x", "x"), "agent-1")
  })
})
