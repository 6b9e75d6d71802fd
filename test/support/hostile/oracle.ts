import type { Served } from "./vendor.ts"

/*
 * Decides from what was really served, and from nothing else, whether a mirror is right: it equals what was served, or
 * the run says that it is not complete.
 */

export interface StoredConversation {
  readonly provider_id: string
  readonly provider_status: string | null
  readonly deleted: 0 | 1
  readonly merged_into: string | null
  readonly complete: number | null
  readonly change_state: string | null
}

export interface Stored {
  readonly conversations: ReadonlyArray<StoredConversation>
  readonly messages: ReadonlyArray<{ readonly provider_id: string; readonly content: string | null }>
  /** Ids with records in quarantine that nothing has resolved; null: of no conversation that is known. */
  readonly quarantine: ReadonlyArray<string | null>
}

export interface Ran {
  readonly run: number
  readonly command: string
  readonly outcome: string
  readonly isStranger: boolean
}

/** Half a character, and NUL, cannot be stored as they come. */
const plain = (text: string): string => text.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "\ufffd")

type Said = Served["says"][number] & { readonly from: number; readonly to: number; readonly run: number }

const saidOf = (served: ReadonlyArray<Served>) => {
  const byId = new Map<string, Array<Said>>()
  for (const { from, run, says, to } of served) {
    for (const saying of says) {
      const id = plain(saying.id)
      const list = byId.get(id) ?? []
      list.push({ ...saying, from, to, run })
      byId.set(id, list)
    }
  }
  return byId
}

/** It asks for the list from its beginning. */
const isFirstPage = ({ url }: Served): boolean =>
  !/[?&](?:cursor|cursorId|skip|offset)=/.test(url) && !/[?&]page=(?![01](?:&|$))/.test(url)

/** A run goes on with what an earlier one has read of a list, where that began no longer ago than this. */
export const resumedMillis = 2 * 60_000

/** Milliseconds between the two answers that a conversation and its list's row are read with. */
const pairMillis = 100

/**
 * When each answer was under way. A list is read page by page, and is one read from its first page to its last: what
 * is read beside it overlaps with it.
 */
const withWholeLists = (served: ReadonlyArray<Served>): ReadonlyArray<Served> => {
  const spans = new Map<number, { from: number; to: number }>()
  for (const { call, from, run, to } of served) {
    if (call.operation !== "list") continue
    const span = spans.get(run)
    spans.set(run, {
      from: Math.min(span?.from ?? from, from - pairMillis),
      to: Math.max(span?.to ?? to, to)
    })
  }
  const runs = [...spans.keys()].sort((left, right) => left - right)
  for (const [index, run] of runs.entries()) {
    const [span, before] = [spans.get(run), spans.get(runs[index - 1] ?? -1)]
    const first = served.find((answer) => answer.run === run && answer.call.operation === "list")
    if (span === undefined || before === undefined || first === undefined || isFirstPage(first)) continue
    if (span.from - before.from <= resumedMillis) spans.set(run, { ...span, from: before.from })
  }
  return served.map((answer) =>
    answer.call.operation === "list" ? { ...answer, ...spans.get(answer.run) } : answer
  )
}

/** The words that may stand for it now; null: any will do, since nothing certain was said. */
const wordsNow = (
  said: ReadonlyArray<Said>,
  isStored: (run: number) => boolean
): ReadonlySet<string | null> | null => {
  const aloud = said.filter(({ isCertain, run, word }) => isCertain && isStored(run) && word !== undefined)
  if (aloud.length === 0) return null
  const latest = Math.max(...aloud.map(({ from }) => from))
  return new Set(
    said
      .filter(({ isCertain, to, word }) => (word !== undefined || !isCertain) && to >= latest)
      .map(({ word }) => word ?? null)
  )
}

