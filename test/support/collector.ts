import { once } from "node:events"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import published from "@opentelemetry/otlp-transformer/build/src/generated/root.js"
import { expect } from "vitest"

/*
 * A collector of traces and metrics, and what it received, read with the published protobuf definitions of OTLP.
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

export interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string }
}

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { readonly code?: number }
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

export interface Sent {
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

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export const openCollector = async (answer: "takes" | "is silent" = "takes") => {
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

export const attributeOf = (attributes: ReadonlyArray<Attribute>, key: string): string | undefined => {
  const value = attributes.find((attribute) => attribute.key === key)?.value
  return value?.stringValue ?? value?.intValue
}

export const decodeAll = (received: ReadonlyArray<Received>) => {
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
