import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { activityOf as readActivity, type Spoken, slotsOf } from "../../../src/store/mirror/activity.ts"
import { at } from "../../analysis/smallMirror.ts"

type Line = readonly [role: Spoken["role"], second: number | null, providerRole?: string, author?: string]

const spoken = (...lines: ReadonlyArray<Line>): ReadonlyArray<Spoken> =>
  lines.map(([role, second, providerRole = null, author = null]) => ({
    role,
    providerRole,
    author,
    sentAt: second === null ? null : at(second)
  }))

/** Everything that these tests say is believed. */
const believed = at(40 * 86_400)

const activityOf = (messages: ReadonlyArray<Spoken>, closings: ReadonlyArray<string> = []) =>
  readActivity(messages, believed, closings)

describe("who spoke when", () => {
  it("times the answer that follows the customer, not the greeting before", () => {
    const activity = activityOf(
      spoken(["agent", 0], ["customer", 10], ["customer", 12], ["system", 13], ["agent", 15], ["human", 90])
    )
    expect(activity).toEqual({
      customerMessages: 2,
      agentMessages: 2,
      humanMessages: 1,
      unknownMessages: 0,
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
      secondsToLastMessage: 80,
      untimedMessages: 0,
      futureTimes: 0,
      pastTimes: 0,
      negativeTimes: 0,
      turns: [{ askedAt: at(10), answeredAt: at(15), answeredBy: "agent", seconds: 5 }],
      sessions: [
        {
          startedAt: at(0),
          endedAt: at(90),
          messages: 6,
          customerMessages: 2,
          agentMessages: 2,
          humanMessages: 1,
          firstAnswerSeconds: 5,
          firstAnswerBy: "agent"
        }
      ],
      people: [{ author: null, messages: 1, firstAnswerSeconds: 80 }]
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

  it("says nothing of durations where the vendor's clocks ran backwards, and counts how often", () => {
    const activity = activityOf(spoken(["customer", 10], ["agent", 9], ["customer", 20], ["human", 30]))
    expect(activity.secondsToFirstAnswer).toBeNull()
    expect(activity.secondsToPerson).toBe(20)
    expect(activity.negativeTimes).toBe(1)
    expect(activity.turns.map(({ seconds }) => seconds)).toEqual([null, 10])
  })

  it("does not take a person who spoke first for an answer", () => {
    const greeted = activityOf(spoken(["human", 0], ["customer", 10]))
    expect([greeted.secondsToPerson, greeted.firstHumanAt]).toEqual([null, at(0)])
    expect(activityOf(spoken(["human", 0], ["customer", 10], ["human", 25])).secondsToPerson).toBe(15)
  })

  it("takes a message to many, or one of a rule, for no answer", () => {
    for (const word of ["broadcast", "workflow"]) {
      const activity = activityOf(spoken(["customer", 0], ["agent", 5, word], ["agent", 60, "ai_agent"]))
      expect(activity.firstAnswerAt).toBe(at(60))
      expect(activity.agentMessages).toBe(2)
      expect(activityOf(spoken(["customer", 0], ["agent", 5, word])).unansweredSince).toBe(at(0))
    }
  })

  it("takes times before 2000 and ahead of the clock for unknown", () => {
    const odd: ReadonlyArray<Spoken> = [
      { role: "customer", providerRole: null, author: null, sentAt: "1970-01-01T00:00:00.000Z" },
      { role: "agent", providerRole: null, author: null, sentAt: at(5) },
      { role: "customer", providerRole: null, author: null, sentAt: at(10) },
      { role: "agent", providerRole: null, author: null, sentAt: "2031-01-01T00:00:00.000Z" }
    ]
    const activity = activityOf(odd)
    expect([activity.pastTimes, activity.futureTimes]).toEqual([1, 1])
    expect(activity.turns.map(({ answeredBy, seconds }) => [answeredBy, seconds])).toEqual([
      ["agent", null],
      ["agent", null]
    ])
    expect([activity.firstMessageAt, activity.secondsToLastMessage]).toEqual([at(5), null])
  })

  it("begins a session after a day without a word, and where the conversation was opened again", () => {
    const day = 86_400
    const said = spoken(
      ["customer", 0],
      ["agent", 60],
      ["customer", 60 + day],
      ["human", 90 + day],
      ["customer", 100 + day]
    )
    expect(activityOf(said).sessions).toMatchObject([
      { startedAt: at(0), endedAt: at(60), messages: 2, firstAnswerSeconds: 60, firstAnswerBy: "agent" },
      { startedAt: at(60 + day), messages: 3, firstAnswerSeconds: 30, firstAnswerBy: "human" }
    ])
    // A second less is no pause.
    const shorter = spoken(["customer", 0], ["agent", 60], ["customer", 59 + day])
    expect(activityOf(shorter).sessions).toHaveLength(1)
    expect(activityOf(said, [at(95 + day)]).sessions).toMatchObject([
      { messages: 2 },
      { messages: 2 },
      { messages: 1, customerMessages: 1, firstAnswerBy: null }
    ])
  })

  it("tells people on our side apart, and who of them was first", () => {
    const activity = activityOf(
      spoken(
        ["customer", 0],
        ["human", 30, "user", "7"],
        ["human", 40, "user", "8"],
        ["human", 50, "user", "7"]
      )
    )
    expect(activity.people).toEqual([
      { author: "7", messages: 2, firstAnswerSeconds: 30 },
      { author: "8", messages: 1, firstAnswerSeconds: null }
    ])
  })

  it("counts messages by quarters of an hour, before 1970 too", () => {
    const early: Spoken = {
      role: "system",
      providerRole: null,
      author: null,
      sentAt: "1969-12-31T23:59:00.000Z"
    }
    const slots = slotsOf([
      ...spoken(["customer", 0], ["customer", 899], ["agent", 900], ["human", null]),
      early
    ])
    const first = Date.parse(at(0)) / 900_000
    expect([...slots]).toEqual([
      [first, { customer: 2, agent: 0, human: 0, system: 0, unknown: 0 }],
      [first + 1, { customer: 0, agent: 1, human: 0, system: 0, unknown: 0 }],
      [-1, { customer: 0, agent: 0, human: 0, system: 1, unknown: 0 }]
    ])
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
