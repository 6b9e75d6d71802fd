import { once } from "node:events"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import published from "@opentelemetry/otlp-transformer/build/src/generated/root.js"
import { afterEach, describe, expect, it } from "vitest"
import type { RunReport } from "../../src/run.ts"
import { openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * What a collector receives from the built command line, read with the published protobuf definitions of OTLP.
 */

interface MessageType {
  readonly fromObject: (object: object) => object
  readonly verify: (message: object) => string | null
  readonly encode: (message: object) => { readonly finish: () => Uint8Array }
  readonly decode: (bytes: Uint8Array) => object
  readonly toObject: (message: object, options: object) => unknown
}

const { collector } = (
  published as unknown as {
    readonly opentelemetry: {
      readonly proto: {
        readonly collector: {
          readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: MessageType } }
          readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: MessageType } }
        }
      }
    }
  }
).opentelemetry.proto

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string }
}

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<Attribute>
}

interface Point {
  readonly attributes: ReadonlyArray<Attribute>
  readonly asInt?: string
  readonly count?: string
}

interface Metric {
  readonly name: string
  readonly sum?: { readonly dataPoints: ReadonlyArray<Point> }
  readonly histogram?: { readonly dataPoints: ReadonlyArray<Point> }
}

interface Scoped {
  readonly spans?: ReadonlyArray<Span>
  readonly metrics?: ReadonlyArray<Metric>
}

interface Sent {
  readonly resourceSpans?: ReadonlyArray<{
    readonly resource: object
    readonly scopeSpans: ReadonlyArray<Scoped>
  }>
  readonly resourceMetrics?: ReadonlyArray<{
    readonly resource: object
    readonly scopeMetrics: ReadonlyArray<Scoped>
  }>
}

const idFields = new Set(["traceId", "spanId", "parentSpanId"])

/** Ids are hexadecimal in OTLP's JSON, where protobuf's own JSON has base64. */
const withIds = (text: string, from: BufferEncoding, to: BufferEncoding): Sent =>
  JSON.parse(text, (key, value: unknown) =>
    idFields.has(key) && typeof value === "string" ? Buffer.from(value, from).toString(to) : value
  )

/** Through the definitions and their binary form; a field that they do not know would be lost on the way. */
const decode = (type: MessageType, text: string): Sent => {
  const message = type.fromObject(withIds(text, "hex", "base64"))
  expect(type.verify(message)).toBeNull()
  const object = type.toObject(type.decode(type.encode(message).finish()), {
    longs: String,
    bytes: String,
    enums: Number
  })
  return withIds(JSON.stringify(object), "base64", "hex")
}

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const openCollector = async (answer: "takes" | "is silent" = "takes") => {
  const received: Array<Received> = []
  const server = createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      received.push({
        path: request.url ?? "",
        headers: request.headers,
        text: Buffer.concat(pieces).toString("utf8")
      })
      if (answer === "takes") response.setHeader("content-type", "application/json").end("{}")
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    received,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}

const closing: Array<() => void | Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const open = async (...options: Parameters<typeof openWorkspace>): Promise<Workspace> => {
  const workspace = await openWorkspace(...options)
  closing.push(workspace.close)
  return workspace
}

const collect = async (...options: Parameters<typeof openCollector>) => {
  const opened = await openCollector(...options)
  closing.push(opened.close)
  return opened
}

const attributeOf = (attributes: ReadonlyArray<Attribute>, key: string): string | undefined => {
  const value = attributes.find((attribute) => attribute.key === key)?.value
  return value?.stringValue ?? value?.intValue
}

const decodeAll = (received: ReadonlyArray<Received>) => {
  const of = (path: string, type: MessageType) =>
    received
      .filter((post) => post.path === path)
      .map(({ text }) => ({ sent: JSON.parse(text) as Sent, decoded: decode(type, text) }))
  const traces = of("/v1/traces", collector.trace.v1.ExportTraceServiceRequest)
  const metrics = of("/v1/metrics", collector.metrics.v1.ExportMetricsServiceRequest)
  for (const { decoded, sent } of [...traces, ...metrics]) expect(decoded).toEqual(sent)
  const spans = traces.flatMap(({ decoded }) =>
    (decoded.resourceSpans ?? []).flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans = [] }) => spans))
  )
  const newest = metrics.at(-1)?.decoded.resourceMetrics ?? []
  const points = (name: string): ReadonlyArray<Point> =>
    newest
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics: all = [] }) => all))
      .filter((metric) => metric.name === name)
      .flatMap(({ histogram, sum }) => (sum ?? histogram)?.dataPoints ?? [])
  /** The sum over all points that have these attributes. */
  const total = (name: string, having: Readonly<Record<string, string>>): number =>
    points(name)
      .filter(({ attributes }) =>
        Object.entries(having).every(([key, value]) => attributeOf(attributes, key) === value)
      )
      .reduce((sum, { asInt, count }) => sum + Number(asInt ?? count), 0)
  return { spans, total, resources: traces.map(({ decoded }) => decoded.resourceSpans?.[0]?.resource) }
}

