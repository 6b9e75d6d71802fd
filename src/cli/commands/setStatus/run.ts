import { Effect } from "effect"
import { nearest, suggestion } from "../../../config/nearest.ts"
import { isWantedStatus, type WantedStatus } from "../../../domain/Status.ts"
import type { RequestedChange } from "../../../domain/StatusChange.ts"
import { selectWhere } from "../../../store/read/selectWhere.ts"
import { pushLane } from "../../../sync/lanes.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import { planChanges, requestChanges } from "../../../sync/push/bulk.ts"
import { run } from "../../../sync/run.ts"
import { ask } from "../../asking.ts"
import { loadConfiguration } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { readInput } from "../../input.ts"
import { maxWaitMillis } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { Output } from "../../terminal/Output.ts"
import { runReportText } from "../../terminal/runReport.ts"
import { askedDocument, askedText } from "../changes/text.ts"
import { type SetStatusInput, statuses } from "./index.ts"
import { bulkFault, bulkPlanText, bulkText } from "./text.ts"

const wantedStatus = (word: string): Effect.Effect<WantedStatus, UsageError> =>
  isWantedStatus(word)
    ? Effect.succeed(word)
    : new UsageError({
        message: `there is no status "${word}"${suggestion(word, statuses)}`,
        hint: "name one of: active, handed_off, completed, abandoned"
      })

/** Which conversations are meant. */
type Meant =
  | { readonly _tag: "One"; readonly id: string }
  | { readonly _tag: "Where"; readonly where: string }
  | { readonly _tag: "From"; readonly path: string }

const oneId = (words: ReadonlyArray<string>): Effect.Effect<string, UsageError> => {
  const [id = "", status] = words
  if (words.length === 0) {
    return new UsageError({
      message: "no conversation and no status are named",
      hint: "write parley set-status ID STATUS, such as parley set-status leads:66f2c0de completed"
    })
  }
  if (words.length === 2) {
    return isWantedStatus(id) && !isWantedStatus(status)
      ? new UsageError({
          message: `"${id}" is a status, and comes after the conversation`,
          hint: `write it the other way round: parley set-status ${status} ${id}`
        })
      : Effect.succeed(id)
  }
  if (words.length > 2) {
    return new UsageError({
      message: `there are ${words.length} words where a conversation and a status belong`,
      hint: "for several conversations put their ids into a file, one on each line, and give it with --from FILE"
    })
  }
  const isStatus = nearest(id, statuses) !== null
  return new UsageError({
    message: isStatus ? "no conversation is named" : `no status is named for ${id}`,
    hint: isStatus
      ? `write parley set-status ID ${id}, or name many with --where SQL or --from FILE`
      : `write parley set-status ${id} STATUS, one of: ${statuses.join(", ")}`
  })
}

const meantBy = Effect.fn("set-status.meant")(function* ({ from, where, words }: SetStatusInput) {
  if (where !== null && from !== null) {
    return yield* new UsageError({
      message: "--where and --from do not go together",
      hint: "select by a condition, or name ids"
    })
  }
  if (where === null && from === null) {
    return { _tag: "One", id: yield* oneId(words) } satisfies Meant
  }
  const flag = where !== null ? "--where" : "--from"
  if (words.length === 0) {
    return yield* new UsageError({
      message: `no status is named beside ${flag}`,
      hint: `write parley set-status STATUS ${flag} …, one of: ${statuses.join(", ")}`
    })
  }
  if (words.length > 1) {
    return yield* new UsageError({
      message: `with ${flag} only the status is named, and here are ${words.length} words: ${words.join(" ")}`,
      hint: `write parley set-status ${words.find(isWantedStatus) ?? "STATUS"} ${flag} …`
    })
  }
  const meant: Meant = where !== null ? { _tag: "Where", where } : { _tag: "From", path: from ?? "-" }
  return meant
})

/** Ids, one on each line. What `query --format csv` writes is understood: a head, and quotes around an id. */
const idsIn = (text: string): ReadonlyArray<string> =>
  text
    .split(/\r\n|[\r\n]/)
    .map((line) => line.trim())
    .map((line) => (/^".*"$/.test(line) ? line.slice(1, -1).replaceAll('""', '"') : line))
    .filter(
      (line, at) => line !== "" && !line.startsWith("#") && !(at === 0 && /^(conversation_)?id$/.test(line))
    )

