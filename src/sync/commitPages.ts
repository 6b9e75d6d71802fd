import { Effect } from "effect"
import { page } from "../providers/kit/page.ts"
import type { Item, Page } from "../providers/Provider.ts"
import { type CommitInput, Mirror, type RawConversation, versionOf } from "../store/mirror/Mirror.ts"
import type { OpenConnection } from "./connection.ts"
import { tellingCommit } from "./progress.ts"

/** A page that no provider sent. @param path what it was made from @param at its time, epoch milliseconds */
export const unsentPage = (operation: string, path: string, items: ReadonlyArray<Item>, at: number): Page =>
  page({
    exchange: { operation, method: "-", path, status: 0, requestedAt: at, receivedAt: at, bytes: 0 },
    items
  })

/** Stores pages that belong to no scan, such as single conversations, and reports progress. */
export const commitPages = (
  { config, lane }: Pick<OpenConnection, "config" | "lane">,
  runId: number,
  pages: ReadonlyArray<Page>,
  how: Pick<CommitInput, "lookedUp" | "overwrites" | "replay">
) =>
  Effect.flatMap(Mirror, (mirror) => {
    const { keepRaw, name } = config
    const input = { runId, connection: name, lane, pages, scan: null, keepRaw, seen: null, ...how }
    return tellingCommit(name, mirror.commit(input))
  })

/**
 * Stores pages that were made from what is stored. Whoever else writes to the mirror goes on meanwhile: what was made of
 * payloads that are no longer the stored ones is not written.
 */
export const commitReplayed = (
  connection: Pick<OpenConnection, "config" | "lane">,
  runId: number,
  pages: ReadonlyArray<Page>,
  madeFrom: ReadonlyArray<Omit<RawConversation, "key">>
) =>
  commitPages(connection, runId, pages, {
    replay: new Map(madeFrom.map(({ conversationId, payloads }) => [conversationId, versionOf(payloads)]))
  })
