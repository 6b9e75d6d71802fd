/*
 * What the server says, and how it is asked. The types are those of its API (`src/serve/api.ts`).
 */

export interface Connection {
  readonly name: string
  readonly provider: string
  readonly title: string
  readonly writable: Readonly<Record<string, string>>
  readonly fields: ReadonlyArray<string>
  readonly push_brake: number | null
}

export interface Settings {
  readonly version: string
  readonly database: string
  readonly time_zone: string
  readonly read_only: string | null
  readonly schedule: string | null
  readonly connections: ReadonlyArray<Connection>
}

export interface Contact {
  readonly id: string
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
}

export interface Row {
  readonly id: string
  readonly connection: string
  readonly channel: string | null
  readonly status: string
  readonly remote_status: string
  readonly change_state: string | null
  readonly title: string | null
  readonly contact: Contact | null
  readonly last_role: string | null
  readonly last_words: string | null
  readonly last_message_at: string | null
  readonly stored_messages: number
  readonly complete: number | null
  readonly waiting_since: string | null
}

export interface Head extends Row {
  readonly provider: string
  readonly provider_id: string
  readonly provider_status: string | null
  readonly summary: string | null
  readonly qualified: 0 | 1 | null
  readonly tags: ReadonlyArray<string>
  readonly declared_messages: number | null
  readonly expired_messages: number
  readonly started_at: string | null
  readonly last_seen_at: string
  readonly deleted_at: string | null
  readonly merged_into: string | null
  readonly handoffs: ReadonlyArray<{
    readonly requested_at: string | null
    readonly accepted_at: string | null
    readonly completed_at: string | null
    readonly accepted_by: string | null
  }>
  readonly sessions: ReadonlyArray<{
    readonly number: number
    readonly started_at: string | null
    readonly messages: number
    readonly first_answer_seconds: number | null
    readonly first_answer_by: string | null
  }>
}

export interface Message {
  readonly id: string
  readonly position: number
  readonly role: string
  readonly provider_role: string | null
  readonly type: string
  readonly content: string | null
  readonly sent_at: string | null
}

export interface Change {
  readonly id: number
  readonly conversation_id: string
  readonly connection: string
  readonly from_status: string
  readonly from_provider_status: string | null
  readonly to_status: string | null
  readonly to_provider_status: string | null
  readonly state: string
  readonly attempts: number
  readonly not_before: string | null
  readonly last_error: string | null
  readonly found: string | null
  readonly requested_at: string
  readonly requested_by: string
  readonly sent_at: string | null
  readonly ended_at: string | null
  readonly resolved_at: string | null
  readonly events?: ReadonlyArray<{
    readonly at: string
    readonly state: string
    readonly detail: string | null
  }>
}

export interface Plan {
  readonly total: number
  readonly connections: ReadonlyArray<{
    readonly name: string
    readonly changes: number
    readonly never_put_back: number
    readonly already_requested: number
    readonly nothing_to_do: number
    readonly replaced: number
    readonly steps: ReadonlyArray<{
      readonly from: string
      readonly from_provider_status: string | null
      readonly to: string | null
      readonly to_provider_status: string | null
      readonly conversations: number
      readonly can_be_put_back: boolean
      readonly example_id: string
    }>
  }>
  readonly faults: ReadonlyArray<{
    readonly message: string
    readonly hint: string
    readonly count: number
    readonly ids: ReadonlyArray<string>
  }>
  /** The number that has to be confirmed; null: none. */
  readonly confirm: number | null
  readonly change_ids?: ReadonlyArray<number>
}

export interface Why {
  readonly last_request: {
    readonly run_id: number
    readonly command: string
    readonly method: string
    readonly path: string
    readonly status: number
    readonly received_at: string
  } | null
  readonly history: ReadonlyArray<{
    readonly from_status: string | null
    readonly to_status: string
    readonly provider_status: string | null
    readonly origin: string
    readonly observed_at: string
  }>
  readonly quarantine: ReadonlyArray<{ readonly id: number; readonly reason: string; readonly path: string }>
  readonly changes: ReadonlyArray<Change>
  readonly next: ReadonlyArray<{
    readonly what: string
    readonly at: string | null
    readonly command: string
  }>
}

