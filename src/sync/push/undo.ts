import { present } from "../../domain/present.ts"
import { isWantedStatus, type StatusMap } from "../../domain/Status.ts"
import type { RequestedChange } from "../../domain/StatusChange.ts"
import { holdsMask } from "../../privacy/recognize.ts"
import { restoringWord } from "../../providers/kit/statusMap.ts"
import type { Changed } from "../../store/outbox/Outbox.ts"
import { inWords } from "./decide.ts"

/** What can be requested so that a conversation is again as it was before a run changed it. */
export interface Undo {
  readonly changed: Changed
  /** What to ask for; null: nothing, `stays` says why. */
  readonly requested: RequestedChange | null
  /** In words, one for each thing that stays as the run left it. */
  readonly stays: ReadonlyArray<string>
  /** Something stays because the provider never removes it. */
  readonly isForEver: boolean
}

/** Why the conversation is no longer as the run left it; null: it is. */
const movedSince = ({ changes, later, movedAt, now, open }: Changed): string | null => {
  const last = changes.at(-1)
  if (open !== null) {
    return open.state === "pending"
      ? `change ${open.id} is pending for it: \`parley changes cancel ${open.id}\` takes it back`
      : `change ${open.id} is on its way to it`
  }
  if (later !== null) return `change ${later.id} has changed it since`
  const isOther = last?.requested.status !== null && last?.requested.status !== now.status
  return isOther || movedAt !== null ? `its status has changed since: it is \`${now.status}\` now` : null
}

/** The status to put back, or why it cannot be; null and null: there is nothing to put back. */
const statusBack = ({ changes, now }: Changed, map: StatusMap) => {
  const none = { status: null, providerStatus: null, why: null, isForEver: false }
  const before = changes[0].found
  if (changes.every(({ requested }) => requested.status === null)) return none
  if (before === null) return { ...none, why: "what the provider held before was not recorded" }
  const { providerStatus, status } = before
  if (providerStatus === now.providerStatus && status === now.status) return none
  if (isWantedStatus(status) && providerStatus !== null && restoringWord(map, providerStatus) !== null) {
    return { ...none, status, providerStatus }
  }
  const takes = Object.keys(map.write).sort().join(", ")
  const why = `it was \`${providerStatus ?? status}\`, which cannot be set there (it takes ${takes})`
  return { ...none, why, isForEver: true }
}

/** @param map the words of the conversation's provider */
export const undoOf = (changed: Changed, map: StatusMap): Undo => {
  const { changes } = changed
  const moved = movedSince(changed)
  if (moved !== null) return { changed, requested: null, stays: [moved], isForEver: false }
  const before = changes[0].found
  const { isForEver, providerStatus, status, why } = statusBack(changed, map)
  const stays = why === null ? [] : [why]
  const isTitled = changes.some(({ requested }) => requested.title !== null)
  const isMasked = isTitled && before !== null && before.title !== null && holdsMask(before.title)
  const title = isTitled && before !== null && before.title !== "" && !isMasked ? before.title : null
  if (isMasked) stays.push("its title before is not known: privacy masked what is personal in it")
  else if (isTitled && title === null) stays.push("it had no title before, and a title cannot be taken away")
  const added = new Set(changes.flatMap(({ requested }) => requested.tags))
  for (const tag of before?.tags ?? []) added.delete(tag)
  if (added.size > 0) stays.push(`the provider never removes a tag: ${[...added].join(", ")}`)
  const requested =
    status === null && title === null
      ? null
      : {
          ...{ status, category: null, summary: null, title, tags: [] },
          ...(providerStatus === null ? {} : { providerStatus })
        }
  return { changed, requested, stays, isForEver: isForEver || stays.length > (why === null ? 0 : 1) }
}

/** What is requested, in a few words. */
export const undoWords = ({ providerStatus, status, title }: RequestedChange): string =>
  present(
    status !== null && inWords(status, providerStatus ?? null),
    title !== null && `title "${title}"`
  ).join(", ")
