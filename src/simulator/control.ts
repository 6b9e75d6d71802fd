import { Either, ParseResult, Schema } from "effect"
import { isRecord } from "../domain/isRecord.ts"
import { type Fault, FaultRule } from "./faults.ts"
import {
  inPieces,
  json,
  jsonArray,
  parseJson,
  parseRequest,
  respond,
  type SimulatedRequest,
  type SimulatedResponse
} from "./http.ts"
import { Mutation, mutate } from "./mutate.ts"
import { presetNames } from "./names.ts"
import { isPreset, preset } from "./presets.ts"
import type { Simulator } from "./simulator.ts"
import type { AnyVendor } from "./vendor.ts"
import { type VendorId, vendorIds } from "./vendors/index.ts"

const Options = Schema.Struct({
  vendor: Schema.Literal(...vendorIds),
  options: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})

const decoded = <A, I>(
  schema: Schema.Schema<A, I>,
  value: unknown,
  use: (value: A) => SimulatedResponse
): SimulatedResponse =>
  Either.match(Schema.decodeUnknownEither(schema, { onExcessProperty: "error" })(value), {
    onLeft: (error) => {
      const issues = ParseResult.ArrayFormatter.formatErrorSync(error)
      return json(400, { error: issues.map((one) => `${one.path.join(".")}: ${one.message}`).join("; ") })
    },
    onRight: use
  })

/** A vendor's world as JSON: its conversations with their messages, and what was applied through its API. */
const state = (vendor: AnyVendor, withMessages: boolean): SimulatedResponse => {
  const { world } = vendor
  function* conversations() {
    for (const [id, conversation] of world.conversations) {
      yield withMessages ? { id, conversation, messages: world.messages(id) } : { id, conversation }
    }
  }
  const head = `{"vendor":${JSON.stringify(vendor.id)},"conversations":`
  return respond(
    200,
    inPieces(jsonArray(head, conversations(), `,"effects":${JSON.stringify(world.effects)}}`))
  )
}

const addFaults = (simulator: Simulator, wanted: unknown): SimulatedResponse => {
  const add = (faults: ReadonlyArray<Fault>) => {
    for (const fault of faults) simulator.faults.add(fault)
    return json(200, { faults: simulator.faults.list().length })
  }
  if (isRecord(wanted) && "preset" in wanted) {
    const name = String(wanted.preset)
    if (isPreset(name)) return add(preset(name))
    return json(400, { error: `There is no preset ${name}; there are ${presetNames.join(", ")}` })
  }
  return decoded(Schema.Array(FaultRule), Array.isArray(wanted) ? wanted : [wanted], add)
}

const applyMutation = (simulator: Simulator, mutation: Mutation, now: number): SimulatedResponse => {
  try {
    return json(200, { changes: mutate(simulator, mutation, now) })
  } catch (error) {
    return json(404, { error: error instanceof Error ? error.message : String(error) })
  }
}

/**
 * The control surface, for other processes:
 * - `GET /state/<vendor>` (`?messages=0` without messages), `GET /log`, `GET /options/<vendor>`
 * - `POST /mutate` a `Mutation`; `POST /options` `{"vendor", "options"}`
 * - `POST /faults` a rule, a list of rules or `{"preset"}`; `DELETE /faults` removes all
 *
 * `now`: epoch milliseconds, when mutations happen.
 */
export const answerControl = (
  simulator: Simulator,
  request: SimulatedRequest,
  now: number
): SimulatedResponse => {
  simulator.settle(now)
  const { body, method, path, query } = parseRequest(request)
  const [, surface, name] = path.split("/")
  const vendor = vendorIds.find((id): id is VendorId => id === name)
  switch (`${method} ${surface}`) {
    case "GET state":
      if (vendor !== undefined) return state(simulator.vendors[vendor], query.get("messages") !== "0")
      break
    case "GET options":
      if (vendor !== undefined) return json(200, simulator.vendors[vendor].options)
      break
    case "GET log":
      return respond(200, inPieces(jsonArray("", simulator.log, "")))
    case "POST mutate":
      return decoded(Mutation, parseJson(body), (mutation) => applyMutation(simulator, mutation, now))
    case "POST faults":
      return addFaults(simulator, parseJson(body))
    case "DELETE faults":
      simulator.faults.clear()
      return json(200, { faults: 0 })
    case "POST options":
      return decoded(Options, parseJson(body), (wanted) => {
        Object.assign(simulator.vendors[wanted.vendor].options, wanted.options)
        return json(200, simulator.vendors[wanted.vendor].options)
      })
  }
  return json(404, { error: `Nothing here: ${method} ${path}` })
}
