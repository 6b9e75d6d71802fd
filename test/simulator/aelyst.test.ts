import { describe, expect, it } from "vitest"
import { makeSimulator } from "../../src/simulator/simulator.ts"
import type { AelystOptions } from "../../src/simulator/vendors/aelyst/index.ts"
import { ask, now } from "./support.ts"

const make = (options: Partial<AelystOptions> = {}, conversations = 60) =>
  makeSimulator({
    seed: 6,
    conversations: { aelyst: conversations },
    now,
    limits: false,
    vendors: { aelyst: options }
  })
type Made = ReturnType<typeof make>

const list = (simulator: Made, query = "") =>
  ask(simulator, "aelyst", `POST /v1/contact/list${query}`, {
    body: { search: "", filter: { $and: [] }, timezone: "UTC" }
  })
const get = (simulator: Made, path: string) => ask(simulator, "aelyst", `GET /v1${path}`)
const setStatus = (simulator: Made, identifier: string, body: unknown) =>
  ask(simulator, "aelyst", `POST /v1/contact/${identifier}/conversation/status`, { body })
const talkative = (simulator: Made) =>
  [...simulator.vendors.aelyst.world.conversations.keys()].find(
    (id) => simulator.vendors.aelyst.world.lines(id).length > 12
  ) ?? ""

const cursorOf = (link: string) => new URL(link).searchParams.get("cursorId") ?? ""

/** Every id that walking the list meets, as often as it meets it. */
const walk = (simulator: Made, limit: number) => {
  const ids: Array<number> = []
  let query = `?limit=${limit}`
  while (ids.length < 1000) {
    const { items, pagination } = list(simulator, query).body
    ids.push(...items.map((contact: { id: number }) => contact.id))
    if (pagination.next === "") return ids
    query = `?limit=${limit}&cursorId=${cursorOf(pagination.next)}`
  }
  return ids
}

