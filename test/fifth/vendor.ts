import { Effect, Redacted } from "effect"
import { type AnyProviderDefinition, anyProvider, type CommonSettings } from "../../src/providers/Provider.ts"
import type { ContractVendor } from "../providers/contract.ts"
import { type Answering, type Reply, transportOf } from "../support/transport.ts"
import { harbor } from "./provider.ts"

interface Thread {
  id: string
  state: string
  guest: string
  changed: number
  notes: Array<{ id: string; by: string; text: string; at: number | string }>
}

const begins = Date.UTC(2026, 2, 9, 8) / 1000

const json = (body: unknown, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

/** Harbor's side: threads in memory, and its API as a function. */
export const makeHarbor = (count = 35) => {
  const threads = new Map<string, Thread>()
  for (let index = 0; index < count; index += 1) {
    const id = `t${index}`
    threads.set(id, {
      id,
      state: index % 3 === 0 ? "done" : "open",
      guest: `guest ${index}`,
      changed: begins + index,
      notes: [
        { id: `${id}-1`, by: "guest", text: "is my boat in?", at: begins + index },
        { id: `${id}-2`, by: "crew", text: "it is", at: begins + index + 1 }
      ]
    })
  }
  const requests: Array<{ operation: string; write: boolean }> = []
  let broken = 0

  const shown = (thread: Thread, index: number) =>
    broken > 0 && index % Math.round(1 / broken) === 0 ? { ...thread, changed: "yesterday" } : thread

  const answer = (method: string, url: URL, body: string, authorization: string): Reply => {
    const [, , id] = url.pathname.split("/")
    requests.push({ operation: id === undefined ? "list" : "detail", write: method === "PUT" })
    if (authorization !== "Bearer harbor-token") return json({ message: "who?" }, 401)
    if (id === undefined) {
      const start = Number(url.searchParams.get("after") ?? 0)
      const rows = [...threads.values()].slice(start, start + 10)
      const after = start + 10 < threads.size ? String(start + 10) : null
      return json({ threads: rows.map((row, index) => shown(row, start + index)), after })
    }
    const thread = threads.get(decodeURIComponent(id))
    if (thread === undefined) return json({ message: "no such thread" }, 404)
    if (method === "PUT") {
      thread.state = (JSON.parse(body) as { state: string }).state
      thread.changed += 1
    }
    return json(thread)
  }

  const answering: Answering = ({ body, headers, method, origin, path }) =>
    Effect.sync(() => answer(method, new URL(origin + path), body ?? "", headers.authorization ?? ""))

  return {
    threads,
    requests,
    answer: answering,
    breakRecords: (share: number) => {
      broken = share
    },
    advance: () => {
      const touched = ["t3", "t21"]
      for (const id of touched) {
        const thread = threads.get(id)
        thread?.notes.push({ id: `${id}-3`, by: "guest", text: "thanks", at: begins + 900 })
        if (thread !== undefined) thread.changed = begins + 900
      }
      return touched
    }
  }
}

export const harborDefinition: AnyProviderDefinition = anyProvider(harbor)

export const harborSettings = (token: string): CommonSettings => ({
  ...{ token: Redacted.make(token) },
  name: "contract",
  baseUrl: "https://api.harbor.example",
  statusMap: {}
})

export const harborVendor = (): ContractVendor => {
  const vendor = makeHarbor()
  return {
    definition: harborDefinition,
    settings: harborSettings("harbor-token"),
    strangersSettings: harborSettings("stranger"),
    transport: transportOf(vendor.answer),
    ids: () => [...vendor.threads.keys()],
    requests: () => vendor.requests,
    unknownId: "t9999",
    breakRecords: vendor.breakRecords,
    advance: vendor.advance
  }
}
