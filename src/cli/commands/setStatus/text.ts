import { present } from "../../../domain/present.ts"
import type { BulkPlan, BulkResult, BulkStep } from "../../../sync/push/bulk.ts"
import { UsageError } from "../../errors.ts"
import { counted, grouped } from "../../terminal/numbers.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { type ColumnOf, tableOf, whole } from "../../terminal/table.ts"

/** A status, with the provider's word where that is another one. */
const inBoth = (status: string, word: string | null): string =>
  word === null || word === status ? status : `${status} (${oneLine(word)})`

const columns = whole<ColumnOf<BulkStep & { readonly name: string }>>([
  { name: "connection", cell: ({ name }) => name },
  { name: "conversations", right: true, cell: ({ conversations }) => grouped(conversations) },
  { name: "old", cell: ({ from, from_provider_status }) => inBoth(from, from_provider_status) },
  { name: "new", cell: ({ to, to_provider_status }) => (to === null ? "-" : inBoth(to, to_provider_status)) },
  { name: "put back", cell: ({ can_be_put_back }) => (can_be_put_back ? "possible" : "never") }
])

const total = (plan: BulkPlan, count: "changes" | "nothing_to_do" | "already_requested" | "replaced") =>
  plan.connections.reduce((sum, part) => sum + part[count], 0)

const sideLines = (plan: BulkPlan): ReadonlyArray<string> => {
  if (plan.connections.length === 0)
    return ["No conversation that its provider still has meets the condition."]
  const parts = [
    [total(plan, "nothing_to_do"), "are so already"],
    [total(plan, "already_requested"), "have the same change open already"]
  ] as const
  const replaced = total(plan, "replaced")
  return present(
    ...parts.flatMap(([count, what]) => (count === 0 ? [] : [`${counted(count, "conversation")}: ${what}`])),
    replaced > 0 && `${counted(replaced, "pending change")} to something else: cancelled by this`
  )
}

const warnings = (plan: BulkPlan): ReadonlyArray<string> =>
  plan.connections.flatMap(({ changes, name, never_put_back, pending, push_brake, steps }) => {
    const words = new Set(
      steps.flatMap((step) =>
        step.can_be_put_back ? [] : [`\`${oneLine(step.from_provider_status ?? step.from)}\``]
      )
    )
    return present(
      never_put_back > 0 &&
        `${name}: ${counted(never_put_back, "conversation")} can never be put back: the provider takes no ${[...words].join(", ")}`,
      changes > 0 &&
        pending > push_brake &&
        `${name}: ${grouped(pending)} changes are pending then, more than pushBrake (${push_brake}): only \`parley push ${name} --confirm ${pending}\` sends them`
    )
  })

/** What would be requested. */
export const bulkPlanText = (plan: BulkPlan, room: number | null): string => {
  const changes = total(plan, "changes")
  const all = plan.connections.flatMap(({ name, steps }) => steps.map((step) => ({ name, ...step })))
  const notes = [...warnings(plan), ...sideLines(plan)]
  return present(
    all.length > 0 && [tableOf(columns, all, room), ""],
    ...notes,
    `${counted(changes, "change")} would be requested. Nothing was written.`
  ).join("\n")
}

/** What was requested. */
export const bulkText = (result: BulkResult, isProposal: boolean): string => {
  const changes = total(result, "changes")
  const own = [...result.change_ids].sort((one, other) => one - other)
  const numbers = own.length > 1 ? ` (${own[0]} to ${own.at(-1)})` : own.length === 1 ? ` (${own[0]})` : ""
  const next = isProposal
    ? "`parley changes approve` lets them be sent"
    : "`parley push` sends them, and so does the next sync; `parley changes cancel` takes them back"
  const done = isProposal ? "proposed" : "requested"
  return [
    ...warnings(result),
    ...sideLines(result),
    changes === 0 ? "Nothing to do." : `${counted(changes, "change")} ${done}${numbers}; ${next}`
  ].join("\n")
}

/** Most faults that are told one by one. */
const mostFaults = 8

const connectionsOf = (ids: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(ids.map((id) => id.slice(0, Math.max(0, id.indexOf(":")))))
]

/** Why nothing was requested. @param byCondition the conversations were selected by a condition */
export const bulkFault = ({ faults }: BulkPlan, byCondition: boolean): UsageError => {
  const [only, ...others] = faults
  const amount = faults.reduce((sum, { ids }) => sum + ids.length, 0)
  const without = (ids: ReadonlyArray<string>) =>
    byCondition
      ? ` To leave them out, add: ${connectionsOf(ids)
          .map((name) => `AND connection <> '${name}'`)
          .join(" ")}`
      : ""
  if (only !== undefined && others.length === 0 && amount === 1) {
    return new UsageError({ message: only.message, hint: `${only.hint}${without(only.ids)}` })
  }
  const lines = faults
    .slice(0, mostFaults)
    .map(
      ({ hint, ids, message }) =>
        `${ids.length === 1 ? "" : `${grouped(ids.length)} conversations: `}${message}. ${hint}${without(ids)}`
    )
  const rest = faults.length - lines.length
  return new UsageError({
    message: `${counted(amount, "conversation")} cannot be changed so; nothing was requested`,
    hint: present(...lines, rest > 0 && `and ${grouped(rest)} other faults`).join("\n  ")
  })
}
