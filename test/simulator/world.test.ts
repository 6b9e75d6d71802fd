import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { advance } from "../../src/simulator/mutate.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import { makeSimulator, vendorIds } from "../../src/simulator/simulator.ts"
import { toMillis } from "../../src/simulator/vendors/convocore/world.ts"
import { ask, now } from "./support.ts"

const calls = {
  naturalead: "GET /api/conversations",
  convocore: "GET /v3/agents/agent-1/convos",
  empfio: "GET /api/v1/conversations?size=100",
  aelyst: "POST /v1/contact/list?limit=99"
} as const

const make = (seed = 9, conversations = 300) => makeSimulator({ seed, conversations, now, limits: false })

describe("a simulated world", () => {
  it.each(vendorIds)("has the same bytes for the same seed, and others for another: %s", (vendor) => {
    const text = (seed: number) => ask(make(seed), vendor, calls[vendor], { body: {} }).text
    expect(text(1)).toBe(text(1))
    expect(text(1)).not.toBe(text(2))
    expect(text(1).length).toBeGreaterThan(5000)
  })

  it("happened in the sixty days before it begins, in five languages, with about 17 messages a conversation", () => {
    const { world } = make(9, 3000).vendors.naturalead
    const all = [...world.conversations.values()]
    const begun = all.map((one) => Date.parse(one.createdAt))
    expect(Math.min(...begun)).toBeGreaterThanOrEqual(now - 60 * 86_400_000)
    expect(Math.min(...begun)).toBeLessThan(now - 50 * 86_400_000)
    expect(Math.max(...all.map((one) => Date.parse(one.updatedAt)))).toBeLessThan(now)
    const messages = all.reduce((sum, one) => sum + one.messageCount, 0)
    expect(messages / all.length).toBeGreaterThan(14)
    expect(messages / all.length).toBeLessThan(20)
    const text = all.flatMap((one) => world.messagesOf(one).map((message) => message.content)).join(" ")
    for (const script of [/[a-z]/, /[äöüß]/, /\p{Script=Han}/u, /\p{Script=Arabic}/u, /\p{Script=Thai}/u]) {
      expect(text).toMatch(script)
    }
    expect(new Set(all.map((one) => one.status))).toEqual(new Set(world.statuses))
  })

  it.each(vendorIds)("keeps its counts and times together: %s", (vendor) => {
    const { world } = make().vendors[vendor]
    expect(world.conversations.size).toBe(300)
    for (const id of world.conversations.keys()) {
      const lines = world.lines(id)
      const times = lines.map((line) => line.at)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(world.messages(id)).toHaveLength(lines.length)
    }
  })

  it("gives no two of many records the same id", () => {
    const { world } = makeSimulator({ seed: 1, conversations: { empfio: 20_000 }, now }).vendors.empfio
    const ids = new Set<string>()
    let messages = 0
    for (const id of world.conversations.keys()) {
      for (const message of world.messages(id)) ids.add(message.id)
      messages += world.lines(id).length
    }
    expect(world.conversations.size).toBe(20_000)
    expect(ids.size).toBe(messages)
  })

  it("shows the last message in what summarises a conversation", () => {
    const { empfio, convocore } = make().vendors
    for (const [id, one] of convocore.world.conversations) {
      expect(one.lastMessage).toBe(convocore.world.lines(id).at(-1)?.text)
    }
    const spoken = [...empfio.world.conversations.values()].find((one) => one.message_count > 0)
    const preview = spoken?.last_message_preview?.replace("...", "") ?? ""
    expect(
      empfio.world
        .messages(spoken?.id ?? "")
        .at(-1)
        ?.content.startsWith(preview)
    ).toBe(true)
  })

  it("moves counts, times and previews with a new message, and with a status", () => {
    const { naturalead, convocore, empfio, aelyst } = make().vendors
    const at = now + 60_000
    const first = (world: { conversations: ReadonlyMap<string, unknown> }) =>
      [...world.conversations.keys()][5] ?? ""

    const lead = first(naturalead.world)
    const before = naturalead.world.messages(lead)
    naturalead.world.addMessage(lead, at, "customer", "One more thing")
    expect(naturalead.world.messages(lead).slice(0, -1)).toEqual(before)
    expect(naturalead.world.conversations.get(lead)).toMatchObject({
      messageCount: before.length + 1,
      updatedAt: new Date(at).toISOString()
    })

    const salon = first(empfio.world)
    empfio.world.addMessage(salon, at, "customer", "One more thing")
    expect(empfio.world.conversations.get(salon)).toMatchObject({
      updated_at: "2026-03-07T10:01:00Z",
      last_message_at: "2026-03-07T10:01:00Z",
      last_message_preview: "One more thing"
    })
    empfio.world.setStatus(salon, "escalated", at + 5000)
    expect(empfio.world.conversations.get(salon)).toMatchObject({
      status: "escalated",
      updated_at: "2026-03-07T10:01:05Z",
      last_message_at: "2026-03-07T10:01:00Z"
    })

    const chat = first(convocore.world)
    const lastMessageTS = at / 1000
    convocore.world.addMessage(chat, at, "customer", "One more thing")
    expect(convocore.world.conversations.get(chat)).toMatchObject({
      lastMessage: "One more thing",
      lastMessageTS
    })
    convocore.world.setStatus(chat, "human-chatting", at + 3000)
    const changed = convocore.world.conversations.get(chat)
    expect(changed).toMatchObject({ state: "human-chatting", lastMessageTS })
    expect(toMillis(changed?.lastModified ?? 0)).toBe(at + 3000)

    const contact = [...aelyst.world.conversations.values()].find((one) => one.status === "closed")
    const id = String(contact?.id)
    aelyst.world.addMessage(id, at, "customer", "Hello again")
    expect(aelyst.world.messages(id).at(-1)).toMatchObject({ traffic: "incoming", messageId: at / 1000 })
    expect(contact?.status).toBe("open")
  })

  it("never lets a message come before the one it follows", () => {
    const { world } = make().vendors.naturalead
    const [id = ""] = world.conversations.keys()
    world.addMessage(id, now, "customer", "late")
    world.addMessage(id, now - 1000, "agent", "earlier")
    const times = world.messages(id).map((message) => message.timestamp)
    expect(times).toEqual([...times].sort())
  })

  it.each(vendorIds)("goes on by about one conversation in a hundred: %s", (vendor) => {
    const simulator = make()
    const { world } = simulator.vendors[vendor]
    const before = new Map([...world.conversations].map(([id, one]) => [id, JSON.stringify(one)]))
    const counts = new Map([...before.keys()].map((id) => [id, world.lines(id).length]))
    const changes = advance(simulator, vendor, { at: now + 60_000, removed: 2 })
    expect(changes.messages.length + changes.statuses.length).toBe(3)
    for (const id of changes.messages) expect(world.lines(id).length).toBeGreaterThan(counts.get(id) ?? 0)
    for (const id of changes.added) expect(world.conversations.has(id)).toBe(true)
    for (const id of changes.removed) expect(world.conversations.has(id)).toBe(false)
    expect(changes.removed).toHaveLength(2)
    const touched = new Set([...changes.messages, ...changes.statuses, ...changes.removed])
    for (const [id, text] of before)
      if (!touched.has(id)) expect(JSON.stringify(world.conversations.get(id))).toBe(text)
    expect(world.conversations.size).toBe(300 - 2 + changes.added.length)
    const again = make()
    expect(advance(again, vendor, { at: now + 60_000, removed: 2 })).toEqual(changes)
  })

  it("shows what changed at once, and keeps showing what a reordering moved", () => {
    const simulator = make()
    const { world } = simulator.vendors.naturalead
    const ids = () =>
      ask(simulator, "naturalead", calls.naturalead).body.map((one: { _id: string }) => one._id)
    const before = ids()
    world.reorder(makeRandom(1))
    expect(ids()).not.toEqual(before)
    expect([...ids()].sort()).toEqual([...before].sort())
    world.remove(before[0])
    expect(ids()).not.toContain(before[0])
    const { empfio } = simulator.vendors
    const id = empfio.world.addConversation(now + 1000)
    expect(ask(simulator, "empfio", calls.empfio).body.conversations[0].id).toBe(id)
  })

  it("finishes a list that was begun before a conversation went", () => {
    const simulator = make()
    const { naturalead } = simulator.vendors
    const headers = { "x-api-key": naturalead.options.apiKey }
    const request = { method: "GET", url: "/api/conversations", origin: "", headers, body: "" }
    const pieces = simulator.handle("naturalead", request, now).body as Iterable<string>
    const iterator = pieces[Symbol.iterator]()
    let text: string = iterator.next().value
    const last = [...naturalead.world.conversations.values()].findLast((one) => one.messageCount > 0)
    naturalead.world.remove(last?._id ?? "")
    for (let piece = iterator.next(); piece.done !== true; piece = iterator.next()) text += piece.value
    const found = JSON.parse(text).find((one: { _id: string }) => one._id === last?._id)
    expect(found.messages).toHaveLength(last?.messageCount ?? -1)
  })

  it("takes texts and lengths from a file of dialogues", () => {
    const path = join(mkdtempSync(join(tmpdir(), "parley-")), "dialogues.jsonl.gz")
    const turns = [
      [0, "A table for two, please."],
      [1, "At what time?"],
      [0, "Half past seven."]
    ]
    writeFileSync(path, gzipSync(`${JSON.stringify({ id: "a", services: [], turns })}\n`))
    const simulator = makeSimulator({ seed: 1, conversations: { naturalead: 2 }, now, dialogues: path })
    rmSync(dirname(path), { recursive: true })
    const { world } = simulator.vendors.naturalead
    const [id = ""] = world.conversations.keys()
    expect(world.messages(id).map((message) => [message.role, message.content])).toEqual([
      ["lead", "A table for two, please."],
      ["agent", "At what time?"],
      ["lead", "Half past seven."]
    ])
  })
})
