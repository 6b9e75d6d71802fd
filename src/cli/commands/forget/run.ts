import { closeSync, rmSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { Effect } from "effect"
import packageJson from "../../../../package.json" with { type: "json" }
import { present } from "../../../domain/present.ts"
import { codeOf, fileFaultOf } from "../../../files/faults.ts"
import { createPrivate } from "../../../files/newFile.ts"
import {
  type Erasure,
  type ErasurePlan,
  erase,
  type Forgetting,
  planErasure
} from "../../../store/forget/forget.ts"
import { existingStoreLayer } from "../../../sync/layers.ts"
import { mirrorPath, readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Host } from "../../Host.ts"
import { answer } from "../../terminal/answer.ts"
import { counted, grouped } from "../../terminal/numbers.ts"
import type { ForgetInput } from "./index.ts"

const kinds = ["contact", "email", "phone", "conversation", "connection"] as const

const forgettingOf = (input: ForgetInput): Effect.Effect<Forgetting, UsageError> => {
  const [one, ...others] = kinds.flatMap((by): ReadonlyArray<Forgetting> => {
    const value = input[by]
    if (value === null) return []
    return [
      by === "connection" ? { _tag: "Connection", name: value } : { _tag: "Person", named: { by, value } }
    ]
  })
  return one !== undefined && others.length === 0
    ? Effect.succeed(one)
    : new UsageError({
        message: one === undefined ? "it is not said whom to forget" : "one person or connection at a time",
        hint: "name exactly one of --contact, --email, --phone, --conversation and --connection; --plan shows what would go"
      })
}

/** What is counted, in words. */
const tables: Readonly<Record<string, string>> = {
  messages: "messages, with their words in the search index",
  raw_records: "payloads",
  quarantine: "records in quarantine",
  status_changes: "requested status changes",
  hints: "webhooks not read yet",
  pages: "requests whose path named them",
  requests_refused: "refused requests whose path named them",
  run_connections: "runs whose error told of them"
}

const countLines = (counts: ErasurePlan["counts"]): ReadonlyArray<string> => {
  const rows = Object.entries(counts).filter(([, count]) => count > 0)
  const width = Math.max(0, ...rows.map(([, count]) => grouped(count).length))
  return rows.map(
    ([table, count]) => `  ${grouped(count).padStart(width)}  ${tables[table] ?? table.replaceAll("_", " ")}`
  )
}

const subjectOf = (forgetting: Forgetting): string =>
  forgetting._tag === "Connection" ? `the connection ${forgetting.name}` : "one person, over all connections"

const copyLines = (copies: ErasurePlan["copies"]): ReadonlyArray<string> =>
  copies.length === 0
    ? []
    : [
        "Written before, with what the mirror held then, and yours to delete or to write again:",
        ...copies.map(({ at, kind, path }) => `  ${kind} of ${at.slice(0, 16).replace("T", " ")}  ${path}`)
      ]

const planText = (
  forgetting: Forgetting,
  { contacts, copies, counts, onTheirWay, similar }: ErasurePlan
): string => {
  const lines = countLines(counts)
  return present(
    lines.length === 0
      ? `Nothing is stored of ${subjectOf(forgetting)}. Forgetting would keep it so.`
      : `Would be erased, of ${subjectOf(forgetting)}:\n${lines.join("\n")}`,
    contacts.length > 0 && `Contacts: ${contacts.join(", ")}`,
    similar.length > 0 &&
      `Not taken for the same person, with a number that ends alike: ${similar.join(", ")}`,
    onTheirWay > 0 &&
      `${counted(onTheirWay, "change")} on the way to the provider: what becomes of it will not be known here.`,
    ...copyLines(copies),
    "Nothing was changed."
  ).join("\n")
}

const doneText = (forgetting: Forgetting, { copies, counts, id, unfinished }: Erasure): string => {
  const lines = countLines(counts)
  return present(
    lines.length === 0
      ? `Nothing was stored of ${subjectOf(forgetting)}, and nothing will be (erasure ${id}).`
      : `Erased, of ${subjectOf(forgetting)} (erasure ${id}):\n${lines.join("\n")}`,
    unfinished !== null &&
      `Their rows are gone; remnants may be in the file still, because ${unfinished}. The next run that writes to the mirror tries again; so does this command.`,
    ...copyLines(copies)
  ).join("\n")
}

/** A file that is created before anything is erased, so that the receipt cannot fail afterwards for its place. */
const receiptFile = (path: string) =>
  Effect.try({
    try: () => ({ path, descriptor: createPrivate(path) }),
    catch: (cause) =>
      new UsageError({
        message:
          codeOf(cause) === "EEXIST"
            ? `--receipt: ${path} exists already`
            : `--receipt: ${path} cannot be created: ${fileFaultOf(cause)?.what ?? cause}`,
        hint: "name another file; nothing was erased"
      })
  })

const erasing = Effect.fn("forget.erasing")(function* (forgetting: Forgetting, receipt: string | null) {
  const file = receipt === null ? null : yield* receiptFile(receipt)
  const erasure = yield* erase(forgetting).pipe(
    Effect.provide(existingStoreLayer(yield* mirrorPath)),
    Effect.tapError(() => Effect.sync(() => file !== null && rmSync(file.path, { force: true })))
  )
  if (file !== null) {
    const { counts, ...rest } = erasure
    const what =
      forgetting._tag === "Person" ? { what: "person" } : { what: "connection", connection: forgetting.name }
    const text = JSON.stringify({ ...what, ...rest, erased: counts, parley: packageJson.version }, null, 2)
    yield* Effect.sync(() => {
      writeFileSync(file.descriptor, `${text}\n`)
      closeSync(file.descriptor)
    })
  }
  return erasure
})

export const forget = Effect.fn("forget")(function* (input: ForgetInput) {
  const { cwd } = yield* Host
  const forgetting = yield* forgettingOf(input)
  if (input.plan && input.receipt !== null) {
    return yield* new UsageError({
      message: "--plan and --receipt do not go together: a plan erases nothing that a receipt could tell of",
      hint: "look at the plan first, then write the same with --receipt"
    })
  }
  if (input.plan) {
    const found = yield* readingMirror(planErasure(forgetting))
    return yield* answer({ plan: true, ...found }, planText(forgetting, found))
  }
  const receipt = input.receipt === null ? null : resolve(cwd, input.receipt)
  const erasure = yield* erasing(forgetting, receipt)
  yield* answer({ plan: false, ...erasure }, doneText(forgetting, erasure))
  return erasure.unfinished === null ? exitCodes.complete : exitCodes.partial
})