/** What holds after every run, whatever it says of itself. */
const always = (served: ReadonlyArray<Served>, stored: Stored, ran: Ran): ReadonlyArray<string> => {
  const findings: Array<string> = []
  const byId = saidOf(served)
  const texts = new Map<string, string>()
  for (const [id, said] of byId) texts.set(id, said.flatMap((one) => one.texts.map(plain)).join("\n"))
  const missing = new Set(
    served.filter(({ status }) => status === 404 || status === 410).map(({ call }) => plain(call.id ?? ""))
  )
  for (const { deleted, merged_into, provider_id, provider_status } of stored.conversations) {
    // Parley's own ending, where an id ends like an agent's.
    const said = byId.get(provider_id) ?? byId.get(provider_id.replace(/@agent-1$/, ""))
    if (said === undefined) {
      findings.push(`${provider_id} is in the mirror, and was never served`)
      continue
    }
    const words = new Set(said.map(({ word }) => word ?? null))
    if (provider_status !== null && !words.has(provider_status)) {
      findings.push(`${provider_id} has the status ${provider_status}, which was never served for it`)
    }
    if ((deleted === 1 || merged_into !== null) && !missing.has(said[0]?.id ?? provider_id)) {
      findings.push(`${provider_id} is marked gone, and nothing said so`)
    }
  }
  for (const { content, provider_id } of stored.messages) {
    if (content === null || content.trim() === "") continue
    // A choice is told as its buttons, joined.
    const parts = plain(content).trim().split(/, |\n/)
    if (!parts.every((part) => (texts.get(provider_id) ?? "").includes(part))) {
      findings.push(
        `${provider_id} has the message ${JSON.stringify(content.slice(0, 60))}, which was never served for it`
      )
    }
  }
  if (
    ran.isStranger &&
    ran.outcome === "complete" &&
    served.some(({ run, call }) => run === ran.run && call.operation !== "other")
  ) {
    findings.push(`another account answered, and the run is complete`)
  }
  return findings
}

/** Whether a conversation was read only to see whose account it is: before the list had come to it. */
const isSample = ({ call, from }: Served, own: ReadonlyArray<Served>): boolean => {
  const lists = own.filter(({ call: { operation } }) => operation === "list")
  const later = lists.filter((list) => list.from > from)
  return (
    call.operation === "detail" &&
    lists.length - later.length <= 1 &&
    later.some(({ says }) => says.some(({ id }) => id === call.id))
  )
}

/** The place where an interrupted scan was to go on is not known any more, and the list is read from its beginning. */
const isLostPlace = (answer: Served, own: ReadonlyArray<Served>): boolean => {
  const lists = own.filter(({ call }) => call.operation === "list")
  return (
    lists[0]?.url === answer.url &&
    !isFirstPage(answer) &&
    lists.some((later) => later.from > answer.to && isFirstPage(later) && !later.wanting)
  )
}

/**
 * Whether every conversation of an export of several was exported by itself afterwards, is not called whole, is missing by
 * its id, or stood undamaged beside another that was no record.
 */
const isExportedAgain = (
  answer: Served,
  own: ReadonlyArray<Served>,
  rows: ReadonlyMap<string, StoredConversation>
): boolean => {
  const ids = new URL(answer.url, "http://host").searchParams
    .getAll("convoIds")
    .flatMap((ids) => ids.split(","))
  // Where exports are refused, those that lack nothing lose nothing.
  const isRefused = own.some(
    ({ call, from, status }) => call.operation === "messages" && from > answer.to && status === 403
  )
  return ids.every(
    (id) =>
      (isRefused && rows.get(plain(id))?.complete === 1) ||
      own.some(
        ({ call, from }) =>
          (call.operation === "messages" || call.operation === "exports") &&
          from > answer.to &&
          (call.id === id || call.id === null)
      ) ||
      rows.get(plain(id))?.complete !== 1 ||
      own.some(
        ({ call, status }) =>
          call.operation === "detail" && call.id === id && (status === 404 || status === 410)
      ) ||
      (answer.mutation === "no record" && answer.says.some((said) => said.id === id))
  )
}

/** Whether a write that was answered wrongly was read back afterwards, by its id or in a list, or leaves its change open. */
const isReadBack = (
  answer: Served,
  own: ReadonlyArray<Served>,
  row: StoredConversation | undefined
): boolean =>
  (row !== undefined && row.change_state !== null) ||
  own.some(
    ({ call, from, says, wanting }) =>
      from > answer.to &&
      ((call.operation === "detail" && call.id === answer.call.id) ||
        (call.operation === "list" && !wanting && says.some(({ id }) => id === answer.call.id)))
  )

/**
 * Whether a conversation was read only to see whose account it is, in a run that goes on in the middle of a list: the
 * answer is not stored, and the list's next reading shows it.
 */
