import type { RequestedChange } from "../../domain/StatusChange.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { type Asked, carryOut, judge, type Request, type Verdict } from "./request.ts"

/** The same change, for many conversations. */
export interface BulkRequest extends Omit<Request, "id"> {
  /** In any of the forms `findConversation` takes. */
  readonly ids: ReadonlyArray<string>
  readonly requested: RequestedChange
}

/** Why ids cannot be changed, once for all that have the same fault. */
export interface BulkFault {
  readonly message: string
  readonly hint: string
  readonly ids: ReadonlyArray<string>
}

export interface BulkVerdicts {
  /** One for each conversation, however often it was named. */
  readonly verdicts: ReadonlyArray<Exclude<Verdict, { _tag: "Refused" }>>
  readonly faults: ReadonlyArray<BulkFault>
}

/** The id of the conversation that it is about. */
export const conversationOf = (verdict: BulkVerdicts["verdicts"][number]): string =>
  verdict._tag === "AlreadyAsked" ? verdict.change.conversationId : verdict.conversation.id

/** What would become of each request. Writes nothing. */
export const judgeAll = (session: Session, { ids, ...request }: BulkRequest): BulkVerdicts => {
  const verdicts = new Map<string, BulkVerdicts["verdicts"][number]>()
  const faults = new Map<string, BulkFault & { readonly ids: Array<string> }>()
  for (const id of new Set(ids)) {
    const verdict = judge(session, { ...request, id })
    if (verdict._tag !== "Refused") {
      verdicts.set(conversationOf(verdict), verdict)
      continue
    }
    const { hint, message } = verdict
    const fault = faults.get(message)
    if (fault === undefined) faults.set(message, { message, hint, ids: [id] })
    else fault.ids.push(id)
  }
  return { verdicts: [...verdicts.values()], faults: [...faults.values()] }
}

/** What became of requests. `asked` is empty where there are faults: then nothing was written. */
interface BulkAsked extends BulkVerdicts {
  readonly asked: ReadonlyArray<Asked>
}

/** Puts changes into the outbox: all of them, or none where one of them has a fault. Runs inside a transaction. */
export const askForAll = (session: Session, request: BulkRequest, at: Timestamp): BulkAsked => {
  const { faults, verdicts } = judgeAll(session, request)
  if (faults.length > 0) return { faults, verdicts, asked: [] }
  const asked = verdicts.map((verdict) =>
    carryOut(session, verdict, { ...request, id: conversationOf(verdict) }, at)
  )
  return { faults, verdicts, asked }
}
