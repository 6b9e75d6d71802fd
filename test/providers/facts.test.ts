import { Effect, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import type { StatusChange } from "../../src/domain/StatusChange.ts"
import { facts as aelyst } from "../../src/providers/aelyst/facts.ts"
import * as aelystRequests from "../../src/providers/aelyst/requests.ts"
import { facts as convocore } from "../../src/providers/convocore/facts.ts"
import * as convocoreRequests from "../../src/providers/convocore/requests.ts"
import { facts as empfio } from "../../src/providers/empfio/facts.ts"
import * as empfioRequests from "../../src/providers/empfio/requests.ts"
import { registry } from "../../src/providers/index.ts"
import { compareWith, emptySample } from "../../src/providers/kit/contract.ts"
import type { Facts } from "../../src/providers/kit/facts.ts"
import { facts as naturalead } from "../../src/providers/naturalead/facts.ts"
import { next, start } from "../../src/providers/naturalead/paging.ts"
import * as naturaleadRequests from "../../src/providers/naturalead/requests.ts"
import type { AnyProviderDefinition, Provider } from "../../src/providers/Provider.ts"
import { makeSimulator, type VendorId } from "../../src/simulator/index.ts"
import type { FakeAnswer } from "../support/fakeClient.ts"
import { type Instead, simulatedProvider } from "../support/simulatedPull.ts"
import { worldBegins } from "../support/simulatedVendor.ts"

/*
 * The vendors' pages, written down a second time by hand: what the adapter sends and what the simulated vendor takes must
 * be these. Then every fact of the tables is changed in turn, and each time some expectation must fail.
 */

const tables: Readonly<Record<VendorId, Facts>> = { naturalead, convocore, empfio, aelyst }

const definitionOf = (vendor: VendorId): AnyProviderDefinition => {
  const found = registry[vendor]
  if (found === undefined) throw new Error(`no adapter called ${vendor}`)
  return found
}

const open = (vendor: VendorId, instead: Instead = () => null) => {
  const simulator = makeSimulator({ seed: 3, conversations: 6, now: worldBegins, limits: false })
  return { simulator, ...simulatedProvider(simulator, vendor, definitionOf(vendor), instead) }
}

/** A request as it stands in the vendor's page, sent to the simulated vendor with the right credential. */
const ask = (vendor: VendorId, call: string, body?: unknown) => {
  const simulator = makeSimulator({ seed: 3, conversations: 6, now: worldBegins })
  const { aelyst, convocore, empfio, naturalead } = simulator.vendors
  const authorization = {
    aelyst: `Bearer ${aelyst.options.token}`,
    convocore: `Bearer ${convocore.options.token}`,
    empfio: `Bearer ${empfio.options.token}`
  }
  const headers: Record<string, string> =
    vendor === "naturalead"
      ? { "x-api-key": naturalead.options.apiKey }
      : { authorization: authorization[vendor] }
  const [id = ""] = simulator.vendors[vendor].world.conversations.keys()
  const agent = convocore.world.agentOf(id) ?? ""
  const [method = "", path = ""] = call.replace("{id}", id).replace("{agent}", agent).split(" ")
  const send = (at: number) =>
    simulator.handle(
      vendor,
      {
        method,
        origin: "http://x",
        url: path,
        headers,
        body: body === undefined ? "" : JSON.stringify(body)
      },
      at
    )
  return { status: send(worldBegins).status, send }
}

const callOf = ({ method, path }: { readonly method: string; readonly path: string }) => `${method} ${path}`

const status = (vendor: VendorId, call: string, body?: unknown): number => ask(vendor, call, body).status

/** How many of so many requests at once are served before the first refusal. */
const served = (vendor: VendorId, call: string, most: number): number => {
  const { send } = ask(vendor, call)
  for (let count = 1; count <= most; count++) if (send(worldBegins).status === 429) return count
  return most + 1
}

const limitsOf = (vendor: VendorId) =>
  definitionOf(vendor).limits.map(({ perMillis, requests, scope }) => [requests, perMillis, scope])

const headersOf = (vendor: VendorId) => {
  const secret = Redacted.make("t")
  const settings = { name: "a", baseUrl: "http://x", statusMap: {}, apiKey: secret, token: secret }
  const signed = definitionOf(vendor).authorize(settings)
  return signed._tag === "Fixed"
    ? Object.entries(signed.headers).map(([name, value]) => `${name}: ${Redacted.value(value)}`)
    : []
}

const change = (requested: Partial<StatusChange["requested"]>): StatusChange["requested"] => ({
  status: "completed",
  category: null,
  summary: null,
  title: null,
  tags: [],
  ...requested
})

const refuses = (provider: Provider, requested: Partial<StatusChange["requested"]>): boolean =>
  provider.refuse(change(requested)) !== null

/** The vendor's own examples, with every documented field. */
const examples: Readonly<Record<VendorId, Readonly<Record<string, object>>>> = {
  naturalead: {
    conversation: {
      _id: "665f1a2b3c4d5e6f7a8b9c0d",
      leadId: "1",
      accountId: "a",
      agentConfigId: "b",
      channel: "whatsapp",
      leadPhone: "+1",
      status: "active",
      currentStageIndex: 1,
      messages: [],
      messageCount: 0,
      createdAt: "t",
      updatedAt: "t",
      campaignId: "c",
      leadEmail: "e",
      currentStageName: "s",
      summary: "s",
      qualificationResult: {}
    },
    message: { role: "agent", content: "c", timestamp: "t", agentConfigId: "a" }
  },
  convocore: {
    conversation: {
      ...Object.fromEntries(
        "ID userID userEmail userName userPhone userAddress userCompany userWebsite notes userProfilePic campaignId userImage socialHandle userOs userBrowser userPlatform chatAssignedTo lang endReason notifyToUserId summary requestedTeamKey delegatedBy note funnelSummary title lastMessage"
          .split(" ")
          .map((name) => [name, "text"])
      ),
      ...Object.fromEntries(
        "messagesNum interactionsNum ts convoTimeSeconds firstMessageTS lastMessageTS lastModified sessionsNum ratingFrom5 totalUserInteractions averageLatency delegatedAt lastViewed leadScore funnelLastEvaluated"
          .split(" ")
          .map((name) => [name, 1])
      ),
      ...Object.fromEntries(
        "isFollowingBusiness socialVerified isTyping isBlocked isTest funnelNotificationSent"
          .split(" ")
          .map((name) => [name, true])
      ),
      tags: [],
      handoffHistory: [],
      origin: { any: 1 },
      state: "ai-chatting"
    },
    turn: { from: "user", messages: [] },
    message: { type: "text", ts: "December 1st 2024, 10:30:00 am", payload: {} }
  },
  empfio: {
    conversation: {
      id: "i",
      lead_id: "l",
      session_key: "k",
      channel: "web",
      status: "active",
      created_at: "t",
      updated_at: "t",
      lead: {},
      message_count: 1,
      last_message_at: "t",
      last_message_preview: "p"
    },
    detail: {
      id: "i",
      lead_id: "l",
      session_key: "k",
      channel: "web",
      status: "active",
      created_at: "t",
      updated_at: "t",
      lead: {},
      messages: []
    },
    message: { id: "i", conversation_id: "c", role: "user", content: "c", metadata: {}, created_at: "t" }
  },
  aelyst: {
    contact: {
      id: 1,
      firstName: "f",
      lastName: "l",
      phone: "p",
      email: "e",
      language: "en",
      profilePic: "u",
      countryCode: "MY",
      custom_fields: [],
      status: "open",
      tags: [],
      assignee: {},
      lifecycle: "l",
      created_at: 1,
      isBlocked: false
    },
    message: {
      messageId: 1,
      channelMessageId: 1,
      contactId: 1,
      channelId: 1,
      traffic: "incoming",
      message: {},
      status: [],
      sender: {}
    }
  }
}

/** The fields that may be missing or null: all of Convocore's conversations but one, since a list's row leaves out most. */
const optional: Readonly<Record<VendorId, Readonly<Record<string, ReadonlyArray<string>>>>> = {
  naturalead: {
    conversation: ["campaignId", "leadEmail", "currentStageName", "summary", "qualificationResult"],
    message: ["agentConfigId"]
  },
  convocore: {
    conversation: Object.keys(examples.convocore.conversation ?? {}).filter((name) => name !== "ID"),
    turn: [],
    message: ["payload"]
  },
  empfio: {
    conversation: ["lead_id", "lead", "last_message_at", "last_message_preview"],
    detail: ["lead_id", "lead"],
    message: ["metadata"]
  },
  aelyst: {
    contact: Object.keys(examples.aelyst.contact ?? {}).filter((name) => !["id", "firstName"].includes(name)),
    message: ["channelMessageId", "status", "sender"]
  }
}

/** The words of the vendor's pages. */
const words: Readonly<Record<VendorId, Readonly<Record<string, ReadonlyArray<string>>>>> = {
  naturalead: {
    "conversation.status": ["active", "completed", "handed_off", "dropped"],
    "conversation.channel": ["whatsapp", "telegram", "email"]
  },
  convocore: {
    "conversation.state": ["ai-chatting", "requested_chat", "human-chatting", "ended_chat", "completed"],
    "turn.from": ["user", "bot"]
  },
  empfio: {
    "conversation.status": ["active", "completed", "escalated", "abandoned"],
    "conversation.channel": ["whatsapp", "telegram", "web", "voice"],
    "message.role": ["user", "assistant", "system"]
  },
  aelyst: {
    "contact.status": ["open", "closed", "blocked"],
    "message.traffic": ["outgoing", "incoming"]
  }
}

const verdictsOf = (vendor: VendorId, records: Readonly<Record<string, ReadonlyArray<object>>>) =>
  compareWith(tables[vendor], { ...emptySample(), records: records as never }).filter(
    ({ fact }) => fact.startsWith("field") || fact.startsWith("words")
  )

/** What holds of all vendors: the examples of their pages, and no word besides theirs. */
const common = (vendor: VendorId): void => {
  const of = Object.entries(examples[vendor])
  const good = verdictsOf(vendor, Object.fromEntries(of.map(([kind, record]) => [kind, [record]])))
  expect(good.filter(({ fact, verdict }) => verdict !== "ok" && !fact.startsWith("words of write"))).toEqual(
    []
  )
  expect(Object.keys(tables[vendor].records)).toEqual(of.map(([kind]) => kind))
  for (const [kind, record] of of) {
    expect(Object.keys(tables[vendor].records[kind]?.is ?? {}).sort()).toEqual(Object.keys(record).sort())
    // A value of each other type differs, but for what may be of any, and a field that is left out unless it may be.
    for (const field of Object.keys(record)) {
      const verdict = (...values: ReadonlyArray<unknown>) =>
        verdictsOf(vendor, { [kind]: values.map((value) => ({ ...record, [field]: value })) }).find(
          ({ fact }) => fact.startsWith(`field ${kind}.${field}:`)
        )?.verdict
      const documented = (record as Readonly<Record<string, unknown>>)[field]
      for (const value of ["a text", 7, true, [1], { of: "another" }]) {
        const isOfAny =
          field === "origin" ||
          (kind === "message" && field === either[vendor] && ["string", "number"].includes(typeof value))
        const isTaken =
          isOfAny ||
          (typeof value === typeof documented && Array.isArray(value) === Array.isArray(documented))
        expect([field, value, verdict(value)]).toEqual([field, value, isTaken ? "ok" : "differs"])
      }
      const isOptional = optional[vendor][kind]?.includes(field)
      expect([field, verdict(documented, null)]).toEqual([field, isOptional ? "ok" : "differs"])
    }
  }
  for (const [name, all] of Object.entries(words[vendor])) {
    const [kind = "", field = ""] = name.split(".")
    const verdict = (values: ReadonlyArray<string>) =>
      verdictsOf(vendor, { [kind]: values.map((value) => ({ [field]: value })) }).find(({ fact }) =>
        fact.startsWith(`words of ${name}`)
      )
    expect(verdict(all)?.verdict).toBe("ok")
    expect(verdict(["weird"])).toMatchObject({ verdict: "differs", seen: "also weird" })
  }
  expect(Object.keys(tables[vendor].words).filter((name) => !name.startsWith("write"))).toEqual(
    Object.keys(words[vendor])
  )
}

/** Fields of a message that are text or a number. */
const either: Readonly<Partial<Record<VendorId, string>>> = { convocore: "ts", aelyst: "channelMessageId" }

const expectations: Readonly<Record<VendorId, () => Promise<void> | void>> = {
  naturalead: () => {
    common("naturalead")
    expect(callOf(naturaleadRequests.listConversations())).toBe("GET /conversations")
    expect(callOf(naturaleadRequests.getConversation("a/b"))).toBe("GET /conversations/a%2Fb")
    expect(callOf(naturaleadRequests.updateStatus("a", "completed"))).toBe("PATCH /conversations/a/status")
    expect(status("naturalead", "GET /api/conversations")).toBe(200)
    expect(status("naturalead", "GET /api/conversations?status=dropped")).toBe(200)
    expect(status("naturalead", "GET /api/conversations/{id}")).toBe(200)
    expect(status("naturalead", "GET /api/messages/{id}")).toBe(404)
    for (const word of ["completed", "handed_off", "dropped"]) {
      expect(status("naturalead", "PATCH /api/conversations/{id}/status", { status: word })).toBe(200)
    }
    for (const word of ["active", "abandoned", "weird"]) {
      expect(status("naturalead", "PATCH /api/conversations/{id}/status", { status: word })).toBe(400)
    }
    expect(headersOf("naturalead")).toEqual(["X-API-Key: t"])
    expect(naturaleadRequests.listConversations({ limit: 500 }).query?.limit).toBe(100)
    const search = { parameter: "q", text: "x".repeat(300) }
    expect(String(naturaleadRequests.listConversations({ search }).query?.q)).toHaveLength(100)
    const cut = next(
      start,
      { elements: 50, fresh: 50, unique: 50, total: null, more: false, isAnchored: false },
      true
    )
    expect(cut._tag === "Ask" && cut.walk.limit).toBe(100)
    expect(limitsOf("naturalead")).toEqual([
      [500, 60_000, "connection"],
      [2_000, 60_000, "connection"],
      [1_000, 60_000, "address"]
    ])
    expect(served("naturalead", "GET /api/conversations/{id}", 700)).toBe(500)
    expect(naturalead.words["write.status"].is).toEqual(["completed", "handed_off", "dropped"])
  },
  convocore: () => {
    common("convocore")
    const {
      exportConversation,
      exportConversations,
      getConversation,
      listAgents,
      listConversations,
      updateConversation
    } = convocoreRequests
    expect(callOf(listAgents())).toBe("GET /agents")
    expect(callOf(listConversations("a", { page: 1, limit: 1 }))).toBe("GET /agents/a/convos")
    expect(callOf(getConversation("a", "b"))).toBe("GET /agents/a/convos/b")
    expect(callOf(exportConversation("a", "b"))).toBe("GET /agents/a/convos/b/export")
    expect(callOf(exportConversations("a"))).toBe("GET /agents/a/convos/export")
    expect(callOf(updateConversation("a", "b", {}))).toBe("PATCH /agents/a/convos/b")
    expect(listConversations("a", { page: 1, limit: 900 }).query?.limit).toBe(100)
    expect(listConversations("a", { cursor: "c", limit: 900 }).query?.limit).toBe(20)
    expect(exportConversations("a", { limit: 900 }).query?.limit).toBe(50)
    const ids = Array.from({ length: 300 }, (_, index) => `c${index}`)
    expect(String(exportConversations("a", { convoIds: ids }).query?.convoIds).split(",")).toHaveLength(200)
    const calls = ["", "/{id}", "/{id}/export", "/export"].map((end) => `GET /v3/agents/{agent}/convos${end}`)
    for (const call of ["GET /v3/agents", ...calls])
      expect([call, status("convocore", call)]).toEqual([call, 200])
    expect(status("convocore", "GET /v3/agents/{agent}/threads")).toBe(404)
    expect(status("convocore", "GET /v3/agents/{agent}/convos?limit=20")).toBe(200)
    expect(status("convocore", "GET /v3/agents/{agent}/convos?limit=21")).toBe(400)
    expect(status("convocore", "GET /v3/agents/{agent}/convos/export?limit=50")).toBe(200)
    expect(status("convocore", "GET /v3/agents/{agent}/convos/export?limit=51")).toBe(400)
    const many = (count: number) =>
      `GET /v3/agents/{agent}/convos/export?convoIds=${ids.slice(0, count).join(",")}`
    expect([status("convocore", many(200)), status("convocore", many(201))]).toEqual([200, 400])
    const patch = (state: string) =>
      status("convocore", "PATCH /v3/agents/{agent}/convos/{id}", { conversation: { state } })
    for (const state of ["ai-chatting", "requested_chat", "human-chatting", "ended_chat"])
      expect(patch(state)).toBe(200)
    for (const state of ["closed", "weird"]) expect(patch(state)).toBe(400)
    expect(headersOf("convocore")).toEqual(["authorization: Bearer t"])
    expect(limitsOf("convocore")).toEqual([[1_500, 3_600_000, "connection"]])
    expect(served("convocore", "GET /v3/agents/{agent}/convos/{id}/export", 1_600)).toBe(1_500)
    expect(convocore.words["write.state"].is).toEqual([
      "ai-chatting",
      "requested_chat",
      "human-chatting",
      "ended_chat"
    ])
  },
  empfio: () => {
    common("empfio")
    const { getConversation, getMessages, listConversations, logIn, updateStatus, whoAmI } = empfioRequests
    expect(callOf(listConversations())).toBe("GET /api/v1/conversations")
    expect(callOf(getConversation("a"))).toBe("GET /api/v1/conversations/a")
    expect(callOf(getMessages("a"))).toBe("GET /api/v1/conversations/a/messages")
    expect(callOf(updateStatus("a", "active"))).toBe("PATCH /api/v1/conversations/a")
    expect(callOf(logIn("a", Redacted.make("b")))).toBe("POST /api/v1/auth/login")
    expect(callOf(whoAmI())).toBe("GET /api/v1/auth/me")
    expect(status("empfio", "GET /api/v1/auth/me")).toBe(200)
    expect(status("empfio", "POST /api/v1/auth/login", {})).toBe(422)
    expect(listConversations({ size: 900 }).query?.size).toBe(100)
    expect(getMessages("a", { limit: 900 }).query?.limit).toBe(500)
    const simulator = makeSimulator({
      seed: 3,
      conversations: 1,
      now: worldBegins,
      vendors: { empfio: { tooLarge: "refused" } }
    })
    const [id = ""] = simulator.vendors.empfio.world.conversations.keys()
    const strict = (url: string) =>
      simulator.handle(
        "empfio",
        {
          method: "GET",
          origin: "http://x",
          url: url.replace("{id}", id),
          headers: { authorization: `Bearer ${simulator.vendors.empfio.options.token}` },
          body: ""
        },
        worldBegins
      ).status
    expect([100, 101].map((size) => strict(`/api/v1/conversations?size=${size}`))).toEqual([200, 422])
    expect([500, 501].map((limit) => strict(`/api/v1/conversations/{id}/messages?limit=${limit}`))).toEqual([
      200, 422
    ])
    expect(strict("/api/v1/conversations/{id}")).toBe(200)
    const patch = (word: string) => status("empfio", "PATCH /api/v1/conversations/{id}", { status: word })
    for (const word of ["active", "completed", "escalated", "abandoned"]) expect(patch(word)).toBe(200)
    for (const word of ["handed_off", "weird"]) expect(patch(word)).toBe(422)
    expect(headersOf("empfio")).toEqual(["authorization: Bearer t"])
    expect(limitsOf("empfio")).toEqual([])
    expect(empfio.words["write.status"].is).toEqual(["active", "completed", "escalated", "abandoned"])
  },
  aelyst: () => {
    common("aelyst")
    const { getContact, getMessage, listContacts, listMessages, updateConversationStatus } = aelystRequests
    expect(callOf(listContacts({ limit: 1 }))).toBe("POST /contact/list")
    expect(callOf(getContact("1"))).toBe("GET /contact/id:1")
    expect(callOf(listMessages("1", { limit: 1 }))).toBe("GET /contact/id:1/message/list")
    expect(callOf(getMessage("1", "2"))).toBe("GET /contact/id:1/message/2")
    const update = { status: "close", category: null, summary: null }
    expect(callOf(updateConversationStatus("1", update))).toBe("POST /contact/id:1/conversation/status")
    expect(listContacts({ limit: 900 }).query?.limit).toBe(99)
    expect(listMessages("1", { limit: 900 }).query?.limit).toBe(50)
    const contacts = [99, 100].map((limit) => status("aelyst", `POST /v1/contact/list?limit=${limit}`, {}))
    const messages = [50, 51].map((limit) =>
      status("aelyst", `GET /v1/contact/id:{id}/message/list?limit=${limit}`)
    )
    expect([contacts, messages]).toEqual([
      [200, 400],
      [200, 400]
    ])
    expect(status("aelyst", "GET /v1/contact/id:{id}")).toBe(200)
    const patch = (body: object) => status("aelyst", "POST /v1/contact/id:{id}/conversation/status", body)
    for (const word of ["open", "close"]) expect(patch({ status: word })).toBe(200)
    for (const word of ["closed", "weird"]) expect(patch({ status: word })).toBe(400)
    const note = (category: number, summary: number) => ({
      status: "close",
      category: "c".repeat(category),
      summary: "s".repeat(summary)
    })
    expect([patch(note(128, 512)), patch(note(129, 1)), patch(note(1, 513))]).toEqual([200, 400, 400])
    const { provider } = open("aelyst")
    expect(refuses(provider, { category: "c".repeat(128), summary: "s".repeat(512) })).toBe(false)
    expect(refuses(provider, { category: "c".repeat(129) })).toBe(true)
    expect(refuses(provider, { category: "c", summary: "s".repeat(513) })).toBe(true)
    expect(headersOf("aelyst")).toEqual(["Authorization: Bearer t"])
    expect(limitsOf("aelyst")).toEqual([[5, 1_000, "path"]])
    expect(served("aelyst", "GET /v1/contact/id:{id}", 9)).toBe(5)
    expect(aelyst.words["write.status"].is).toEqual(["open", "close"])
  }
}

const vendors = Object.keys(tables) as ReadonlyArray<VendorId>

type Leaf = { readonly path: string; readonly holder: Record<string, unknown>; readonly key: string }

/** Every single value of a table: numbers, texts and lists of words; sources do not change what is done. */
const leavesOf = (value: unknown, path: string): ReadonlyArray<Leaf> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === "source") return []
    const isLeaf = typeof inner !== "object" || Array.isArray(inner)
    return isLeaf
      ? [{ path: `${path}.${key}`, holder: value as Record<string, unknown>, key }]
      : leavesOf(inner, `${path}.${key}`)
  })
}

