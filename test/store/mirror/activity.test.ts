import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { activityOf, type Spoken } from "../../../src/store/mirror/activity.ts"
import { at } from "../../analysis/smallMirror.ts"

const spoken = (...lines: ReadonlyArray<readonly [Spoken["role"], number | null]>): ReadonlyArray<Spoken> =>
  lines.map(([role, second]) => ({ role, sentAt: second === null ? null : at(second) }))

describe("who spoke when", () => {
  it("times the answer that follows the customer, not the greeting before", () => {
    const activity = activityOf(
      spoken(["agent", 0], ["customer", 10], ["customer", 12], ["system", 13], ["agent", 15], ["human", 90])
    )
    expect(activity).toEqual({
      customerMessages: 2,
      agentMessages: 2,
      humanMessages: 1,
      firstMessageAt: at(0),
      firstCustomerAt: at(10),
      firstAnswerAt: at(15),
      firstAnswerBy: "agent",
      firstHumanAt: at(90),
      lastCustomerAt: at(12),
      lastRole: "human",
      unansweredSince: null,
      secondsToFirstAnswer: 5,
      secondsToPerson: 80,
      secondsToLastMessage: 80
    })
  })

  it("lets a customer wait since the first of the messages that nobody answered", () => {
    const activity = activityOf(
      spoken(
        ["customer", 0],
        ["agent", 5],
        ["customer", 20],
        ["customer", 30],
        ["system", 31],
        ["unknown", 32]
      )
    )
    expect(activity.unansweredSince).toBe(at(20))
    expect(activity.lastRole).toBe("customer")
    expect(activity.lastCustomerAt).toBe(at(30))
  })

  it("keeps a moment without a time unknown, and does not take a later one for it", () => {
    const activity = activityOf(spoken(["customer", null], ["agent", null], ["customer", 7], ["agent", 9]))
    expect(activity.firstCustomerAt).toBeNull()
    expect(activity.firstAnswerAt).toBeNull()
    expect(activity.firstAnswerBy).toBe("agent")
    expect(activity.firstMessageAt).toBe(at(7))
  })

  it("counts no negative seconds where the vendor's clocks disagree", () => {
    const activity = activityOf(spoken(["customer", 10], ["agent", 9]))
    expect(activity.secondsToFirstAnswer).toBe(0)
    expect(activity.secondsToLastMessage).toBe(0)
  })

  it("finds the same as a look at each question by itself, whatever was said", () => {
    const role = fc.constantFrom("customer", "agent", "human", "system", "unknown") as fc.Arbitrary<
      Spoken["role"]
    >
    const line = fc.tuple(role, fc.option(fc.integer({ min: 0, max: 500 })))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const list = spoken(...lines)
        const activity = activityOf(list)
        const indexOf = (wanted: (said: Spoken) => boolean) => list.findIndex(wanted)
        const isOurs = ({ role }: Spoken) => role === "agent" || role === "human"
        const first = indexOf((said) => said.role === "customer")
        const answer = list.find((said, index) => first >= 0 && index > first && isOurs(said))
        expect(activity.firstCustomerAt).toBe(list[first]?.sentAt ?? null)
        expect([activity.firstAnswerBy, activity.firstAnswerAt]).toEqual([
          answer?.role ?? null,
          answer?.sentAt ?? null
        ])
        const afterOurs = list.slice(list.findLastIndex(isOurs) + 1)
        expect(activity.unansweredSince).toBe(
          afterOurs.find((said) => said.role === "customer")?.sentAt ?? null
        )
        expect(activity.lastRole).toBe(
          list.findLast((said) => isOurs(said) || said.role === "customer")?.role ?? null
        )
        expect(activity.firstHumanAt).toBe(list.find((said) => said.role === "human")?.sentAt ?? null)
        expect(activity.customerMessages + activity.agentMessages + activity.humanMessages).toBe(
          list.filter((said) => isOurs(said) || said.role === "customer").length
        )
      })
    )
  })
})
