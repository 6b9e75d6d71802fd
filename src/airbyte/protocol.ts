import { Schema } from "effect"
import type { FeedRow } from "../store/read/feed.ts"

/*
 * Messages of Airbyte's protocol (version 0), one JSON document a line. Written here as text, because counts must have a
 * decimal point, and states are handed back as they came. What other programs send may have more fields.
 */

export type LogLevel = "FATAL" | "ERROR" | "WARN" | "INFO" | "DEBUG" | "TRACE"

/** Who can do something about an error: who configured it, time, or who maintains the program. */
export type FailureType = "config_error" | "transient_error" | "system_error"

type StreamStatus = "STARTED" | "RUNNING" | "COMPLETE" | "INCOMPLETE"

export const line = (message: object): string => `${JSON.stringify(message)}\n`

/** Counts are defined as doubles. */
const double = (count: number): string => count.toFixed(1)

export const log = (level: LogLevel, message: string): string =>
  line({ type: "LOG", log: { level, message } })

export const spec = (content: object): string => line({ type: "SPEC", spec: content })

export const connectionStatus = (failure: string | null): string =>
  line({
    type: "CONNECTION_STATUS",
    connectionStatus: failure === null ? { status: "SUCCEEDED" } : { status: "FAILED", message: failure }
  })

export const catalog = (streams: ReadonlyArray<object>): string =>
  line({ type: "CATALOG", catalog: { streams } })

export const destinationCatalog = (operations: ReadonlyArray<object>): string =>
  line({ type: "DESTINATION_CATALOG", destination_catalog: { operations } })

/** @param at epoch milliseconds, here and below */
export const record = (stream: string, data: FeedRow, at: number): string =>
  line({ type: "RECORD", record: { stream, data, emitted_at: at } })

/** @param state JSON text @param records of the stream since its state before */
export const streamState = (stream: string, state: string, records: number): string =>
  `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":${JSON.stringify(stream)}},"stream_state":${state}},"sourceStats":{"recordCount":${double(records)}}}}\n`

/** A state as it came, JSON text of an object, with what became of the records before it. */
export const settledState = (
  state: string,
  { accepted, rejected }: { readonly accepted: number; readonly rejected: number }
): string => {
  const stats = `"destinationStats":{"recordCount":${double(accepted)},"rejectedRecordCount":${double(rejected)}}`
  const rest = state.trim().slice(1)
  return `{"type":"STATE","state":{${stats}${rest.trim() === "}" ? "" : ","}${rest}}\n`
}

/** @param quotaReset when a provider's limit lets requests through again, epoch milliseconds; null: no limit holds it */
export const streamStatus = (
  stream: string,
  status: StreamStatus,
  at: number,
  quotaReset: number | null = null
): string =>
  line({
    type: "TRACE",
    trace: {
      type: "STREAM_STATUS",
      emitted_at: at,
      stream_status: {
        stream_descriptor: { name: stream },
        status,
        ...(quotaReset === null
          ? {}
          : { reasons: [{ type: "RATE_LIMITED", rate_limited: { quota_reset: quotaReset } }] })
      }
    }
  })

interface ErrorTrace {
  readonly type: FailureType
  /** For whoever configured it. */
  readonly message: string
  readonly internal?: string
}

export const traceError = ({ internal, message, type }: ErrorTrace, at: number): string =>
  line({
    type: "TRACE",
    trace: {
      type: "ERROR",
      emitted_at: at,
      error: {
        message,
        failure_type: type,
        ...(internal === undefined ? {} : { internal_message: internal })
      }
    }
  })

const StreamDescriptor = Schema.Struct({
  name: Schema.String,
  namespace: Schema.optional(Schema.NullOr(Schema.String))
})

/** The part of a configured catalog that matters here. */
export const ConfiguredCatalog = Schema.Struct({
  streams: Schema.Array(
    Schema.Struct({
      stream: Schema.Struct({ name: Schema.String }),
      sync_mode: Schema.String,
      destination_sync_mode: Schema.optional(Schema.NullOr(Schema.String)),
      destination_object_name: Schema.optional(Schema.NullOr(Schema.String))
    })
  )
})

/** What `--state` names: a list of states; other kinds than a stream's own are not written here. */
export const GivenStates = Schema.Array(
  Schema.Struct({
    type: Schema.optional(Schema.String),
    stream: Schema.optional(
      Schema.NullOr(
        Schema.Struct({
          stream_descriptor: StreamDescriptor,
          stream_state: Schema.optional(Schema.NullOr(Schema.Unknown))
        })
      )
    )
  })
)
export type GivenStates = typeof GivenStates.Type
