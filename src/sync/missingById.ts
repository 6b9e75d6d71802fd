import { missingDetailKind, missingFact } from "../domain/Conversation.ts"
import { digest } from "../providers/kit/digest.ts"
import { unreadable } from "../providers/kit/page.ts"
import type { Item, Page, PullScope, Unreadable } from "../providers/Provider.ts"
import type { ConnectionFault } from "../store/ledger/Ledger.ts"

/*
 * Conversations that a vendor lists and that, requested by their id, do not exist (404). One may have been deleted in
 * between. Where many are missing, or one that is listed again is missing again, the list and the details do not fit
 * together: ids that were changed on their way look like this, and so does the half of an account that cannot be reached.
 * The other way round, one that exists by its id and is not listed may have come back; where there are many, the list is
 * not whole.
 */

/** So many are remembered, the latest. */
const mostRemembered = 200

/** So few may be no sign that a list and the details do not fit together. */
const plausible = { rows: 2, share: 0.02 }

const isPlausible = (count: number, of: number): boolean =>
  count <= Math.max(plausible.rows, Math.floor(of * plausible.share))

/** Why a list is not complete that left out so many which exist by their id; null: it may be. @param held in the mirror */
export const unlistedShortfall = (unlisted: number, held: number): ConnectionFault | null =>
  isPlausible(unlisted, held)
    ? null
    : {
        kind: "incomplete",
        message: `the provider's list leaves out ${unlisted} conversations that exist by their id, of ${held} that were held: others may be missing`,
        hint: "these are stored as they were shown by id, and the next run lists everything again; if it stays, ask the provider why its list leaves them out"
      }

const remembered = (learned: PullScope["learned"]): ReadonlyArray<string> => {
  try {
    const digests: unknown = JSON.parse(learned.get(missingFact)?.value ?? "[]")
    return Array.isArray(digests) ? digests.filter((one) => typeof one === "string") : []
  } catch {
    return []
  }
}

const faultOf = (id: string, payload: string): Unreadable =>
  unreadable(
    { kind: missingDetailKind, providerId: id, conversationId: id, payload },
    { path: "$", reason: "listed again, and again it does not exist by its id (404)" }
  )

const withFaults = (page: Page, ids: ReadonlyArray<string>): Page => {
  const left = new Set(ids)
  const items = page.items.map((item): Item => {
    if (item._tag !== "Sighting" || !left.delete(item.conversation.providerId)) return item
    const fault = faultOf(item.conversation.providerId, item.raw[0]?.payload ?? "null")
    return { ...item, unreadable: [...item.unreadable, fault] }
  })
  const others = [...left].map((id): Item => ({ _tag: "Unreadable", unreadable: faultOf(id, "null") }))
  return { ...page, items: [...items, ...others] }
}

/** What one scan misses. */
export class MissingById {
  readonly ids = new Set<string>()
  private found = 0
  private readonly before: ReadonlySet<string>
  private readonly isWhole: boolean

  /** @param isWhole the scan goes through the whole list: what it does not miss is not missing any more */
  constructor(learned: PullScope["learned"], isWhole: boolean) {
    this.before = new Set(remembered(learned))
    this.isWhole = isWhole
  }

  /** Whether earlier scans missed any. */
  get isAnyBefore(): boolean {
    return this.before.size > 0
  }

  /**
   * Takes a page, and gives it with what is wrong with those that were missing before.
   * @param wasGone whether the mirror holds a conversation as deleted
   */
  take(page: Page, wasGone: (id: string) => boolean): Page {
    const { found = 0, missing = [] } = page.soughtById ?? {}
    this.found += found
    for (const id of missing) this.ids.add(id)
    const again = missing.filter((id) => this.before.has(digest(id)) || wasGone(id))
    return this.remembering(again.length === 0 ? page : withFaults(page, again))
  }

  /** On the scan's last page, what is to be remembered, where that has changed. */
  private remembering(page: Page): Page {
    if (page.end === null || this.ids.size + this.before.size === 0) return page
    const now = [...this.ids].map(digest)
    const digests = [...new Set([...(this.isWhole ? [] : this.before), ...now])].slice(-mostRemembered)
    return { ...page, learned: { ...page.learned, [missingFact]: JSON.stringify(digests) } }
  }

  /** Why the scan is not complete; null: what it misses may have been deleted in between. */
  get shortfall(): ConnectionFault | null {
    const missing = this.ids.size
    const sought = missing + this.found
    if (missing < plausible.rows || (isPlausible(missing, sought) && this.found > 0)) return null
    return {
      kind: "incomplete",
      message: `the provider lists ${missing} conversations that it says do not exist by their id (404), of ${sought} that were requested`,
      hint: "what the list shows of them is stored, and the next run requests them again; if it stays, check baseUrl, and ask the provider why its list shows them"
    }
  }
}
