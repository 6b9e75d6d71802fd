import { present } from "../../../domain/present.ts"
import { changeDocument } from "../../../store/outbox/changeDocument.ts"
import type { Asked, ChangeEvent, OutboxChange } from "../../../store/outbox/Outbox.ts"
import type { PlannedChange } from "../../../sync/push/plan.ts"
import { counted } from "../../terminal/numbers.ts"
import { oneLine } from "../../terminal/safeText.ts"
import { type ColumnOf, tableOf, whole } from "../../terminal/table.ts"
import { ago, shortTime } from "../../terminal/times.ts"

/** What a change wants, in a few words. */
export const requestText = ({ requested }: OutboxChange): string =>
  present(
    requested.status !== null &&
      (requested.providerStatus === undefined
        ? requested.status
        : `${requested.status} (${oneLine(requested.providerStatus)})`),
    requested.title !== null && `title "${oneLine(requested.title)}"`,
    ...requested.tags.map((tag) => `+${oneLine(tag)}`)
  ).join(", ")

const nextOf = ({ endedAt, notBefore }: OutboxChange, now: string): string =>
  endedAt !== null || notBefore === null || notBefore <= now ? "-" : `from ${shortTime(notBefore)}`

/** Those that need a decision: in conflict or rejected, not resolved, and without a later change of their conversation. */
export const undecided = (newestFirst: ReadonlyArray<OutboxChange>): ReadonlyArray<OutboxChange> => {
  const seen = new Set<string>()
  return newestFirst.filter(({ conversationId, resolvedAt, state }) => {
    const isLatest = !seen.has(conversationId)
    seen.add(conversationId)
    return (
      isLatest &&
      resolvedAt === null &&
      (state === "conflict" || state === "rejected" || state === "proposed")
    )
  })
}

const numbersOf = (changes: ReadonlyArray<OutboxChange>, state: OutboxChange["state"]) =>
  changes.filter((change) => change.state === state).map(({ id }) => String(id))

/** What a person can do about changes that need a decision: at most a line for each state. */
export const adviceLines = (waiting: ReadonlyArray<OutboxChange>): ReadonlyArray<string> => {
  const line = (ids: ReadonlyArray<string>, is: string, advice: (id: string) => string) => {
    const [only = "N"] = ids
    if (ids.length === 0) return []
    if (ids.length === 1) return [`change ${only} is ${is}: ${advice(only)}`]
    return [`changes ${ids.join(", ")} are ${is}: ${advice("N…")}`]
  }
  return [
    ...line(
      numbersOf(waiting, "proposed"),
      "proposed",
      (id) => `\`parley changes approve ${id}\` lets it be sent, \`parley changes cancel ${id}\` refuses it`
    ),
    ...line(
      numbersOf(waiting, "conflict"),
      "in conflict",
      (id) =>
        `\`parley changes resolve ${id} --keep remote\` leaves what the provider holds, \`--keep local\` asks for the change again`
    ),
    ...line(
      numbersOf(waiting, "rejected"),
      "rejected",
      (id) =>
        `\`parley changes retry ${id}\` asks for it again, \`parley set-status ID STATUS\` for something else, \`parley changes resolve ${id} --keep remote\` lets it be`
    )
  ]
}

/** What can be done about one change; empty: nothing has to be. */
const nextLines = (change: OutboxChange, isUndecided: boolean): ReadonlyArray<string> => {
  const { id, state } = change
  if (isUndecided) return adviceLines([change])
  if (state === "pending") {
    return [`\`parley push\` sends it, \`parley changes cancel ${id}\` takes it back`]
  }
  return change.endedAt === null
    ? [`\`parley changes retry ${id}\` lets the next push look at it at once`]
    : []
}

/** @param at epoch milliseconds. @param room columns of the terminal; null: not a terminal. */
export const changesTable = (changes: ReadonlyArray<OutboxChange>, at: number, room: number | null): string =>
  tableOf(
    whole<ColumnOf<OutboxChange>>([
      { name: "change", right: true, cell: ({ id }) => String(id) },
      { name: "conversation", cell: ({ conversationId }) => conversationId },
      { name: "from", cell: ({ fromStatus }) => fromStatus },
      { name: "to", cell: requestText },
      { name: "state", cell: ({ state }) => state },
      { name: "tries", right: true, cell: ({ attempts }) => String(attempts) },
      { name: "asked", cell: ({ requestedAt }) => ago(requestedAt, at) },
      { name: "next", cell: (change) => nextOf(change, new Date(at).toISOString()) },
      { name: "what happened", cell: ({ lastError }) => oneLine(lastError ?? "") }
    ]),
    changes,
    room
  )

const line = (label: string, text: string): string => `${label.padEnd(12)}${text}`