describe("a collector", () => {
  it("receives a run's spans as a tree and counts that are the ledger's, and nothing that a person wrote", async () => {
    const { endpoint, received } = await collect()
    const { environment, parley, rows } = await open({
      conversations: 30,
      vendors: { naturalead: { rateLimitHeaders: "none" } },
      faults: [
        {
          vendor: "naturalead",
          times: 2,
          effect: { kind: "answer", status: 429, headers: { "retry-after": "1" } }
        },
        { vendor: "aelyst", times: 1, effect: { kind: "answer", status: 503, headers: {} } }
      ]
    })
    const ended = await parley(["sync", "--json"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=for%20the%20collector",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=other",
      OTEL_SERVICE_NAME: "mirror"
    })
    expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining("traces and metrics") })
    const report = JSON.parse(ended.stdout) as RunReport
    for (const { headers } of received) {
      expect(headers).toMatchObject({ "content-type": "application/json", "x-api-key": "for the collector" })
    }
    const { resources, spans, total } = decodeAll(received)
    expect(resources[0]).toMatchObject({
      attributes: expect.arrayContaining([
        { key: "service.name", value: { stringValue: "mirror" } },
        { key: "deployment.environment.name", value: { stringValue: "test" } }
      ])
    })

    const named = (name: string) => spans.filter((span) => span.name === name)
    const [root] = named("run")
    expect(named("run").length).toBe(1)
    expect(root?.parentSpanId).toBeUndefined()
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([root?.traceId]))
    expect(named("connection").length).toBe(8)
    expect(named("connection").every(({ parentSpanId }) => parentSpanId === root?.spanId)).toBe(true)
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    for (const span of [...named("request"), ...named("commit")]) {
      const parent = byId.get(span.parentSpanId ?? "")
      expect(parent?.name).toBe("connection")
      for (const key of ["parley.connection", "parley.lane"]) {
        expect(attributeOf(span.attributes, key)).toBe(attributeOf(parent?.attributes ?? [], key))
      }
      expect(BigInt(span.startTimeUnixNano)).toBeLessThanOrEqual(BigInt(span.endTimeUnixNano))
    }
    expect(named("commit").length).toBeGreaterThanOrEqual(4)

    for (const { name, requests, rate_limited, waited_ms, ...own } of report.connections) {
      const having = { "parley.connection": name }
      expect(total("parley.requests", having)).toBe(requests)
      expect(total("parley.refusals", { ...having, "http.response.status_code": "429" })).toBe(rate_limited)
      expect(total("parley.waited", having)).toBe(waited_ms)
      for (const outcome of ["inserted", "updated", "unchanged", "filtered", "quarantined"] as const) {
        expect(total("parley.records", { ...having, "parley.outcome": outcome })).toBe(own[outcome])
      }
      const sent = named("request").filter(
        ({ attributes }) => attributeOf(attributes, "parley.connection") === name
      )
      expect(sent.length).toBe(requests)
    }
    expect(total("parley.requests", {})).toBe(
      rows<{ n: number }>("SELECT sum(requests) AS n FROM run_connections")[0]?.n
    )
    expect(total("parley.refusals", {})).toBe(2)
    expect(total("parley.run.duration", { "parley.command": "sync", "parley.outcome": "complete" })).toBe(1)
    const again = named("request").filter(
      ({ attributes }) => attributeOf(attributes, "parley.attempt") === "2"
    )
    expect(again.length).toBeGreaterThanOrEqual(1)

    // Times and spans' own ids are digits of any kind.
    const numbers = /"(?:\w*[tT]imeUnixNano|traceId|spanId|parentSpanId)":"[0-9a-f]+"/g
    const posts = received.map(({ text }) => text.replaceAll(numbers, "")).join("\n")
    const kept = rows<{ text: string }>(
      `SELECT content AS text FROM messages UNION SELECT name FROM contacts UNION SELECT email FROM contacts
       UNION SELECT phone FROM contacts UNION SELECT provider_id FROM contacts
       UNION SELECT provider_id FROM conversations UNION SELECT title FROM conversations`
    )
    const words = [...kept.map(({ text }) => text), ...Object.values(environment)].filter(
      (text) => text !== null && text.length >= 5
    )
    expect(words.length).toBeGreaterThan(100)
    expect(words.filter((text) => posts.includes(text))).toEqual([])
    expect(posts).not.toMatch(/@|\+\d{6}|\/conversations/)
  })

  it("that is not there, or does not answer, costs a run one warning and nothing else", async () => {
    const { close, endpoint: gone } = await openCollector()
    close()
    const silent = await collect("is silent")
    const { parley } = await open()
    const told = (stdout: string) => {
      const { connections, outcome } = JSON.parse(stdout) as RunReport
      return { outcome, names: connections.map(({ name }) => name) }
    }
    const args = ["sync", "--pull-only", "--json", "--quiet"]
    const plain = await parley(args)
    expect(plain).toMatchObject({ code: 0, stderr: "" })
    for (const endpoint of [gone, silent.endpoint]) {
      const ended = await parley(args, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
      expect(ended.code).toBe(0)
      expect(told(ended.stdout)).toEqual(told(plain.stdout))
      expect(ended.stderr.trim().split("\n")).toEqual([
        expect.stringContaining(`traces and metrics could not be sent to ${endpoint}`)
      ])
    }
    expect(silent.received.length).toBeGreaterThanOrEqual(1)
  })

  it("hears nothing of verbs that run nothing, and an address that is none is told without it", async () => {
    const { endpoint, received } = await collect()
    const { parley } = await open()
    expect(
      (
        await parley(["sync", "leads", "--quiet"], {
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
          OTEL_SDK_DISABLED: "true"
        })
      ).code
    ).toBe(0)
    expect((await parley(["status", "--json"], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).code).toBe(0)
    expect(received).toEqual([])
    const ended = await parley(["sync", "leads", "--quiet"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:hunter22@localhost:4318"
    })
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain("OTEL_EXPORTER_OTLP_HEADERS")
    expect(ended.stderr).not.toContain("hunter22")
  })
})