describe("the simulated Aelyst", () => {
  it.each([
    ["exclusive", "ascending"],
    ["inclusive", "ascending"],
    ["exclusive", "descending"],
    ["inclusive", "descending"]
  ] as const)(
    "pages through every contact once where the cursor is %s and the order %s",
    (cursor, contactOrder) => {
      const simulator = make({ cursor, contactOrder })
      const ids = walk(simulator, 7)
      const all = [...simulator.vendors.aelyst.world.conversations.values()].map((contact) => contact.id)
      expect(ids).toEqual(contactOrder === "ascending" ? all : all.reverse())
    }
  )

  it("repeats the cursor's own contact only where the cursor is inclusive", () => {
    for (const cursor of ["exclusive", "inclusive"] as const) {
      const simulator = make({ cursor })
      const last = list(simulator, "?limit=5").body.items.at(-1).id
      const next = list(simulator, `?limit=5&cursorId=${last}`).body.items[0].id
      expect(next === last).toBe(cursor === "inclusive")
    }
  })

  it("links without the version, back with a negative cursor, and to nothing at the ends", () => {
    const simulator = make()
    const first = list(simulator, "?limit=10").body
    expect(first.pagination.previous).toBe("")
    expect(first.pagination.next).toBe(
      `https://aelyst.example/contact/list?limit=10&cursorId=${first.items.at(-1).id}`
    )
    const second = list(simulator, `?limit=10&cursorId=${cursorOf(first.pagination.next)}`).body
    expect(cursorOf(second.pagination.previous)).toBe(`-${second.items[0].id}`)
    const back = list(simulator, `?limit=10&cursorId=${cursorOf(second.pagination.previous)}`).body
    expect(back.items).toEqual(first.items)
    expect(list(simulator, "?limit=99").body.pagination).toEqual({ next: "", previous: "" })
  })

  it.each(["0", "100", "ten"])("refuses a limit of %s", (limit) => {
    expect(list(make(), `?limit=${limit}`)).toMatchObject({
      status: 400,
      body: { code: 400, message: "Validation error." }
    })
  })

  it("takes a limit of 100 where it is told to, and ten where none is given", () => {
    expect(list(make({ largestLimit: 100 }), "?limit=100").body.items).toHaveLength(60)
    expect(list(make()).body.items).toHaveLength(10)
  })

  it("finds a contact by id, email and phone, encoded or not", () => {
    const simulator = make()
    const contact = [...simulator.vendors.aelyst.world.conversations.values()].find(
      (one) => one.email && one.phone
    )
    for (const identifier of [`id:${contact?.id}`, `email:${contact?.email}`, `phone:${contact?.phone}`]) {
      expect(get(simulator, `/contact/${identifier}`).body).toEqual(contact)
      expect(get(simulator, `/contact/${encodeURIComponent(identifier)}`).body).toEqual(contact)
    }
    expect(get(simulator, "/contact/id:1")).toMatchObject({
      status: 404,
      body: { code: 404, message: "Contact not found" }
    })
    expect(get(simulator, `/contact/${contact?.id}`).status).toBe(404)
  })

  it("lists messages newest first, each reachable by its id, incoming ones without any time", () => {
    const simulator = make()
    const id = talkative(simulator)
    const { items, pagination } = get(simulator, `/contact/id:${id}/message/list?limit=4`).body
    const ids = items.map((one: { messageId: number }) => one.messageId)
    expect(ids).toEqual([...ids].sort((a: number, b: number) => b - a))
    expect(pagination.next).toContain(`/v1/contact/id:${id}/message/list?limit=4&cursorId=${ids[3]}`)
    const next = get(simulator, `/contact/id:${id}/message/list?limit=4&cursorId=${ids[3]}`).body.items
    expect(next[0].messageId).toBeLessThan(ids[3])
    expect(get(simulator, `/contact/id:${id}/message/${ids[0]}`).body).toEqual(items[0])
    expect(get(simulator, `/contact/id:${id}/message/1`)).toMatchObject({ status: 404, body: { code: 404 } })
    for (const one of simulator.vendors.aelyst.world.messages(id)) {
      const incoming = one.traffic === "incoming"
      expect("status" in one).toBe(!incoming)
      expect("sender" in one).toBe(!incoming)
    }
  })

  it("gives every message of a contact an id of its own, whatever ids are made of", () => {
    for (const messageIds of ["seconds", "micros", "sequence"] as const) {
      const { world } = make({ messageIds }).vendors.aelyst
      for (const id of world.conversations.keys()) {
        const ids = world.messages(id).map((message) => message.messageId)
        expect(new Set(ids).size).toBe(ids.length)
        expect(ids).toEqual([...ids].sort((a, b) => a - b))
        expect(ids.every(Number.isSafeInteger)).toBe(true)
      }
    }
  })

  it("has no list of messages where it is told so, and the rest stays", () => {
    const simulator = make({ messageList: "absent" })
    const id = talkative(simulator)
    expect(get(simulator, `/contact/id:${id}/message/list`)).toMatchObject({
      status: 404,
      body: { code: 404 }
    })
    const message = simulator.vendors.aelyst.world.messages(id)[0]
    expect(get(simulator, `/contact/id:${id}/message/${message?.messageId}`).body).toEqual(message)
  })

  it("opens and closes by any identifier, answering with the contact's id alone", () => {
    const simulator = make()
    const { world } = simulator.vendors.aelyst
    const contact = [...world.conversations.values()].find(
      (one) => one.phone !== null && one.status === "open"
    )
    const note = { category: "Spam", summary: "This contact is a bot" }
    const closed = setStatus(simulator, `phone:${contact?.phone}`, { status: "close", ...note })
    expect(closed).toMatchObject({ status: 200, body: { contactId: contact?.id } })
    expect(Object.keys(closed.body)).toEqual(["contactId"])
    expect(get(simulator, `/contact/id:${contact?.id}`).body.status).toBe("closed")
    setStatus(simulator, `id:${contact?.id}`, { status: "open", category: "", summary: "" })
    expect(contact?.status).toBe("open")
    expect(world.effectsOn(String(contact?.id)).map((effect) => effect.detail)).toEqual([
      { status: "close", ...note },
      { status: "open" }
    ])
  })

  it.each([
    ["a status it only reads", { status: "closed" }],
    ["no status", {}],
    ["a category that is too long", { status: "close", category: "x".repeat(129) }],
    ["a summary that is too long", { status: "close", category: "Spam", summary: "x".repeat(513) }]
  ])("refuses a change with 400: %s", (_, body) => {
    const simulator = make()
    const [id] = simulator.vendors.aelyst.world.conversations.keys()
    expect(setStatus(simulator, `id:${id}`, body)).toMatchObject({ status: 400, body: { code: 400 } })
    expect(simulator.vendors.aelyst.world.effects).toEqual([])
  })

  it("takes lengths up to the documented ones, counted in characters", () => {
    const simulator = make()
    const [id] = simulator.vendors.aelyst.world.conversations.keys()
    const body = { status: "close", category: "😀".repeat(128), summary: "ü".repeat(512) }
    expect(setStatus(simulator, `id:${id}`, body).status).toBe(200)
  })

  it("words its errors as documented", () => {
    const simulator = make()
    expect(ask(simulator, "aelyst", "POST /v1/contact/list", { headers: {}, body: {} })).toMatchObject({
      status: 401,
      body: { code: 401, message: "UN_AUTHORIZED" }
    })
    expect(setStatus(simulator, "id:1", { status: "open" })).toMatchObject({
      status: 404,
      body: { code: 404, message: "Contact not found" }
    })
  })

  it("lists users, channels and closing notes", () => {
    const simulator = make()
    expect(get(simulator, "/space/user?limit=1").body.items).toHaveLength(1)
    expect(get(simulator, "/space/closing_notes").body.items[0]).toHaveProperty("category")
    expect(get(simulator, "/space/channel").body.items[0]).toHaveProperty("source")
  })
})