const isSampleOfResumed = (answer: Served, served: ReadonlyArray<Served>): boolean => {
  if (answer.call.operation !== "detail") return false
  const own = served.filter(({ run }) => run === answer.run)
  const lists = own.filter(({ call }) => call.operation === "list")
  const { id } = answer.call
  return (
    lists[0] !== undefined &&
    !isFirstPage(lists[0]) &&
    !lists.some((list) => isFirstPage(list) || list.says.some((said) => said.id === id)) &&
    !own.some(({ call }) => call.id === id && call.operation !== "detail")
  )
}

/**
 * Whether a contact that was listed was requested only to see whether it exists, since its list of messages was answered
 * with 404: it is stored as it was listed, and dated by that.
 */
const isProbe = (answer: Served, served: ReadonlyArray<Served>): boolean => {
  if (answer.call.operation !== "detail") return false
  const { id } = answer.call
  const before = served.filter(({ run, to }) => run === answer.run && to <= answer.from)
  const last = before.findLast(({ call }) => call.id === id)
  const isMissing = last?.status === 404 || last?.status === 410
  return (
    isMissing &&
    last.call.operation === "messages" &&
    before.some(({ call, says }) => call.operation === "list" && says.some((said) => said.id === id))
  )
}

/** Whether one was requested only to see whose account it is: another was missing, and is requested again right after. */
const isProofOfAccount = (answer: Served, served: ReadonlyArray<Served>): boolean => {
  if (answer.call.operation !== "detail") return false
  const own = served.filter(({ run }) => run === answer.run)
  const at = own.indexOf(answer)
  const [before, after] = [own[at - 1], own[at + 1]]
  return (
    (before?.status === 404 || before?.status === 410) &&
    before.call.id !== answer.call.id &&
    before.call.id === after?.call.id
  )
}

/** Of what a run's lists showed for certain and it requested by id afterwards: which the vendor said do not exist. */
const soughtBy = (
  own: ReadonlyArray<Served>
): { readonly found: number; readonly missing: ReadonlySet<string> } => {
  const listedAt = new Map<string, number>()
  for (const { call, says, to } of own) {
    if (call.operation !== "list") continue
    for (const { id, isCertain } of says) if (isCertain && !listedAt.has(id)) listedAt.set(id, to)
  }
  /** Whether any answer showed it: then it was deleted in between, if the last one does not. */
  const answers = new Map<string, boolean>()
  for (const { call, from, status } of own) {
    const { id, operation } = call
    if (id === null || from < (listedAt.get(id) ?? Number.POSITIVE_INFINITY)) continue
    const isAsked = operation === "detail" || (operation === "messages" && status < 400)
    if (isAsked) answers.set(id, answers.get(id) === true || (status !== 404 && status !== 410))
  }
  const missing = [...answers].filter(([, isShown]) => !isShown).map(([id]) => id)
  return { found: answers.size - missing.length, missing: new Set(missing) }
}

/**
 * Where a list and what is read by id do not fit together: nothing of it exists by its id, or the same one is listed again
 * and missing again.
 */
const misfits = (
  served: ReadonlyArray<Served>,
  stored: Stored,
  ran: Ran,
  isComplete: (run: number) => boolean
): ReadonlyArray<string> => {
  const own = served.filter(({ run }) => run === ran.run)
  const { found, missing } = soughtBy(own)
  const findings: Array<string> = []
  if (found === 0 && missing.size > 1) {
    findings.push(`complete, and none of ${[...missing].join(" ")} exists by its id, though all are listed`)
  }
  const earlier = Math.max(
    ...served.filter(({ call, run }) => run < ran.run && call.operation === "list").map(({ run }) => run)
  )
  if (!isComplete(earlier)) return findings
  const before = soughtBy(served.filter(({ run }) => run === earlier)).missing
  for (const id of missing) {
    if (!before.has(id) || stored.quarantine.includes(plain(id))) continue
    findings.push(`complete, and ${id} was listed again and missing by its id again`)
  }
  return findings
}

