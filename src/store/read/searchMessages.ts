import type { Role } from "../../domain/Conversation.ts"
import { present } from "../../domain/present.ts"
import { type Atom, atomsOf, findTerm, type Term, termsOf } from "../../domain/searchText.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Session.ts"

interface SearchFilter {
  /** Plain words, all of which must be there; in double quotes those that follow each other. */
  readonly words: string
  readonly connection?: string | null
  readonly role?: Role | null
  /** Sent from then on, and before then: UTC, ISO 8601. */
  readonly since?: string | null
  readonly until?: string | null
  readonly limit: number
  /** Messages that are put in order of how well they match; of more than that, the newest stored come first. */
  readonly mostRanked?: number
}

export interface SearchHit {
  readonly messageId: string
  readonly conversationId: string
  readonly connection: string
  readonly position: number
  readonly role: Role
  readonly sentAt: Timestamp | null
  readonly content: string
  /** What was said around the first hit, which is in [ ]. */
  readonly excerpt: string
  /** Where the words stand in `content`, in UTF-16 units, in order. */
  readonly marks: ReadonlyArray<readonly [from: number, until: number]>
}

const quoted = (atoms: ReadonlyArray<Atom>): string => `"${atoms.map(({ text }) => text).join(" ")}"`

/** Words that follow each other are a phrase, and so are the characters of a run. */
const phrasesOf = ({ atoms }: Term): ReadonlyArray<string> => {
  const groups: Array<Array<Atom>> = []
  for (const atom of atoms) {
    const last = groups.at(-1)?.at(-1)
    const goesOn =
      last !== undefined && last.isOfRun === atom.isOfRun && (!atom.isOfRun || last.piece === atom.piece)
    if (goesOn) groups.at(-1)?.push(atom)
    else groups.push([atom])
  }
  return groups.map(quoted)
}

/** What MATCH is asked for; null: there is no word in it, only signs. */
export const searchQuery = (terms: ReadonlyArray<Term>): string | null => {
  const phrases = terms.flatMap(phrasesOf)
  return phrases.length === 0 ? null : phrases.join(" AND ")
}

/** Characters before and after a hit. */
const around = 60

/** Not between the halves of a character. */
const whole = (content: string, at: number): number =>
  /[\udc00-\udfff]/.test(content.charAt(at)) ? at + 1 : at

/** From and to where a text is cut, so that no word is, where spaces allow it. */
const excerptOf = (content: string, [from, until]: readonly [number, number]): string => {
  const begin = whole(content, Math.max(0, from - around))
  const end = whole(content, Math.min(content.length, until + around))
  const before = content.slice(begin, from)
  const after = content.slice(until, end)
  const cutBefore = begin === 0 ? before : `…${before.replace(/^\S{0,20}\s/u, "")}`
  const cutAfter = end === content.length ? after : `${after.replace(/\s\S{0,20}$/u, "")}…`
  return `${cutBefore}[${content.slice(from, until)}]${cutAfter}`.replaceAll(/\s+/g, " ")
}

interface Row extends Omit<SearchHit, "excerpt" | "marks"> {}

/** To order a quarter of a million messages takes a quarter of a second, and says little: their words are in most of them. */
const usuallyRanked = 20_000

/** Whether no more messages than that match. */
const areFew = ({ prepare }: Session, match: string, most: number): boolean =>
  Number(
    prepare("SELECT count(*) FROM (SELECT rowid FROM message_search WHERE message_search MATCH ? LIMIT ?)")
      .pluck()
      .get(match, most + 1)
  ) <= most

/**
 * Messages in which all of the words stand, best first (of very many, the newest stored first). Nothing in `words` is an operator: apostrophes, hyphens, addresses
 * and numbers are plain words. The index proposes, and each message is looked at before it is given: nothing is found that
 * is not there.
 */
export const searchMessages = (session: Session, options: SearchFilter): ReadonlyArray<SearchHit> => {
  const terms = termsOf(options.words)
  if (terms.length === 0) return []
  const match = searchQuery(terms)
  const { connection = null, limit, role = null, since = null, until = null } = options
  const conditions = present(
    match === null ? "instr(m.content, $sign) > 0" : "true",
    connection !== null && "c.connection = $connection",
    role !== null && "m.role = $role",
    since !== null && "m.sent_at >= $since",
    until !== null && "m.sent_at < $until"
  )
  const order =
    match !== null && areFew(session, match, options.mostRanked ?? usuallyRanked) ? "rank" : "rowid DESC"
  // The limit keeps the order: only as many messages are read as are looked at.
  const from =
    match === null
      ? "messages m"
      : `(SELECT rowid AS key FROM message_search WHERE message_search MATCH $match ORDER BY ${order} LIMIT -1) s
         CROSS JOIN messages m ON m.key = s.key`
  const rows = session.database
    .prepare(
      `SELECT m.id AS messageId, m.conversation_id AS conversationId, c.connection, m.position, m.role, m.sent_at AS sentAt,
         m.content
       FROM ${from} CROSS JOIN conversations c ON c.id = m.conversation_id
       WHERE ${conditions.join(" AND ")} ${match === null ? "ORDER BY m.key DESC" : ""}`
    )
    .iterate({
      ...(match === null ? { sign: terms[0]?.text } : { match }),
      ...(connection === null ? {} : { connection }),
      ...(role === null ? {} : { role }),
      ...(since === null ? {} : { since }),
      ...(until === null ? {} : { until })
    }) as IterableIterator<Row>
  const found: Array<SearchHit> = []
  for (const row of rows) {
    if (found.length >= limit) break
    const atoms = atomsOf(row.content)
    const marks = terms.map((term) => findTerm(row.content, atoms, term))
    const first = marks[0]?.[0]
    if (first === undefined || marks.some(({ length }) => length === 0)) continue
    found.push({
      ...row,
      excerpt: excerptOf(row.content, first),
      marks: marks.flat().sort(([a], [b]) => a - b)
    })
  }
  return found
}