const idsOf = Effect.fn("set-status.ids")(function* (meant: Meant) {
  switch (meant._tag) {
    case "One":
      return [meant.id]
    case "Where": {
      const { queryProgram } = yield* Host
      return yield* selectWhere(queryProgram, meant.where).pipe(
        Effect.catchTag(
          "SqlFault",
          ({ hint, message }) => new UsageError({ message: `--where: ${message}`, hint })
        )
      )
    }
    case "From": {
      const ids = idsIn(yield* readInput("--from", meant.path))
      if (ids.length > 0) return ids
      return yield* new UsageError({
        message: `--from: there is no id in ${meant.path === "-" ? "what came on stdin" : meant.path}`,
        hint: "write one id on each line, such as leads:66f2c0de"
      })
    }
  }
})

/** Many at once: all of them, or none. */
const many = Effect.fn("set-status.many")(function* (
  meant: Meant,
  requested: RequestedChange,
  input: SetStatusInput,
  waitMillis: number
) {
  const output = yield* Output
  const { json } = yield* Globals
  const { connections } = yield* loadConfiguration
  const ids = yield* idsOf(meant)
  const wanted = { ids, requested, requestedBy: "set-status", isProposal: input.propose }
  const isCondition = meant._tag === "Where"
  if (input.plan) {
    const plan = yield* planChanges(wanted, connections)
    if (plan.faults.length > 0) return yield* bulkFault(plan, isCondition)
    return yield* answer({ command: "set-status", plan: true, connections: plan.connections }, (room) =>
      bulkPlanText(plan, room)
    )
  }
  const result = yield* requestChanges(wanted, connections)
  if (result.faults.length > 0) return yield* bulkFault(result, isCondition)
  const document = { command: "set-status", plan: false, connections: result.connections }
  if (!json) yield* output.result(bulkText(result, input.propose))
  const involved = connections.filter(({ name }) =>
    result.connections.some((part) => part.name === name && part.pending > 0)
  )
  if (!input.push || involved.length === 0) {
    if (json) yield* output.document({ ...document, change_ids: result.change_ids })
    return exitCodes.complete
  }
  const { exitCode, report } = yield* run({
    command: "set-status",
    connections: involved,
    maxWaitMillis: waitMillis,
    lanes: [pushLane]
  }).pipe(Effect.provide(talkingLayer))
  yield* answer({ ...document, change_ids: result.change_ids, run: report }, (room) =>
    runReportText(report, room)
  )
  return exitCode
})

const one = Effect.fn("set-status.one")(function* (
  id: string,
  requested: RequestedChange,
  push: boolean,
  waitMillis: number
) {
  const output = yield* Output
  const { json } = yield* Globals
  const { asked, config } = yield* ask(id, requested, "set-status")
  if (!json) yield* output.result(askedText(asked))
  if (!push || asked._tag === "NothingToDo") {
    if (json) yield* output.document(askedDocument(asked))
    else if (asked._tag === "Asked") yield* output.note("`parley push` sends it; so does the next sync")
    return exitCodes.complete
  }
  const { exitCode, report } = yield* run({
    command: "set-status",
    connections: [config],
    maxWaitMillis: waitMillis,
    lanes: [pushLane]
  }).pipe(Effect.provide(talkingLayer))
  yield* answer({ ...askedDocument(asked), run: report }, (room) => runReportText(report, room))
  return exitCode
})

export const setStatus = Effect.fn("set-status")(function* (input: SetStatusInput) {
  const meant = yield* meantBy(input)
  const status = yield* wantedStatus(input.words.at(-1) ?? "")
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const { database } = yield* loadConfiguration
  const { category, summary, tags, title } = input
  const requested = { status, category, summary, title, tags: [...new Set(tags)] }
  if (input.plan && input.push) {
    return yield* new UsageError({
      message: "--plan and --push do not go together",
      hint: "look at the plan first, then write the same with --push"
    })
  }
  if (input.propose && input.push) {
    return yield* new UsageError({
      message: "--propose and --push do not go together",
      hint: "leave --push out: what is proposed is sent once it is approved"
    })
  }
  const work =
    meant._tag === "One" && !input.plan && !input.propose
      ? one(meant.id, requested, input.push, waitMillis)
      : many(meant, requested, input, waitMillis)
  return yield* work.pipe(Effect.provide(existingStoreLayer(database)))
})
