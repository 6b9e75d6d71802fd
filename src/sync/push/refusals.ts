import type { BodyForm, Rejected, Unauthorized } from "../../domain/ProviderError.ts"

/*
 * What a refusal says, and how much: of one change, or of everything that is sent the same way. All pure.
 */

export type RequestKind = "read" | "write"

/** A refusal by its status code and the form of its body. Status 0: refused here, before anything was sent. */
export interface Refusal {
  readonly request: RequestKind
  readonly status: number
  readonly form: BodyForm
}

/**
 * - `change`: the vendor speaks of this one conversation or status.
 * - `unclear`: it may speak of this one, or of the account, the plan or a filter on the way.
 * - `connection`: it speaks of the account, a payment, a proxy, maintenance, the method or a redirection.
 */
export type Meaning = "change" | "unclear" | "connection"

/** Codes by which a vendor's API speaks of what was asked, where its body is JSON. */
const ofTheRequest: ReadonlySet<number> = new Set([400, 404, 409, 410, 422])

/** Codes that may be about one conversation as well as about everything. */
const ofEither: ReadonlySet<number> = new Set([403, 411, 412, 416, 417, 418, 424])

/** What a refusal speaks of. A page for people is never an API's word about one change. */
export const meaningOf = ({ form, request, status }: Refusal): Meaning => {
  if (status === 0) return "change"
  if (form === "html") return "connection"
  if (ofTheRequest.has(status)) {
    // A read that is refused says nothing of the change, but for the vendor's word that the conversation is gone.
    const isGone = status === 404 || status === 410
    return form === "json" && (request === "write" || isGone) ? "change" : "unclear"
  }
  return ofEither.has(status) ? "unclear" : "connection"
}

/** A refusal whose body's form is not known is taken for an API's. */
export const refusalOf = (
  request: RequestKind,
  { form = "json", status }: Pick<Rejected | Unauthorized, "form" | "status">
): Refusal => ({ request, status, form })

/** Equal refusals one after the other, without a success of the same kind of request in between. */
export interface Row {
  readonly status: number | null
  readonly length: number
}

export const noRow: Row = { status: null, length: 0 }

/** This many equal refusals in a row speak of the connection, whatever each says by itself. */
export const mostInARow = 3

export const extended = (row: Row, status: number): Row =>
  row.status === status ? { status, length: row.length + 1 } : { status, length: 1 }

/** What becomes of a refusal. `hold`: the change waits until something shows what it was about. */
export type Verdict = "end" | "hold" | "stop"

/**
 * @param row with this refusal
 * @param isToldApart another change was accepted after this one had been refused before
 */
export const verdictOf = (meaning: Meaning, row: Row, isToldApart: boolean): Verdict => {
  if (meaning === "connection") return "stop"
  if (meaning === "change" && isToldApart) return "end"
  return row.length >= mostInARow ? "stop" : "hold"
}

/**
 * What becomes of a refusal that was held, once the run has nothing more to send and no later success clarified it.
 * @param hasCompany other changes of the connection are still held from earlier runs, or this one is
 */
export const verdictAtEnd = (meaning: Meaning, hasCompany: boolean): Exclude<Verdict, "hold"> =>
  meaning === "change" && !hasCompany ? "end" : "stop"