export interface Health {
  readonly name: string
  readonly title: string
  readonly configured: boolean
  readonly last_complete_sync_at: string | null
  readonly newest_message_at: string | null
  readonly conversations_incomplete: number
  readonly changes_open: number
  readonly quarantined: number
  readonly last_run: {
    readonly run_id: number
    readonly lane: string
    readonly outcome: string
    readonly started_at: string
    readonly error_message: string | null
    readonly error_hint: string | null
  } | null
  /** Within how many milliseconds it is synced again, as a rule; null: too few syncs came. */
  readonly kept_within_ms: number | null
  /** Its webhooks; null: none has ever come. */
  readonly hints: {
    readonly received: number
    readonly merged: number
    readonly fetched: number
    readonly useless: number
    readonly refused: number
    readonly last_at: string | null
    readonly changes_since: number
  } | null
  readonly hints_expected: boolean
  readonly hints_are_silent: boolean
  readonly waiting_until: string | null
  readonly waiting_for: string | null
  readonly limits: ReadonlyArray<string> | null
  readonly quota: number | null
}

/** A file that holds what the mirror held at a moment. */
export interface Copy {
  readonly kind: string
  readonly path: string
  readonly at: string
}

export interface Running {
  readonly run_id: number
  readonly command: string
  readonly connection: string | null
  readonly lane: string | null
  readonly started_at: string
  readonly received: number
  readonly conversations: number
  readonly messages: number
}

export interface Run {
  readonly id: number
  readonly command: string
  readonly started_at: string
  readonly finished_at: string | null
  readonly outcome: string
  readonly connections: ReadonlyArray<{
    readonly connection: string
    readonly lane: string
    readonly outcome: string
    readonly requests: number
    readonly waited_ms: number
    readonly received: number
    readonly inserted: number
    readonly updated: number
    readonly quarantined: number
    readonly changes_confirmed: number
    readonly error_message: string | null
    readonly error_hint: string | null
  }>
}

export interface Quarantined {
  readonly id: number
  readonly connection: string
  readonly kind: string
  readonly provider_id: string | null
  readonly conversation_provider_id: string | null
  readonly reason: string
  readonly path: string
  readonly seen: number
  readonly first_seen_at: string
  readonly last_seen_at: string
  readonly dismissed_at: string | null
  readonly resolved_at: string | null
  readonly payload?: string
}

/** What went wrong, in words, and what to do about it. */
export class Fault extends Error {
  readonly hint: string
  readonly status: number
  constructor(message: string, hint: string, status: number) {
    super(message)
    this.hint = hint
    this.status = status
  }
}

const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
  let response: Response
  try {
    response = await fetch(`/api${path}`, init)
  } catch (cause) {
    if (cause instanceof DOMException) throw cause
    throw new Fault("the server does not answer", "is `parley serve` still running?", 0)
  }
  const text = await response.text()
  let body: unknown = null
  try {
    body = JSON.parse(text)
  } catch {
    throw new Fault(`the server answered ${response.status}`, "", response.status)
  }
  if (response.ok) return body
  const { hint, message } = body as { readonly message?: string; readonly hint?: string }
  throw new Fault(message ?? `the server answered ${response.status}`, hint ?? "", response.status)
}

export type Parameters = Readonly<Record<string, string | number | null | undefined>>

/** `?a=1&b=2` of what is there; empty: nothing is. */
export const queryOf = (parameters: Parameters): string => {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === null || value === undefined || value === "" ? [] : [[name, String(value)]]
  )
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`
}

export const get = <A>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<A> =>
  ask(path + queryOf(parameters), signal === undefined ? {} : { signal }) as Promise<A>

export const post = <A>(path: string, body: unknown): Promise<A> =>
  ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  }) as Promise<A>

/** An id in a path of the API. */
export const part = (id: string): string => encodeURIComponent(id)