const changed = (value: unknown): ReadonlyArray<unknown> => {
  if (typeof value === "number") return [value + 1, value - 1]
  if (Array.isArray(value)) {
    const without = value.map((_, index) => value.toSpliced(index, 1))
    const otherwise = value.map((word, index) => value.with(index, `${word}s`))
    return [...without, ...otherwise, [...value, "weird"]]
  }
  const types = ["text", "number", "flag", "list", "object", "any", "text or number"]
  const type = String(value).replace("?", "")
  if (!types.includes(type)) return [`${value}x`, `x${value}`, ""]
  const mark = String(value).slice(type.length)
  const others = types.filter((other) => other !== type).map((other) => `${other}${mark}`)
  return [...others, mark === "" ? `${type}?` : type]
}

describe("the documented facts", () => {
  for (const vendor of vendors) {
    it(`of ${vendor} are what the adapter sends and the simulated vendor takes`, async () => {
      await expectations[vendor]()
    })

    it(`of ${vendor} name the page of each`, () => {
      const sources = JSON.stringify(tables[vendor]).match(/"source":"[^"]*"/g) ?? []
      expect(sources.length).toBeGreaterThan(8)
      for (const source of sources) expect(source).toMatch(/"https:\/\/[\w.]+\//)
    })
  }
})

describe("comparing a live account with the documented facts", () => {
  const findings = (vendor: VendorId, instead?: Instead) =>
    Effect.runPromise(open(vendor, instead).provider.contract ?? Effect.succeed([]))

  for (const vendor of vendors) {
    it(`finds nothing to differ at the simulated ${vendor}, by reads alone`, async () => {
      const { provider, requests } = open(vendor)
      const all = await Effect.runPromise(provider.contract ?? Effect.succeed([]))
      expect(all.filter(({ verdict }) => verdict === "differs")).toEqual([])
      expect(all.filter(({ verdict }) => verdict === "ok").length).toBeGreaterThan(10)
      expect(requests.every(({ through }) => through !== "write")).toBe(true)
    })
  }

  const differing = async (vendor: VendorId, instead: Instead): Promise<ReadonlyArray<string>> =>
    (await findings(vendor, instead)).flatMap(({ fact, seen, verdict }) =>
      verdict === "differs" ? [`${fact}: ${seen}`] : []
    )

  it("names what a deviating vendor does otherwise, and no customer's text", async () => {
    const rewritten =
      (from: RegExp, to: string): Instead =>
      (_request, { status, text = "" }): FakeAnswer => ({
        status: status ?? 200,
        text: text.replaceAll(from, to)
      })
    expect(
      await differing("aelyst", rewritten(/"status":"(open|closed|blocked)"/g, '"status":"snoozed"'))
    ).toEqual(["words of contact.status: open, closed, blocked: also snoozed"])
    expect(
      await differing("empfio", rewritten(/"message_count":\d+/g, '"message_count":"Jane Smith"'))
    ).toEqual(["field conversation.message_count: number: text instead of number"])
    expect(await differing("naturalead", rewritten(/"updatedAt":"[^"]*",?/g, ""))).toEqual([
      expect.stringMatching(/^field conversation\.updatedAt: text: missing in \d+ of \d+$/)
    ])
    const refused = await differing("aelyst", ({ path }) =>
      path.endsWith("/message/list")
        ? { status: 400, json: { code: 400, message: "Validation error." } }
        : null
    )
    expect(refused.map((line) => line.slice(0, 40))).toEqual([
      "endpoint GET /contact/id:{contact}/messa",
      "at most 50: messages: a page of 50 is re"
    ])
    const failing = await differing("convocore", ({ path }) =>
      path.endsWith("/convos") ? { json: { success: false, message: "no", data: [] } } : null
    )
    expect(failing[0]).toContain("endpoint GET /agents/{agent}/convos: says that it failed")
  })
})

describe("a fact that is changed", () => {
  for (const vendor of vendors) {
    it(`makes an expectation of ${vendor} fail, whichever it is`, async () => {
      const leaves = leavesOf(tables[vendor], vendor)
      expect(leaves.length).toBeGreaterThan(15)
      const unnoticed: Array<string> = []
      for (const { holder, key, path } of leaves) {
        const before = holder[key]
        for (const value of changed(before).filter((one) => one !== before)) {
          holder[key] = value
          const isNoticed = await Promise.resolve()
            .then(() => expectations[vendor]())
            .then(
              () => false,
              () => true
            )
          if (!isNoticed) unnoticed.push(`${path}: ${JSON.stringify(value)}`)
        }
        holder[key] = before
      }
      expect(unnoticed).toEqual([])
      await expectations[vendor]()
    })
  }
})
