import { Effect, Record } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import { groupBy } from "../../domain/groupBy.ts"
import { isWantedStatus, type Status } from "../../domain/Status.ts"
import type { RequestedChange } from "../../domain/StatusChange.ts"
import { restoringWord, wordFor } from "../../providers/kit/statusMap.ts"
import type { Provider, Refusal } from "../../providers/Provider.ts"
import { Db } from "../../store/Db.ts"
import {
  type BulkFault,
  type BulkRequest,
  type BulkVerdicts,
  conversationOf
} from "../../store/outbox/bulk.ts"
import { Outbox } from "../../store/outbox/Outbox.ts"
import { connectionNames } from "../../store/read/findConversation.ts"
import { register } from "../run.ts"
import { rulesOf } from "./rules.ts"

/*
 * One change for many conversations: what would be requested, by connection, and the request itself, which is made for
 * all of them or for none. Nothing is sent here.
 */

/** Conversations of a connection that hold the same and would be changed to the same. */
export interface BulkStep {
  readonly from: Status
  /** The provider's own words; null: it has sent none, or no status is requested. */
  readonly from_provider_status: string | null
  readonly to: Status | null
  readonly to_provider_status: string | null
  readonly conversations: number
  /** `push --undo` can restore the provider's own word. */
  readonly can_be_put_back: boolean
  /** One of them. */
  readonly example_id: string
}

/** What becomes of a connection's conversations. */
interface BulkPart {
  readonly name: string
  readonly provider: string
  /** Conversations that get a change. */
  readonly changes: number
  readonly steps: ReadonlyArray<BulkStep>
  /** Of `changes`, those whose present status can never be set again. */
  readonly never_put_back: number
  /** The same change is open already. */
  readonly already_requested: number
  /** The provider holds it already. */
  readonly nothing_to_do: number
  /** Pending changes to something else that are cancelled: replaced, or taken back where the provider holds it already. */
  readonly replaced: number
  /** Changes that then are pending there, these and others. */
  readonly pending: number
  /** The most that a run sends unconfirmed. */
  readonly push_brake: number
}

export interface BulkPlan {
  readonly requested: RequestedChange
  readonly connections: ReadonlyArray<BulkPart>
  /** Where there are any, nothing can be requested. */
  readonly faults: ReadonlyArray<BulkFault>
}

export interface BulkResult extends BulkPlan {
  /** Of the changes that are in the outbox for it now, new ones and those that were there; empty: there are faults. */
  readonly change_ids: ReadonlyArray<number>
}

interface BulkWanted {
  /** Ids in any of the forms of `findConversation`. */
  readonly ids: ReadonlyArray<string>
  readonly requested: RequestedChange
  /** For the changes' history: `set-status`. */
  readonly requestedBy: string
  /** Someone has to approve each before it is sent; left out: no one has. */
  readonly isProposal?: boolean
}

interface Side {
  readonly config: ConnectionConfig
  readonly provider: Provider
}

/** The configured connections that the mirror knows, told the mirror as they are configured now, with their rules. */
const sidesOf = Effect.fn("bulk.sides")(function* (connections: ReadonlyArray<ConnectionConfig>) {
  const db = yield* Db
  const known = yield* db.use("bulk.connections", connectionNames)
  const involved = connections.filter(({ name }) => known.includes(name))
  const sides = yield* Effect.forEach(involved, (config) =>
    Effect.gen(function* () {
      yield* register(config)
      return [config.name, { config, provider: yield* rulesOf(config) }] as const
    })
  )
  return Record.fromEntries(sides) as Readonly<Record<string, Side>>
})

const refuseBy =
  (sides: Readonly<Record<string, Side>>): BulkRequest["refuse"] =>
  (requested, connection): Refusal | null =>
    sides[connection]?.provider.refuse(requested) ?? null

type Verdict = BulkVerdicts["verdicts"][number]

const connectionOf = (verdict: Verdict): string =>
  verdict._tag === "AlreadyAsked" ? verdict.change.connection : verdict.conversation.connection

