import { Effect, Either } from "effect"
import { writeExactly } from "../../domain/exactJson.ts"
import type { Malformed, ProviderError } from "../../domain/ProviderError.ts"
import type { Answer, Exchange, ProviderClient } from "../../http/client.ts"
import { decodeAnswer, isMissing, malformed, unlessFailed } from "../kit/answer.ts"
import { fieldText, listIn, type Written, written } from "../kit/written.ts"
import type { Notice } from "../Provider.ts"
import { countMessages, exportedId } from "./export.ts"
import { type ZoneSample, zoneThatFits } from "./exportTime.ts"
import { title } from "./facts.ts"
import { exportConversation, exportConversations } from "./requests.ts"
import { decodeOne } from "./wire.ts"

/*
 * Messages come by export, which is limited by the hour, billed for each conversation, and not part of every plan.
 * Several conversations are exported with one request where the vendor takes a list of ids, else one by one.
 */

/** How many conversations one request may ask for, and how many characters their ids may have, percent-encoded. */
export const mostSelected = 50
const mostCharacters = 1_800

/** Exports one by one that are under way at once. */
const singlesAtOnce = 4

/** What `Page.learned` calls it: `refused` or `ignored`. */
export const selectedLesson = "export-selected"

export interface Exporter {
  readonly client: ProviderClient
  /** Several conversations can be requested with one request. */
  selected: boolean
  /** Unknown until the first answer. */
  permission: "unknown" | "given" | "refused"
  /** Answers in a row that were no exports. */
  failures: number
  /** Why messages are missing although this token may export; null: they are not. */
  lack: string | null
  /** What conversations showed of the zone of exports; null: enough was seen of it. */
  zone: Array<ZoneSample> | null
  /** The zone that earlier scans found to fit, where it is not the one that is set. */
  zoneBefore: string | null
  /** What was learned and not yet reported. */
  learned: Record<string, string>
  notices: Array<Notice>
}

export const newExporter = (client: ProviderClient, selected: boolean): Exporter => ({
  client,
  selected,
  permission: "unknown",
  failures: 0,
  lack: null,
  zone: [],
  zoneBefore: null,
  learned: {},
  notices: []
})

export interface Found {
  readonly record: Written
  readonly exchange: Exchange
}

/** What `Page.learned` calls the zone in which exports are written, where that is not the one that is set. */
export const zoneLesson = "export-time-zone"

/** So many moments must be seen both ways before a zone is judged. */
const enoughSamples = 4

/** In words, what the vendor's own epochs say of the zone that is set. */
export const zoneFault = (fitting: string, set: string): Pick<Notice, "hint" | "message"> => ({
  message: `${title}'s own epochs disprove exportTimeZone ${set}: exports are written in the clock of ${fitting}, so that the times of messages are shifted`,
  hint: `write "exportTimeZone: ${fitting}" for this connection, then run rebuild: nothing needs to be exported again`
})

/** Compares the zone that is set with what was seen, once enough was. Nothing is shifted. @param least samples */
export const judgeZone = (exporter: Exporter, set: string, least = enoughSamples): string | null => {
  const { zone, zoneBefore } = exporter
  if (zone === null || zone.length < least) return null
  exporter.zone = null
  const fitting = zoneThatFits(zone, set)
  if (fitting !== null && (fitting !== set || zoneBefore !== null)) exporter.learned[zoneLesson] = fitting
  if (fitting === null || fitting === set) return null
  exporter.notices.push({ code: zoneLesson, ...zoneFault(fitting, set) })
  return fitting
}

const forbidden = (exporter: Exporter, said: string): void => {
  if (exporter.permission === "refused") return
  exporter.permission = "refused"
  exporter.notices.push({
    code: "export-forbidden",
    message: `${title} does not let this token export messages, so that conversations are stored without new ones: ${said}`,
    hint: 'ask for the export in the plan of this workspace, or write "messages: off" for this connection'
  })
}

/** Exports that do not come one after the other, after which no more are requested: each may count against the hour. */
const mostFailures = 3

const failed = (exporter: Exporter, { detail }: Malformed): void => {
  exporter.failures += 1
  if (exporter.failures < mostFailures || exporter.lack !== null) return
  exporter.permission = "refused"
  exporter.lack = `messages are missing: ${mostFailures} exports in a row came as ${detail}`
}

/** Bulk answers give a list, single ones an object. */
const recordsIn = (answer: Answer): Effect.Effect<ReadonlyArray<Written>, ProviderError> => {
  const list = listIn(answer.text, ["data"])
  if (list !== null) {
    return Effect.as(unlessFailed(title, { ...answer, text: list.around }), list.elements)
  }
  return Effect.map(decodeAnswer(title, answer, decodeOne), ({ data }) => [
    written(fieldText(answer.text, "data") ?? writeExactly(data))
  ])
}

/** The conversation that an export says it is of; null: it does not say, or cannot be read. */
const idOfExport = ({ value }: Written): string | null =>
  Either.match(value, { onLeft: () => null, onRight: exportedId })

/** What an answer holds of the one conversation that was asked for; what names none can only be that one. */
const ofOne = (records: ReadonlyArray<Written>, id: string): Written | undefined =>
  records.find((record) => idOfExport(record) === id) ??
  (records.length === 1 ? records.find((record) => idOfExport(record) === null) : undefined)