/** What holds besides where a run says that it is complete. */
const whenComplete = (
  served: ReadonlyArray<Served>,
  stored: Stored,
  ran: Ran,
  isStored: (run: number) => boolean
): ReadonlyArray<string> => {
  const findings: Array<string> = []
  const own = served.filter(({ run }) => run === ran.run)
  const byId = saidOf(
    withWholeLists(served).filter(
      (answer) =>
        !isSampleOfResumed(answer, served) && !isProbe(answer, served) && !isProofOfAccount(answer, served)
    )
  )
  const rows = new Map(stored.conversations.map((row) => [row.provider_id, row]))
  const quarantined = new Set(stored.quarantine)
  const goneAt = new Map<string, number>()
  for (const { call, status, to } of served) {
    if (call.id !== null && (status === 404 || status === 410)) goneAt.set(plain(call.id), to)
  }
  for (const row of stored.conversations) {
    if (row.deleted === 1 || row.change_state !== null || quarantined.has(row.provider_id)) continue
    const words = wordsNow(byId.get(row.provider_id) ?? [], isStored)
    if (words !== null && !words.has(row.provider_status)) {
      findings.push(
        `complete, and ${row.provider_id} has the status ${row.provider_status}; last served: ${[...words].join(" or ")}`
      )
    }
  }
  for (const { call, says, to, url } of own) {
    // A list of one person's, and one that is read to see whose account it is, enumerate nothing.
    if (call.operation !== "list" || url.includes("lead_id=") || ran.command === "verify") continue
    for (const { id, isCertain } of says) {
      if (!isCertain || quarantined.has(plain(id))) continue
      const row = rows.get(plain(id))
      // Listed, and then missing by its id: the later word is that it is not there.
      if (row === undefined && (goneAt.get(plain(id)) ?? 0) > to) continue
      if (row === undefined) findings.push(`complete, and ${id}, which was listed, is not in the mirror`)
      else if ((row.deleted === 1 || row.merged_into !== null) && (goneAt.get(plain(id)) ?? 0) < to) {
        findings.push(`complete, and ${id}, which was listed, is marked gone`)
      }
    }
  }
  for (const answer of own) {
    if (!answer.wanting) continue
    const again = own.some(
      (other) =>
        other.url === answer.url && other.method === answer.method && other !== answer && !other.wanting
    )
    if (again) continue
    if (isSample(answer, own)) continue
    // Verify reads a list of all only to see whose account it is.
    if (ran.command === "verify" && answer.call.operation === "list" && !answer.url.includes("lead_id="))
      continue
    if (isLostPlace(answer, own)) continue
    const { id, operation } = answer.call
    const row = id === null ? undefined : rows.get(plain(id))
    if (operation === "status" && isReadBack(answer, own, row)) continue
    const isExported = own.some(
      ({ call, from, says, wanting }) =>
        call.operation === "exports" && from > answer.to && !wanting && says.some((said) => said.id === id)
    )
    if (operation === "messages" && isExported) continue
    if (operation === "exports" && isExportedAgain(answer, own, rows)) continue
    // What a list shows and a read does not is skipped.
    if (operation === "detail" && (answer.status === 404 || answer.status === 410)) continue
    // Whether one is gone that the list lacks stays open where the question is refused.
    const isListed = own.some(
      ({ call, says }) => call.operation === "list" && says.some((said) => said.id === id)
    )
    if (operation === "detail" && answer.status >= 400 && !isListed) continue
    // Refused messages of which none is missing lose nothing.
    if (operation === "messages" && answer.status >= 400 && row?.complete === 1) continue
    const isTold =
      quarantined.size > 0 ||
      // A push that cannot read a conversation leaves its change open.
      (row !== undefined && (row.complete !== 1 || row.change_state !== null)) ||
      row?.deleted === 1 ||
      (id !== null && row === undefined)
    if (operation === "list" || !isTold) {
      findings.push(
        `complete, although "${answer.mutation}" answered ${answer.key} with ${answer.status}: ${answer.body.slice(0, 300)}`
      )
    }
  }
  return [...new Set(findings)]
}

/** @param isStored whether a run said that it was complete: what another one was told may not have been stored */
export const judge = (
  served: ReadonlyArray<Served>,
  stored: Stored,
  ran: Ran,
  isStored: (run: number) => boolean
): ReadonlyArray<string> => [
  ...always(served, stored, ran),
  ...(ran.outcome === "complete"
    ? [...whenComplete(served, stored, ran, isStored), ...misfits(served, stored, ran, isStored)]
    : [])
]
