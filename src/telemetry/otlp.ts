/*
 * The part of OTLP that is used here, as its JSON is: 64-bit numbers are texts, ids are hexadecimal.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */

export interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue: string } | { readonly intValue: string }
}

export type Attributes = Readonly<Record<string, string | number>>

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<Attribute>
  readonly status: { readonly code?: number }
}

/** Values of `Span.kind`. */
export const internalKind = 1
export const clientKind = 3

/** Value of `Span.status.code`. */
export const failedCode = 2

/** The totals since a program's start, not what was added since the last time. */
const cumulative = 2

/** One value of a metric, and what it is the value of. */
export interface Point {
  readonly attributes: Attributes
  readonly value: number
}

export interface Distribution {
  readonly attributes: Attributes
  readonly sum: number
  /** One more than there are bounds. */
  readonly counts: ReadonlyArray<number>
}

export interface Metric {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly sum?: object
  readonly histogram?: object
}

/** @param millis epoch milliseconds */
export const nanos = (millis: number): string => `${Math.round(millis)}000000`

export const attributesOf = (attributes: Attributes): ReadonlyArray<Attribute> =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(Math.round(value)) }
  }))

/** From when to when something was counted, epoch milliseconds. */
export interface Period {
  readonly from: number
  readonly to: number
}

const times = ({ from, to }: Period) => ({ startTimeUnixNano: nanos(from), timeUnixNano: nanos(to) })

type Described = Pick<Metric, "name" | "unit" | "description">

/** A count that only grows. */
export const counter = (described: Described, period: Period, points: ReadonlyArray<Point>): Metric => ({
  ...described,
  sum: {
    aggregationTemporality: cumulative,
    isMonotonic: true,
    dataPoints: points.map(({ attributes, value }) => ({
      attributes: attributesOf(attributes),
      ...times(period),
      asInt: String(Math.round(value))
    }))
  }
})

export const histogram = (
  described: Described,
  period: Period,
  bounds: ReadonlyArray<number>,
  distributions: ReadonlyArray<Distribution>
): Metric => ({
  ...described,
  histogram: {
    aggregationTemporality: cumulative,
    dataPoints: distributions.map(({ attributes, counts, sum }) => ({
      attributes: attributesOf(attributes),
      ...times(period),
      count: String(counts.reduce((total, count) => total + count, 0)),
      sum,
      bucketCounts: counts.map(String),
      explicitBounds: bounds
    }))
  }
})

/** Who sends. */
export interface Sender {
  readonly resource: Attributes
  readonly version: string
}

const scopeOf = ({ version }: Sender) => ({ name: "parley", version })

const resourceOf = ({ resource }: Sender) => ({ attributes: attributesOf(resource) })

export const traceDocument = (sender: Sender, spans: ReadonlyArray<Span>): object => ({
  resourceSpans: [{ resource: resourceOf(sender), scopeSpans: [{ scope: scopeOf(sender), spans }] }]
})

export const metricsDocument = (sender: Sender, metrics: ReadonlyArray<Metric>): object => ({
  resourceMetrics: [{ resource: resourceOf(sender), scopeMetrics: [{ scope: scopeOf(sender), metrics }] }]
})