/** One conversation's export; null: there is none, or exports are not allowed. */
export const exportOne = (
  exporter: Exporter,
  agentId: string,
  id: string
): Effect.Effect<Found | null, ProviderError> =>
  Effect.gen(function* () {
    if (exporter.permission === "refused") return null
    const answer = yield* exporter.client.read(exportConversation(agentId, id))
    const records = isMissing(answer) ? [] : yield* recordsIn(answer)
    exporter.permission = "given"
    const record = ofOne(records, id)
    if (record === undefined && records.length > 0) {
      const detail = "the export of another conversation than the one that was asked for"
      return yield* malformed(title, "export a conversation", detail, answer.text)
    }
    exporter.failures = 0
    return record === undefined ? null : { record, exchange: answer.exchange }
  }).pipe(
    Effect.tapErrorTag("Malformed", (error) => Effect.sync(() => failed(exporter, error))),
    Effect.catchTag("Unauthorized", (error) => {
      if (error.status !== 403) return Effect.fail(error)
      forbidden(exporter, error.message)
      return Effect.succeed(null)
    })
  )

const encodedLength = (id: string): number => encodeURIComponent(id).length + 3

/** Ids in groups that fit into a request. */
export const groupsOf = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const groups: Array<Array<string>> = []
  let characters = mostCharacters + 1
  for (const id of ids) {
    characters += encodedLength(id)
    if (characters > mostCharacters || (groups.at(-1)?.length ?? 0) >= mostSelected) {
      groups.push([])
      characters = encodedLength(id)
    }
    groups.at(-1)?.push(id)
  }
  return groups
}

const noSelection = (exporter: Exporter, lesson: "refused" | "ignored"): void => {
  exporter.selected = false
  exporter.learned[selectedLesson] = lesson
}

const lengthOf = ({ value }: Written): number =>
  Either.match(value, { onLeft: () => 0, onRight: countMessages })

/**
 * What one request brings of a group; nothing where the vendor does not take one.
 * @param ghosts those that cannot be requested by themselves
 */
const exportGroup = (
  exporter: Exporter,
  agentId: string,
  ids: ReadonlyArray<string>,
  ghosts: ReadonlySet<string>
) =>
  Effect.gen(function* () {
    const found = new Map<string, Found>()
    const answer = yield* exporter.client.read(exportConversations(agentId, { convoIds: ids }))
    const records = yield* recordsIn(answer)
    exporter.permission = "given"
    exporter.failures = 0
    /** Shown twice, and differently: requested by itself, too; where that is in vain, the one with more messages counts. */
    const ambiguous = new Set<string>()
    for (const record of records) {
      // What cannot be read is requested by itself, so that it is known whose it is.
      const id = idOfExport(record)
      if (id === null) continue
      const before = found.get(id)
      if (before !== undefined && before.record.text !== record.text) {
        if (!ghosts.has(id)) ambiguous.add(id)
        else if (lengthOf(record) < lengthOf(before.record)) continue
      }
      if (ids.includes(id)) found.set(id, { record, exchange: answer.exchange })
      // An older version of the API exports everything, whatever is selected.
      else if (exporter.selected) noSelection(exporter, "ignored")
    }
    for (const id of ambiguous) found.delete(id)
    return found
  }).pipe(
    Effect.catchTags({
      Unauthorized: (error) => {
        if (error.status !== 403) return Effect.fail(error)
        forbidden(exporter, error.message)
        return Effect.succeed(new Map<string, Found>())
      },
      Rejected: (error) => {
        if (![400, 404, 405, 414, 422].includes(error.status)) return Effect.fail(error)
        noSelection(exporter, "refused")
        return Effect.succeed(new Map<string, Found>())
      },
      // Whatever it is, it is not these conversations: they are requested one by one.
      Malformed: () => Effect.succeed(new Map<string, Found>())
    })
  )

export interface Wanted {
  readonly id: string
  /** It does not exist by its id, so that asking for it alone is in vain. */
  readonly isGhost: boolean
}

export interface Exports {
  /** What is missing here has no export, or may not be exported. */
  readonly found: ReadonlyMap<string, Found>
  /** The answers that are no exports. */
  readonly faults: ReadonlyMap<string, Malformed>
}

/** The exports of some of an agent's conversations. */
export const exportMany = (
  exporter: Exporter,
  agentId: string,
  wanted: ReadonlyArray<Wanted>
): Effect.Effect<Exports, ProviderError> =>
  Effect.gen(function* () {
    const found = new Map<string, Found>()
    const faults = new Map<string, Malformed>()
    const ghosts = new Set(wanted.flatMap(({ id, isGhost }) => (isGhost ? [id] : [])))
    const selectable = wanted.map(({ id }) => id).filter((id) => !id.includes(","))
    for (const group of groupsOf(selectable)) {
      if (!exporter.selected || exporter.permission === "refused") break
      for (const [id, one] of yield* exportGroup(exporter, agentId, group, ghosts)) found.set(id, one)
    }
    yield* Effect.forEach(
      wanted.filter(({ id }) => !found.has(id) && !ghosts.has(id)),
      ({ id }) =>
        exportOne(exporter, agentId, id).pipe(
          Effect.tap((one) => Effect.sync(() => one !== null && found.set(id, one))),
          Effect.catchTag("Malformed", (error) => Effect.sync(() => faults.set(id, error)))
        ),
      { concurrency: singlesAtOnce, discard: true }
    )
    return { found, faults }
  })
