import { randomBytes } from "node:crypto"
import { recordOutcomes } from "../domain/RecordCounts.ts"
import type { ClientEvent, Lane } from "../http/contract.ts"
import type { Committed, StartedRun } from "../sync/progress.ts"
import { Metrics } from "./Metrics.ts"
import {
  type Attributes,
  attributesOf,
  clientKind,
  failedCode,
  internalKind,
  nanos,
  type Span
} from "./otlp.ts"

/** Spans that are kept for a collector that does not take them; then the oldest are given up. */
const mostSpans = 4096

/** A span that has not ended. */
interface Open {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly name: string
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly attributes: Attributes
}

interface OpenRun {
  readonly span: Open
  readonly command: string
  readonly lanes: Set<OpenLane>
}

interface OpenLane {
  readonly name: string
  readonly span: Open
  readonly run: OpenRun | null
  readonly attributes: Attributes
}

const openSpan = (name: string, parent: Open | null, startedAt: number, attributes: Attributes): Open => ({
  traceId: parent?.traceId ?? randomBytes(16).toString("hex"),
  spanId: randomBytes(8).toString("hex"),
  parentSpanId: parent?.spanId ?? null,
  name,
  startedAt,
  attributes
})

interface Ending {
  /** Epoch milliseconds. */
  readonly endedAt: number
  readonly failed: boolean
  readonly kind?: number
  readonly attributes?: Attributes
}

const endedSpan = (open: Open, { attributes = {}, endedAt, failed, kind = internalKind }: Ending): Span => ({
  traceId: open.traceId,
  spanId: open.spanId,
  ...(open.parentSpanId === null ? {} : { parentSpanId: open.parentSpanId }),
  name: open.name,
  kind,
  startTimeUnixNano: nanos(open.startedAt),
  endTimeUnixNano: nanos(Math.max(open.startedAt, endedAt)),
  attributes: attributesOf({ ...open.attributes, ...attributes }),
  status: failed ? { code: failedCode } : {}
})

/**
 * Makes spans and counts of the events of runs. Their attributes are listed here one by one, and are nothing that a provider
 * or a user wrote but the connections' names: no path, no id, no message of a failure. Times are epoch milliseconds.
 */
export class Recorder {
  readonly metrics: Metrics
  private readonly runs = new Map<number, OpenRun>()
  /** By connection: it has one lane at a time. */
  private readonly lanes = new Map<string, OpenLane>()
  private readonly ended: Array<Span> = []
  /** Spans that were given up. */
  lost = 0
  /** Whether anything has run. */
  began = false

  constructor(startedAt: number) {
    this.metrics = new Metrics(startedAt)
  }

  /** How many spans are to be sent. */
  get waiting(): number {
    return this.ended.length
  }

  runStarted({ command, runId }: StartedRun, at: number): void {
    this.began = true
    const attributes = { "parley.command": command, "parley.run_id": runId }
    this.runs.set(runId, { span: openSpan("run", null, at, attributes), command, lanes: new Set() })
  }

  connectionStarted(runId: number, name: string, provider: string, lane: Lane, at: number): void {
    const run = this.runs.get(runId) ?? null
    const attributes = { "parley.connection": name, "parley.provider": provider, "parley.lane": lane }
    const open = { name, run, attributes, span: openSpan("connection", run?.span ?? null, at, attributes) }
    run?.lanes.add(open)
    this.lanes.set(name, open)
    this.metrics.begin(attributes)
  }

  clientEvent(name: string, event: ClientEvent): void {
    const lane = this.lanes.get(name)
    if (lane === undefined) return
    const { attributes, span } = lane
    switch (event._tag) {
      case "Sent":
        this.metrics.requests.add(attributes, 1)
        break
      case "RateLimited":
        this.metrics.refusals.add({ ...attributes, "http.response.status_code": event.status }, 1)
        break
      case "Waited":
        this.metrics.waited.add(attributes, event.millis)
        break
      case "Answered": {
        const { method, operation, receivedAt, requestedAt, status } = event.exchange
        const asked = { ...attributes, ...requestAttributes(operation, method, event.attempt) }
        this.end(openSpan("request", span, requestedAt, asked), {
          endedAt: receivedAt,
          failed: status >= 400,
          kind: clientKind,
          attributes: { "http.response.status_code": status }
        })
        break
      }
      case "Unanswered": {
        const { attempt, endedAt, method, operation, requestedAt } = event
        const asked = { ...attributes, ...requestAttributes(operation, method, attempt) }
        this.end(openSpan("request", span, requestedAt, asked), {
          endedAt,
          failed: true,
          kind: clientKind,
          attributes: { "error.type": "no_answer" }
        })
      }
    }
  }

  committed(name: string, committed: Committed, at: number): void {
    const lane = this.lanes.get(name)
    if (lane === undefined) return
    const counts: Record<string, number> = { "parley.received": committed.received }
    for (const outcome of recordOutcomes) {
      counts[`parley.${outcome}`] = committed[outcome]
      this.metrics.records.add({ ...lane.attributes, "parley.outcome": outcome }, committed[outcome])
    }
    const span = openSpan("commit", lane.span, committed.startedAt, { ...lane.attributes, ...counts })
    this.end(span, { endedAt: at, failed: false })
  }

  connectionFinished(name: string, outcome: string, at: number): void {
    const lane = this.lanes.get(name)
    if (lane === undefined) return
    this.lanes.delete(name)
    this.endLane(lane, outcome, at)
  }

  runFinished(runId: number, outcome: string, at: number): void {
    const run = this.runs.get(runId)
    if (run === undefined) return
    this.runs.delete(runId)
    for (const lane of run.lanes) {
      if (this.lanes.get(lane.name) === lane) this.lanes.delete(lane.name)
      this.endLane(lane, outcome, at)
    }
    this.end(run.span, {
      endedAt: at,
      failed: outcome === "failed",
      attributes: { "parley.outcome": outcome }
    })
    const attributes = { "parley.command": run.command, "parley.outcome": outcome }
    this.metrics.runSeconds(attributes, Math.max(0, at - run.span.startedAt) / 1000)
  }

  /** Ends the spans that nothing else will end. */
  endAll(at: number): void {
    for (const runId of [...this.runs.keys()]) this.runFinished(runId, "failed", at)
  }

  /** The oldest spans that are to be sent. */
  take(most: number): ReadonlyArray<Span> {
    return this.ended.splice(0, most)
  }

  /** They could not be sent now. */
  giveBack(spans: ReadonlyArray<Span>): void {
    this.ended.unshift(...spans)
    this.forget()
  }

  private endLane(lane: OpenLane, outcome: string, at: number): void {
    lane.run?.lanes.delete(lane)
    this.end(lane.span, {
      endedAt: at,
      failed: outcome === "failed",
      attributes: { "parley.outcome": outcome }
    })
  }

  private end(span: Open, ending: Ending): void {
    this.ended.push(endedSpan(span, ending))
    this.forget()
  }

  private forget(): void {
    if (this.ended.length <= mostSpans) return
    this.lost += this.ended.splice(0, this.ended.length - mostSpans).length
  }
}

const requestAttributes = (operation: string, method: string, attempt: number): Attributes => ({
  "parley.operation": operation,
  "http.request.method": method,
  "parley.attempt": attempt
})
