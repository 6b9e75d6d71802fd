import { Agent, request, setGlobalDispatcher } from "@effect/platform-node/Undici"
import Sqlite from "better-sqlite3"

/*
 * The least that a pull by hand can be: keep-alive requests, some at once, JSON.parse, prepared inserts, WAL. No
 * validation, no ledger, no raw payloads, no search, nothing that could be resumed.
 * Arguments: empfio | naturalead, origin, file, requests at once.
 */

const [, , vendor, origin = "", file = "", atOnce = "8"] = process.argv
const parallel = Number(atOnce)
setGlobalDispatcher(new Agent({ connections: parallel, pipelining: 1 }))

const mirror = new Sqlite(file)
mirror.pragma("journal_mode = WAL")
mirror.pragma("synchronous = NORMAL")
mirror.exec(`
  CREATE TABLE conversations (id TEXT PRIMARY KEY, contact_id TEXT, channel TEXT, status TEXT, created_at TEXT, updated_at TEXT);
  CREATE TABLE messages (id TEXT PRIMARY KEY, conversation_id TEXT, position INTEGER, role TEXT, content TEXT, sent_at TEXT);
`)
const insertConversation = mirror.prepare("INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?, ?)")
const insertMessage = mirror.prepare("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?)")

interface Wire {
  readonly id: string
  readonly _id: string
  readonly [field: string]: unknown
}

const get = async <A>(path: string): Promise<A> => {
  const { body } = await request(origin + path)
  return JSON.parse(await body.text()) as A
}

const store = mirror.transaction((all: ReadonlyArray<Wire>) => {
  for (const one of all) {
    const id = one.id ?? one._id
    insertConversation.run(
      id,
      one.lead_id ?? one.leadId,
      one.channel,
      one.status,
      one.created_at ?? one.createdAt,
      one.updated_at ?? one.updatedAt
    )
    let position = 0
    for (const message of one.messages as ReadonlyArray<Wire>) {
      const key = message.id ?? `${id}-${position}`
      insertMessage.run(
        key,
        id,
        position,
        message.role,
        message.content,
        message.created_at ?? message.timestamp
      )
      position += 1
    }
  }
})

if (vendor === "naturalead") store(await get<ReadonlyArray<Wire>>("/api/conversations"))
else {
  for (let page = 1; ; page += 1) {
    const { conversations } = await get<{ conversations: ReadonlyArray<Wire> }>(
      `/api/v1/conversations?page=${page}&size=100`
    )
    if (conversations.length === 0) break
    const ids = conversations.map(({ id }) => id)
    const done: Array<Wire> = []
    await Promise.all(
      Array.from({ length: parallel }, async () => {
        for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
          done.push(await get<Wire>(`/api/v1/conversations/${id}`))
        }
      })
    )
    store(done)
  }
}
mirror.close()
process.exit(0)
