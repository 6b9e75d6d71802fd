import { Chunk, Effect, Redacted, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { aelyst } from "../../src/providers/aelyst/index.ts"
import { convocore } from "../../src/providers/convocore/index.ts"
import { empfio } from "../../src/providers/empfio/index.ts"
import type { Page, Provider } from "../../src/providers/Provider.ts"
import { type FakeAnswer, fakeClient, type RecordedRequest } from "../support/fakeClient.ts"
import { pullScope, sightingsIn, unreadablesIn } from "../support/pullScope.ts"

/*
 * Answers that hold the messages of another conversation than the one that was asked for: a cache or a proxy on the
 * way gives them. What a stranger wrote must not stand in anyone's conversation.
 */

const common = { name: "one", baseUrl: "https://vendor.example", statusMap: {}, token: Redacted.make("t") }

const pulled = (provider: Provider): Promise<ReadonlyArray<Page>> =>
  Effect.runPromise(Effect.map(Stream.runCollect(provider.pull(pullScope())), Chunk.toReadonlyArray))

const textsOf = (pages: ReadonlyArray<Page>) =>
  Object.fromEntries(
    sightingsIn(pages).map(({ conversation, messages }) => [
      conversation.providerId,
      messages?.items.map(({ content }) => content) ?? null
    ])
  )

const reasonsIn = (pages: ReadonlyArray<Page>) => unreadablesIn(pages).map(({ reason }) => reason)

describe("messages of another conversation", () => {
  const aelystWith = (messages: ReadonlyArray<object>) =>
    aelyst.make(
      { ...common, messageList: "auto" },
      fakeClient(({ path }): FakeAnswer => {
        const items = path === "/contact/list" ? [{ id: 1, firstName: "A", status: "open" }] : messages
        return { json: { items, pagination: { next: "", previous: "" } } }
      }).client
    )
  const said = (messageId: number, contactId: number) => ({
    messageId,
    contactId,
    channelId: 1,
    traffic: "incoming",
    message: { type: "text", text: `${messageId} of ${contactId}` }
  })

  it("are put aside with the whole list where an Aelyst list names only another contact", async () => {
    const pages = await pulled(aelystWith([said(12, 2), said(11, 2)]))
    expect(textsOf(pages)).toEqual({ 1: null })
    expect(reasonsIn(pages)).toEqual(["messages of another contact than the one that was asked for"])
    expect(unreadablesIn(pages)[0]?.payload).toContain("12 of 2")
  })

  it("are kept where an Aelyst list names the contact, too, as after a merge", async () => {
    const pages = await pulled(aelystWith([said(12, 1), said(11, 2)]))
    expect(textsOf(pages)).toEqual({ 1: ["11 of 2", "12 of 1"] })
    expect(reasonsIn(pages)).toEqual([])
  })

  it("are put aside one by one where Empfio names the conversation", async () => {
    const message = (id: string, owner: string) => ({
      id,
      conversation_id: owner,
      role: "user",
      content: `${id} of ${owner}`,
      created_at: "2026-03-07T10:00:00Z"
    })
    const row = { id: "c-1", status: "active", message_count: 2, created_at: "2026-03-07T10:00:00Z" }
    const { client } = fakeClient(({ path }): FakeAnswer => {
      if (path.endsWith("/messages")) return { json: [message("m-1", "C-1"), message("m-2", "c-2")] }
      if (path.endsWith("/c-1")) return { json: { ...row, messages: [message("m-1", "C-1")] } }
      return { json: { conversations: [row], total: 1, page: 1, size: 100 } }
    })
    const pages = await pulled(empfio.make(common, client))
    expect(textsOf(pages)).toEqual({ "c-1": ["m-1 of C-1"] })
    expect(reasonsIn(pages)).toEqual(["a message of another conversation"])
  })

  const convocoreWith = (exportedData: unknown) => {
    const row = { ID: "one", state: "ai-chatting", messagesNum: 1, ts: 1_700_000_000 }
    const route = ({ path, query }: RecordedRequest): FakeAnswer => {
      if (path.endsWith("/convos/export")) return { status: 400, json: { message: "no selection" } }
      if (path.endsWith("/export")) return { json: { success: true, data: exportedData } }
      if (path.endsWith("/one")) return { json: { success: true, data: row } }
      return { json: { success: true, data: query?.page === 1 ? [row] : [] } }
    }
    return convocore.make({ ...common, exportTimeZone: "UTC", agents: ["agent-1"] }, fakeClient(route).client)
  }
  const exportOf = (id: string | null) => ({
    metadata: { convo: { id } },
    turns: [{ from: "user", messages: [{ type: "text", payload: { message: `of ${id}` } }] }]
  })

  it("are put aside where Convocore exports another conversation", async () => {
    const pages = await pulled(convocoreWith(exportOf("two")))
    expect(textsOf(pages)).toEqual({ one: null })
    expect(reasonsIn(pages).join()).toContain("the export of another conversation")
    expect(unreadablesIn(pages)[0]?.payload).toContain("of two")
  })

  it("are left where they are in a Convocore export of all conversations", async () => {
    const pages = await pulled(convocoreWith([exportOf("two"), exportOf("one")]))
    expect(textsOf(pages)).toEqual({ one: ["of one"] })
  })

  it("may come without a name in Convocore's export of one", async () => {
    expect(textsOf(await pulled(convocoreWith(exportOf(null))))).toEqual({ one: ["of null"] })
  })
})