/** The history of one change. @param isUndecided it needs a decision: see `undecided` */
export const storyText = (
  change: OutboxChange,
  events: ReadonlyArray<ChangeEvent>,
  isUndecided: boolean
): string => {
  const next = nextLines(change, isUndecided)
  const { attempts, fromProviderStatus, fromStatus, notBefore, requested } = change
  const word = fromProviderStatus === null ? "" : ` (\`${oneLine(fromProviderStatus)}\`)`
  return present(
    `change ${change.id}: ${change.state}`,
    "",
    line("conversation", ` ${change.conversationId}`),
    line("from", ` ${fromStatus}${word}`),
    line("to", ` ${requestText(change)}`),
    requested.category !== null && line("category", ` ${oneLine(requested.category)}`),
    requested.summary !== null && line("summary", ` ${oneLine(requested.summary)}`),
    line("asked", ` ${shortTime(change.requestedAt)} by ${oneLine(change.requestedBy)}`),
    line(
      "sent",
      ` ${counted(attempts, "time")}${attempts === 0 ? "" : `, last ${shortTime(change.sentAt)}`}`
    ),
    notBefore !== null &&
      change.endedAt === null &&
      line("next", ` with the first push after ${shortTime(notBefore)}`),
    "",
    ...events.map(
      (event) =>
        `${shortTime(event.at)}  ${event.state.padEnd(9)}  ${oneLine(event.detail ?? "")}${event.runId === null ? "" : ` (run ${event.runId})`}`
    ),
    next.length > 0 && ["", ...next]
  ).join("\n")
}

/** What became of a new request. */
export const askedText = (asked: Exclude<Asked, { _tag: "Refused" }>): string => {
  switch (asked._tag) {
    case "Asked": {
      const { change, heldBackBy, replaced } = asked
      return present(
        `change ${change.id}: ${change.conversationId} ${change.fromStatus} -> ${requestText(change)}, ${change.state}`,
        replaced !== null &&
          `It replaces change ${replaced.id} (${requestText(replaced)}), which is cancelled.`,
        heldBackBy !== null &&
          `Change ${heldBackBy.id} (${requestText(heldBackBy)}) is on its way: this one follows when it has ended.`
      ).join("\n")
    }
    case "AlreadyAsked":
      return `change ${asked.change.id} asks for this already: ${asked.change.conversationId} -> ${requestText(asked.change)}, ${asked.change.state}`
    case "NothingToDo":
      return asked.takenBack === null
        ? `nothing to do: ${asked.conversationId} is ${asked.status}`
        : `nothing to do: ${asked.conversationId} is ${asked.status}; change ${asked.takenBack.id} (${requestText(asked.takenBack)}) is taken back`
  }
}

export const askedDocument = (asked: Exclude<Asked, { _tag: "Refused" }>) => {
  switch (asked._tag) {
    case "Asked":
      return {
        result: "asked",
        conversation_id: asked.change.conversationId,
        change: changeDocument(asked.change),
        replaced: asked.replaced?.id ?? null,
        held_back_by: asked.heldBackBy?.id ?? null
      }
    case "AlreadyAsked":
      return {
        result: "already_asked",
        conversation_id: asked.change.conversationId,
        change: changeDocument(asked.change)
      }
    case "NothingToDo":
      return {
        result: "nothing_to_do",
        conversation_id: asked.conversationId,
        change: null,
        taken_back: asked.takenBack?.id ?? null
      }
  }
}

/** Each field of a change has a row; the first of them tells of the change. */
const planRows = ({ fields, ...change }: PlannedChange) => {
  const shown = fields.length > 0 ? fields : [{ field: "-", from: null, to: null }]
  return shown.map((field, index) => ({ field, change: index === 0 ? change : null }))
}

const planColumns = whole<ColumnOf<ReturnType<typeof planRows>[number]>>([
  { name: "change", right: true, cell: ({ change }) => String(change?.change.id ?? "") },
  { name: "conversation", cell: ({ change }) => change?.change.conversationId ?? "" },
  { name: "field", cell: ({ field }) => field.field },
  { name: "old", cell: ({ field }) => field.from ?? "-" },
  { name: "new", cell: ({ field }) => field.to ?? "-" },
  { name: "push would", cell: ({ change }) => change?.action ?? "" },
  { name: "because", cell: ({ change }) => oneLine(change?.reason ?? "") }
])

export const planTable = (planned: ReadonlyArray<PlannedChange>, room: number | null): string =>
  tableOf(planColumns, planned.flatMap(planRows), room)

export const planDocument = ({ action, canBePutBack, change, fields, reason }: PlannedChange) => ({
  change_id: change.id,
  conversation_id: change.conversationId,
  action,
  reason,
  fields,
  ...(canBePutBack === undefined ? {} : { can_be_put_back: canBePutBack })
})
