import { Context } from "effect"

/**
 * Where the built program of `commitWorker.ts` lies: then pages are written on a thread of their own while the next
 * ones are fetched. Null: they are written where they were fetched, one thing after the other.
 */
export class CommitScript extends Context.Reference<CommitScript>()("parley/CommitScript", {
  defaultValue: (): URL | null => null
}) {}
