import { Effect, Redacted } from "effect"
import { Malformed } from "../../domain/ProviderError.ts"
import type { Answer } from "../../http/client.ts"
import { listAnswered } from "../kit/answer.ts"
import { type Written, writtenId } from "../kit/written.ts"
import { title } from "./facts.ts"
import { decodeList } from "./wire.ts"

/** One response of any of the vendor's lists. */
export interface ListPage {
  readonly items: ReadonlyArray<Written>
  /** What to ask with for the next one; null: there is none. */
  readonly next: string | null
}

/** So many responses a walk may have, whatever they bring: two million contacts, or a hundred thousand messages of one. */
export const mostContactResponses = 20_000
export const mostMessageResponses = 1_000

/** So many responses in a row may bring nothing new before a list is taken to be endless. */
const barrenResponses = 5

/** @param text what came; left out: no single answer is at fault */
const broken = (operation: string, detail: string, text?: string): Malformed =>
  new Malformed({
    message: `Aelyst's answer to "${operation}" cannot be read on: ${detail}`,
    hint: "what came before is stored; if this stays, the vendor has changed what it sends, or baseUrl is wrong",
    where: operation,
    detail,
    ...(text === undefined ? {} : { text: Redacted.make(text) })
  })

/**
 * The cursor in a link to the next page. Links are never followed: they come without the version, and would take the
 * credentials wherever they point. Undefined: there is a link, but no cursor in it.
 */
const cursorIn = (link: string | null): string | null | undefined => {
  if (link === null || link === "") return null
  if (/^-?\d+$/.test(link)) return link
  const cursor = /[?&]cursorId=([^&#]+)/.exec(link)?.[1]
  if (cursor === undefined) return undefined
  try {
    return decodeURIComponent(cursor)
  } catch {
    return undefined
  }
}

/** Fails with `Malformed` where an answer is no list, says that it failed, or does not say how it goes on. */
export const readList = (answer: Answer): Effect.Effect<ListPage, Malformed> =>
  Effect.flatMap(listAnswered(title, answer, "items", decodeList), ({ around: { pagination }, elements }) => {
    const next = cursorIn(pagination?.next ?? null)
    return next === undefined
      ? Effect.fail(
          broken(answer.exchange.operation, "the link to the next page names no cursorId", answer.text)
        )
      : Effect.succeed({ items: elements, next })
  })

const keyOf = (item: Written, idField: string): string => writtenId(item, idField) ?? item.text

/**
 * Keeps a walk through a list from going in circles or on forever, and returns what it has not shown before. One for
 * each walk. Inclusive cursors show a row twice; that is no harm.
 * @param most responses after which the list is taken to have no end
 */
export const makeWalk = (operation: string, most: number) => {
  const cursors = new Set<string>()
  const seen = new Set<string>()
  let barren = 0

  /** The items that this walk has not shown yet; one without an id is identified by its whole content. */
  const fresh = (items: ReadonlyArray<Written>, idField: string): ReadonlyArray<Written> => {
    const found = items.filter((item) => {
      const key = keyOf(item, idField)
      if (seen.has(key)) return false
      seen.add(key)
      return true
    })
    barren = found.length === 0 ? barren + 1 : 0
    return found
  }

  /** Whether some of the items were not shown yet. */
  const isNews = (items: ReadonlyArray<Written>, idField: string): boolean =>
    items.some((item) => !seen.has(keyOf(item, idField)))

  /** Whether the walk may go on at this cursor. */
  const goOn = (cursor: string): Effect.Effect<void, Malformed> => {
    if (cursors.has(cursor))
      return Effect.fail(broken(operation, "its pages lead back to where they came from"))
    if (barren >= barrenResponses) {
      return Effect.fail(broken(operation, `${barren} pages in a row brought nothing new`))
    }
    cursors.add(cursor)
    if (cursors.size >= most) {
      return Effect.fail(broken(operation, `the list does not end: it went on after ${most} pages`))
    }
    return Effect.void
  }

  return { fresh, isNews, goOn }
}
