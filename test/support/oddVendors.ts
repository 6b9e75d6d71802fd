import type { Simulator, VendorId } from "../../src/simulator/index.ts"

/*
 * Four vendors whose records are as odd as JSON allows, and some odder: numbers that JavaScript rounds, halves of
 * characters, depths that exhaust a stack, texts that are no JSON, ids that lead elsewhere.
 */

export interface OddVendors {
  /** What was no JSON has become good. */
  mended: boolean
  /** The label of every answer. */
  contentType: string
  /** Paths with queries that were asked for, by vendor. */
  readonly asked: Array<readonly [VendorId, string]>
}

/** An object of so many levels. */
export const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`

const half = String.raw`cut \ud83d here \u0000`
const at = "2026-03-07T10:00:00Z"
const ts = 1_772_877_600

/** As NaturaLead's fourth message is, out of its turn. */
const turned = ["10:00", "10:01", "10:02", "09:00"].map(
  (time, index) => `{"role":"user","content":"${index}","timestamp":"2026-03-07T${time}:00Z"}`
)

const naturalead = (mended: boolean) => [
  `{"_id":"big","leadId":9007199254740993,"status":"active","currentStageIndex":2.0,"messages":[{"role":"user","content":"${half}","timestamp":"${at}"}], "x":1e400}`,
  `{"_id":"bigger","leadId":9007199254740992,"status":"active","messages":[]}`,
  `{"_id":"broken","status":${mended ? '"completed"' : "oops"},"messages":[]}`,
  `{"_id":"deep","status":"active","messages":[],"x":${deep(100_000)}}`,
  `{"_id":"deep-message","status":"active","messages":[{"role":"user","content":"a","y":${deep(5_000)}}]}`,
  `{"_id":"turned","status":"active","messages":[${turned.join(",")}]}`,
  `{"_id":"wrong","status":"active","messages":[{"role":"user","content":{"x":12345678901234567890.50}}]}`,
  `{"_id":"half\\ud83d","status":"active","messages":[]}`,
  `{"_id":"..","status":"active","messages":[]}`,
  `{"_id":"...","status":"active","messages":[]}`,
  `{"_id":"a/b?c#d%2Fe f","status":"active","messageCount":0,"messages":[]}`
]

const convocore = [
  `{"ID":"big","userID":"u","state":"ai-chatting","messagesNum":1,"ts":${ts},"leadScore":12345678901234567890.50,"capturedVariables":{ "price" : 0.10, "far":1e400,"id":9007199254740993,"k\\ud83d":"v"}}`,
  `{"ID":"broken","state":"ai-chatting","messagesNum":1,"ts":${ts}.0}`,
  `{"ID":"deep","state":"ai-chatting","messagesNum":1,"ts":${ts},"capturedVariables":${deep(3_000)}}`,
  `{"ID":"half\\ud83d","state":"ai-chatting","messagesNum":1,"ts":${ts}}`,
  `{"ID":"..","state":"ai-chatting","messagesNum":1,"ts":${ts}}`,
  `{"ID":"a/b?c#d%2Fe f","state":"ai-chatting","messagesNum":0,"ts":${ts}}`,
  `{"ID":"no" "json","state":"ai-chatting"}`
]

const exported = (id: string, turn: string) => `{"metadata":{"convo":{"id":"${id}"}},"turns":[${turn}]}`
const turn = `{"from":"user","messages":[{"type":"text","ts":${ts}.0,"payload":{"message":"${half}","n":1.50}}]}`

const empfio = [
  `{"id":"big","lead_id":"l","status":"active","message_count":1,"created_at":"${at}"}`,
  `{"id":"broken","lead_id":"l","status":"escalated","message_count":1}`,
  `{"id":"deep","status":"active","message_count":1,"x":${deep(4_000)}}`,
  `{"id":"deep-message","status":"active","message_count":1}`,
  `{"id":"half\\ud83d","status":"active","message_count":0}`,
  `{"id":"..","status":"active","message_count":0}`,
  `{"id":"a/b?c#d%2Fe f","status":"active","message_count":0}`
]

const aelyst = [
  `{"id":9007199254740992,"firstName":"${half}","status":"open","created_at":${ts},"custom_fields":[{"name":"x","value":12.50}]}`,
  `{"id":9007199254740993,"status":"open"}`,
  `{"id":3,"status":"closed"}`,
  `{"id":4,"status":"open","deep":${deep(5_000)}}`,
  `{"id":5,"status":oops}`,
  `{"id":6,"status":"open"}`
]

const idOf = (path: string, before: string): string | null =>
  path.startsWith(before) ? decodeURIComponent(path.slice(before.length)) : null

/** The record that is written with this id. */
const named = (records: ReadonlyArray<string>, field: string, id: string | null): string | null =>
  records.find(
    (record) => record.startsWith(`{"${field}":${id},`) || record.startsWith(`{"${field}":"${id}"`)
  ) ?? null

const routes: Record<VendorId, (path: string, mended: boolean, isFirst: boolean) => string | null> = {
  naturalead: (path, mended) =>
    path === "/conversations"
      ? `\ufeff[${naturalead(mended).join(" ,\n")}]`
      : named(naturalead(mended), "_id", idOf(path, "/conversations/")),
  convocore: (path, mended, isFirst) => {
    const agent = "/agents/agent-1/convos"
    if (path === "/agents") return '{"data":[{"ID":"agent-1"},{"ID":".."}]}'
    if (path === agent) return `{"data":[${isFirst ? convocore.join(", ") : ""}],"hasMore":false}`
    if (path === `${agent}/export`) {
      const broken = mended ? exported("broken", turn) : `{"metadata":{"convo":{"id":"broken"}},oops}`
      return `{"data":[${exported("big", turn)}, ${broken}]}`
    }
    if (path === `${agent}/broken/export`) return `{"data":{"turns":[oops]}}`
    const row = named(convocore, "ID", idOf(path, `${agent}/`))
    return row === null ? null : `{ "data": ${row} }`
  },
  empfio: (path, mended, isFirst) => {
    const base = "/api/v1/conversations"
    if (path === base)
      return `{"conversations":[${isFirst ? empfio.join(",") : ""}],"total":${empfio.length}}`
    const id = idOf(path, `${base}/`)
    const message = (extra: string) => `[{"id":"m-${id}","role":"user","content":"${half}"${extra}}]`
    if (id === "broken" && !mended) return `{"id":"broken","status":"escalated","messages":[oops]`
    const metadata = id === "big" ? `,"metadata":{"n":12345678901234567890,"d":1.0}` : ""
    const extra = id === "deep-message" ? `,"metadata":${deep(600)}` : metadata
    const row = named(empfio, "id", id)
    return row === null || id === "deep" ? row : `${row.slice(0, -1)},"messages":${message(extra)}}`
  },
  aelyst: (path, mended) => {
    if (path === "/contact/list") return `{"items":[${aelyst.join(",")}],"pagination":{}}`
    const list = /^\/contact\/id:(\d+)\/message\/list$/.exec(path)?.[1]
    if (list === undefined) return named(aelyst, "id", idOf(path, "/contact/id:"))
    const message = (id: string, traffic = '"incoming"') =>
      `{"messageId":${id},"traffic":${traffic},"message":{"type":"text","text":"${half}"}}`
    if (list === "3" && !mended) return '{"items":[oops\0'
    if (list === "6") return `{"items":[${message("61", mended ? undefined : "oops")},${message("62")}]}`
    return `{"items":[${["70918000037909538", "70918000037909537"].map((id) => message(id)).join(",")}]}`
  }
}

/** In the place of a simulator's own vendors. */
export const withOddVendors = (simulator: Simulator, odd: OddVendors): Simulator => ({
  ...simulator,
  handle: (vendor, { url }) => {
    odd.asked.push([vendor, url])
    const { pathname, searchParams } = new URL(url, "http://odd.invalid")
    const isFirst = (searchParams.get("page") ?? "1") === "1"
    const path = pathname.slice(simulator.vendors[vendor].prefix.length)
    const body = path.endsWith("/login") ? '{"access_token":"t"}' : routes[vendor](path, odd.mended, isFirst)
    return {
      status: body === null ? 404 : 200,
      headers: { "content-type": odd.contentType },
      body: body ?? '{"error":"not found"}',
      delayMillis: 0,
      fate: "answered",
      cutAfter: 0
    }
  }
})
