import { Either, Schema } from "effect"
import type { Message } from "./platform.ts"

/*
 * The protocol's rules for what a source prints, written down a second time, so that a message is not judged by what made it.
 */

const Whole = Schema.Number.pipe(Schema.int())
const Stream = Schema.Struct({ name: Schema.NonEmptyString })

const Known = Schema.Union(
  Schema.Struct({
    type: Schema.Literal("RECORD"),
    record: Schema.Struct({
      stream: Schema.NonEmptyString,
      data: Schema.Record({
        key: Schema.String,
        value: Schema.Union(Schema.String, Schema.Number, Schema.Null)
      }),
      emitted_at: Whole
    })
  }),
  Schema.Struct({
    type: Schema.Literal("STATE"),
    state: Schema.Struct({
      type: Schema.Literal("STREAM"),
      stream: Schema.Struct({
        stream_descriptor: Stream,
        stream_state: Schema.Record({ key: Schema.String, value: Schema.Unknown })
      }),
      sourceStats: Schema.Struct({ recordCount: Schema.Number })
    })
  }),
  Schema.Struct({
    type: Schema.Literal("LOG"),
    log: Schema.Struct({
      level: Schema.Literal("FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"),
      message: Schema.NonEmptyString
    })
  }),
  Schema.Struct({
    type: Schema.Literal("TRACE"),
    trace: Schema.Union(
      Schema.Struct({
        type: Schema.Literal("STREAM_STATUS"),
        emitted_at: Schema.Number,
        stream_status: Schema.Struct({
          stream_descriptor: Stream,
          status: Schema.Literal("STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"),
          reasons: Schema.optional(
            Schema.Tuple(
              Schema.Struct({
                type: Schema.Literal("RATE_LIMITED"),
                rate_limited: Schema.Struct({ quota_reset: Whole })
              })
            )
          )
        })
      }),
      Schema.Struct({
        type: Schema.Literal("ERROR"),
        emitted_at: Schema.Number,
        error: Schema.Struct({
          message: Schema.NonEmptyString,
          internal_message: Schema.optional(Schema.String),
          failure_type: Schema.Literal("config_error", "transient_error", "system_error")
        })
      })
    )
  })
)

const decode = Schema.decodeUnknownEither(Known, { onExcessProperty: "error" })

/** The most that a state may take, in bytes. */
export const mostStateBytes = 512 * 1024

const isOfType = (value: unknown, { type }: { readonly type: string | ReadonlyArray<string> }): boolean => {
  const types = [type].flat()
  if (value === null) return types.includes("null")
  if (typeof value === "number") return types.includes(Number.isInteger(value) ? "integer" : "number")
  return types.includes("string")
}

const orderOf = (messages: ReadonlyArray<Message>, stream: string): ReadonlyArray<string> =>
  messages.flatMap((message) => {
    if (message.type === "RECORD" && message.record.stream === stream) return ["record"]
    if (message.type === "STATE" && message.state.stream.stream_descriptor.name === stream) return ["state"]
    const status = message.trace?.stream_status
    return status?.stream_descriptor.name === stream && status.reasons === undefined ? [status.status] : []
  })

/** What is wrong with the output of a read that came to its end. @param streams as they were discovered */
export const invalidIn = (
  messages: ReadonlyArray<Message>,
  streams: ReadonlyArray<Message>
): ReadonlyArray<string> => {
  const faults: Array<string> = []
  const seen = new Set<string>()
  for (const message of messages) {
    const decoded = decode(message)
    if (Either.isLeft(decoded)) faults.push(decoded.left.message)
    if (message.type === "RECORD") {
      const { data, stream } = message.record
      const properties = streams.find(({ name }) => name === stream)?.json_schema.properties ?? {}
      for (const [column, value] of Object.entries(data)) {
        const declared = properties[column]
        if (declared === undefined) faults.push(`${stream}.${column} is not declared`)
        else if (!isOfType(value, declared))
          faults.push(`${stream}.${column} is no ${declared.type}: ${value}`)
        else if (
          declared.format === "date-time" &&
          value !== null &&
          !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value))
        )
          faults.push(`${stream}.${column} is no moment: ${value}`)
      }
    }
    if (message.type === "STATE") {
      const text = JSON.stringify(message.state.stream)
      if (seen.has(text)) faults.push(`a state was sent twice: ${text.slice(0, 200)}`)
      seen.add(text)
      if (text.length > mostStateBytes) faults.push(`a state of ${text.length} bytes`)
    }
  }
  for (const { name } of streams) {
    const order = orderOf(messages, name)
    const statuses = order.filter((word) => word !== "record" && word !== "state")
    if (statuses.join(" ") !== "STARTED RUNNING COMPLETE") faults.push(`${name}: ${statuses.join(" ")}`)
    if (order.indexOf("record") !== -1 && order.indexOf("record") < order.indexOf("RUNNING"))
      faults.push(`${name}: a record before RUNNING`)
    if (order.at(-2) !== "state") faults.push(`${name}: ends without a state`)
    const counted = messages
      .filter(({ state }) => state?.stream.stream_descriptor.name === name)
      .reduce((sum, { state }) => sum + state.sourceStats.recordCount, 0)
    const sent = order.filter((word) => word === "record").length
    if (counted !== sent) faults.push(`${name}: ${counted} counted, ${sent} sent`)
  }
  return [...new Set(faults)].slice(0, 10)
}