const stepsOf = (
  { provider }: Side,
  requested: RequestedChange,
  verdicts: ReadonlyArray<Verdict>
): ReadonlyArray<BulkStep> => {
  const to = wordFor(provider.statusMap, requested) ?? null
  const steps = new Map<string, BulkStep>()
  for (const verdict of verdicts) {
    if (verdict._tag !== "Admissible") continue
    const { id, providerStatus, status } = verdict.conversation
    const key = JSON.stringify([status, providerStatus])
    const known = steps.get(key)
    steps.set(key, {
      from: status,
      from_provider_status: providerStatus,
      to: requested.status,
      to_provider_status: to,
      conversations: (known?.conversations ?? 0) + 1,
      can_be_put_back:
        requested.status === null ||
        (isWantedStatus(status) &&
          providerStatus !== null &&
          restoringWord(provider.statusMap, providerStatus) !== null),
      example_id: known?.example_id ?? id
    })
  }
  return [...steps.values()].sort((one, other) => other.conversations - one.conversations)
}

const sum = (steps: ReadonlyArray<BulkStep>): number =>
  steps.reduce((total, { conversations }) => total + conversations, 0)

/** Pending changes that a request cancels. */
const replacedBy = (verdict: Verdict) => {
  if (verdict._tag === "Admissible") return verdict.pending
  return verdict._tag === "NothingToDo" ? verdict.takesBack : null
}

const partOf = Effect.fn("bulk.part")(function* (
  side: Side,
  requested: RequestedChange,
  verdicts: ReadonlyArray<Verdict>
) {
  const outbox = yield* Outbox
  const steps = stepsOf(side, requested, verdicts)
  const changes = sum(steps)
  const replaced = verdicts.filter((verdict) => replacedBy(verdict) !== null).length
  const tagged = (tag: Verdict["_tag"]) => verdicts.filter(({ _tag }) => _tag === tag).length
  const part: BulkPart = {
    name: side.config.name,
    provider: side.config.provider,
    changes,
    steps,
    never_put_back: sum(steps.filter((step) => !step.can_be_put_back)),
    already_requested: tagged("AlreadyAsked"),
    nothing_to_do: tagged("NothingToDo"),
    replaced,
    pending: (yield* outbox.pendingIn([side.config.name])) + changes - replaced,
    push_brake: side.config.pushBrake
  }
  return part
})

const planOf = Effect.fn("bulk.plan")(function* (
  sides: Readonly<Record<string, Side>>,
  requested: RequestedChange,
  { faults, verdicts }: BulkVerdicts
) {
  const byConnection = groupBy(verdicts, connectionOf)
  const unsent = [...byConnection].flatMap(([name, group]) => {
    const config = sides[name]?.config
    if (config?.enabled === true) return []
    const message =
      config === undefined
        ? `there is no connection "${name}" in the configuration`
        : `the connection "${name}" is switched off in the configuration`
    const what = config === undefined ? "add it" : "take enabled: false out of it"
    const hint = `Changes are sent by a configured connection: ${what}, or leave its conversations out.`
    return [{ message, hint, ids: group.map(conversationOf) }]
  })
  const connections = yield* Effect.forEach([...byConnection], ([name, group]) => {
    const side = sides[name]
    return side === undefined ? Effect.succeed([]) : Effect.map(partOf(side, requested, group), Array.of)
  })
  const plan: BulkPlan = { requested, connections: connections.flat(), faults: [...faults, ...unsent] }
  return plan
})

/** What `requestChanges` would put into the outbox. */
export const planChanges = Effect.fn("planChanges")(function* (
  wanted: BulkWanted,
  connections: ReadonlyArray<ConnectionConfig>
) {
  const outbox = yield* Outbox
  const sides = yield* sidesOf(connections)
  const verdicts = yield* outbox.judgeMany({ ...wanted, refuse: refuseBy(sides) })
  return yield* planOf(sides, wanted.requested, verdicts)
})

/** Puts a change for each conversation into the outbox; nothing at all where one id has a fault. */
export const requestChanges = Effect.fn("requestChanges")(function* (
  wanted: BulkWanted,
  connections: ReadonlyArray<ConnectionConfig>
) {
  const outbox = yield* Outbox
  const sides = yield* sidesOf(connections)
  const request = { ...wanted, refuse: refuseBy(sides) }
  const plan = yield* planOf(sides, wanted.requested, yield* outbox.judgeMany(request))
  if (plan.faults.length > 0) return { ...plan, change_ids: [] } satisfies BulkResult
  const { asked, faults } = yield* outbox.askMany(request)
  const result: BulkResult = {
    ...plan,
    faults,
    change_ids: asked.flatMap((one) => ("change" in one ? [one.change.id] : []))
  }
  return result
})
