import { Effect } from "effect"
import { Db } from "../Db.ts"
import { startQuery } from "./QueryProcess.ts"
import { columnsOf, explainRun, SqlFault } from "./sqlFaults.ts"

/** Milliseconds that finding conversations may take, and bytes of temporary files. */
const maxMillis = 60_000
const maxTemporaryBytes = 2 ** 30

const hint = "write a condition on conversations, such as status = 'active' AND connection = 'inbox'"

/**
 * Ids of the conversations that a condition on `conversations` selects. What is gone at its provider is left out. Runs in
 * a process of its own, so that no condition can hold up this one.
 * @param program the built `queryProgram.ts`
 * @param where SQL, such as `status = 'active' AND last_message_at < '2026-01-01'`
 */
export const selectWhere = Effect.fn("selectWhere")(function* (program: string, where: string) {
  const db = yield* Db
  if (where.trim() === "") return yield* new SqlFault({ message: "the condition is empty", hint })
  // Line breaks: what ends with a comment would take the parenthesis with it.
  const sql = `SELECT id FROM conversations WHERE (\n${where}\n) AND deleted_at IS NULL AND merged_into IS NULL`
  const columns = yield* db.use("selectWhere", (session) => columnsOf(session, sql))
  if (columns instanceof SqlFault) {
    if (columns.hint.startsWith("did you mean")) return yield* columns
    const texts = columns.message.startsWith("there is no column") ? "; texts stand in 'single quotes'" : ""
    return yield* new SqlFault({ message: columns.message, hint: hint + texts })
  }
  const ids = yield* startQuery(program, db.path, sql, {
    busyTimeoutMillis: db.busyTimeoutMillis,
    maxTemporaryBytes
  }).pipe(
    Effect.flatMap((query) => query.take(Number.MAX_SAFE_INTEGER)),
    Effect.scoped,
    Effect.timeoutFail({
      duration: maxMillis,
      onTimeout: () =>
        new SqlFault({ message: `the condition took more than ${maxMillis / 1000} seconds`, hint })
    }),
    Effect.catchTag(
      "TemporaryFilesFull",
      () => new SqlFault({ message: "the condition took too much disk space", hint })
    ),
    Effect.mapError((failure) =>
      failure._tag === "StoreError" && failure.kind === "refused" ? explainRun(failure.message, sql) : failure
    )
  )
  return ids.map(([id]) => String(id))
})
