import { Cause, Effect, HashMap, Layer, Logger, Runtime } from "effect"
import { Globals } from "../globals.ts"
import { Output } from "./Output.ts"
import { jsonText, oneLine } from "./safeText.ts"

const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part) => (typeof part === "string" ? part : jsonText(part)))
    .join(" ")

/** Logs go to stderr, above the live lines: one line each, or one JSON object each beside JSON progress. */
export const loggerLayer = Layer.unwrapEffect(
  Effect.gen(function* () {
    const { progress } = yield* Globals
    const output = yield* Output
    const runtime = yield* Effect.runtime<never>()
    const write = (text: string) => Runtime.runSync(runtime)(output.note(text))
    const logger = Logger.make(({ annotations, cause, date, logLevel, message }) => {
      const level = logLevel.label.toLowerCase()
      const values = Object.fromEntries(HashMap.toEntries(annotations))
      const why = Cause.isEmpty(cause) ? null : Cause.pretty(cause)
      if (progress === "json") {
        const entry = { event: "log", at: date.toISOString(), level, message: textOf(message), ...values }
        return write(jsonText(why === null ? entry : { ...entry, cause: why }))
      }
      const pairs = Object.entries(values).map(([key, value]) => ` ${key}=${textOf(value)}`)
      const line = oneLine(`${textOf(message)}${pairs.join("")}`)
      write(`${date.toISOString().slice(11, 19)} ${level}: ${line}${why === null ? "" : `\n${why}`}`)
    })
    return Logger.replace(Logger.defaultLogger, logger)
  })
)
