import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { makeSimulator } from "../../src/simulator/index.ts"

/*
 * Empfio and NaturaLead with every answer made beforehand, so that the server is never the bottleneck. Started as a
 * process of its own: prints its origin and waits. Arguments: conversations, milliseconds that each answer takes.
 */

const [, , size = "5000", delay = "0"] = process.argv
const conversations = Number(size)
const delayMillis = Number(delay)
const simulator = makeSimulator({
  seed: 1,
  conversations: { empfio: conversations, naturalead: conversations },
  dialogues: process.env.PARLEY_DIALOGUES,
  now: Date.UTC(2026, 2, 9, 8),
  limits: false
})
const { empfio, naturalead } = simulator.vendors

const details = new Map<string, Buffer>()
const rows: Array<string> = []
for (const conversation of empfio.world.conversations.values()) {
  const {
    last_message_at: _at,
    last_message_preview: _preview,
    message_count: _count,
    ...detail
  } = conversation
  details.set(
    conversation.id,
    Buffer.from(JSON.stringify({ ...detail, messages: empfio.world.messages(conversation.id) }))
  )
  rows.push(JSON.stringify(conversation))
}
/** NaturaLead's conversations by status, in pieces, since one string cannot hold an account of a million messages. */
const pieces = new Map<string, Array<Buffer>>()
const gathered = new Map<string, Array<string>>()
const gather = (status: string, elements: ReadonlyArray<string>): void => {
  pieces.set(status, [...(pieces.get(status) ?? []), Buffer.from(elements.join(","))])
  gathered.set(status, [])
}
for (const conversation of naturalead.world.conversations.values()) {
  const messages = naturalead.world.messages(conversation._id)
  const elements = gathered.get(conversation.status) ?? []
  elements.push(JSON.stringify({ ...conversation, messages, messageCount: messages.length }))
  gathered.set(conversation.status, elements)
  if (elements.length >= 500) gather(conversation.status, elements)
}
for (const [status, elements] of gathered) if (elements.length > 0) gather(status, elements)

const listPage = (page: number, size: number): string => {
  const shown = rows.slice((page - 1) * size, page * size).join(",")
  return `{"conversations":[${shown}],"total":${rows.length},"page":${page},"size":${size}}`
}
const pages = new Map<string, Buffer>()

const json = { "content-type": "application/json" }
const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost")
  const send = (body: Buffer) =>
    setTimeoutOrNow(() => response.writeHead(200, { ...json, "content-length": body.length }).end(body))
  if (url.pathname === "/api/conversations") {
    response.writeHead(200, json)
    const status = url.searchParams.get("status")
    const list = status === null ? [...pieces.values()].flat() : (pieces.get(status) ?? [])
    let next = 0
    const more = () => {
      while (next < list.length) {
        response.write(next === 0 ? "[" : ",")
        const goesOn = response.write(list[next])
        next += 1
        if (!goesOn) return void response.once("drain", more)
      }
      response.end(list.length === 0 ? "[]" : "]")
    }
    return void setTimeoutOrNow(more)
  }
  if (url.pathname === "/api/v1/conversations") {
    const key = url.search
    const known = pages.get(key)
    const body =
      known ??
      Buffer.from(
        listPage(Number(url.searchParams.get("page") ?? 1), Number(url.searchParams.get("size") ?? 20))
      )
    pages.set(key, body)
    return void send(body)
  }
  const detail = details.get(url.pathname.split("/")[4] ?? "")
  if (detail === undefined) return void response.writeHead(404, json).end('{"detail":"Not found"}')
  send(detail)
})
const setTimeoutOrNow = (run: () => void) => (delayMillis === 0 ? run() : setTimeout(run, delayMillis))

server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => {
  const messages = [...empfio.world.conversations.values()].reduce((sum, one) => sum + one.message_count, 0)
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port, messages })}\n`)
})
