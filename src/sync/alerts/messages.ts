import type { AlertRow, AlertState, DueAlert } from "../../store/ledger/alertStates.ts"
import type { ConnectionFacts } from "../../store/read/statusFacts.ts"

/*
 * What someone is told. Nothing that a provider or a customer wrote is in it: kinds of fault, counts, names of
 * connections and commands.
 */

/** What is known of a connection when it is told of. */
export interface AlertFacts
  extends Pick<
    ConnectionFacts,
    "provider" | "last_complete_sync_at" | "changes_failed" | "changes_open" | "quarantined"
  > {
  /** Of the last run, by its kind; null: none. */
  readonly errorKind: string | null
  readonly runId: number
}

const kinds: Readonly<Record<string, string>> = {
  unavailable: "the provider cannot be reached or answers with errors",
  unauthorized: "the provider refuses the credentials",
  rejected: "the provider refuses the requests",
  malformed: "the provider's answers cannot be read",
  account: "the credentials belong to another account",
  store: "the mirror cannot be written",
  deadline: "it did not end in time",
  delete_brake: "more conversations are gone at the provider than may be marked deleted in one run"
}

const because = ({ errorKind }: AlertFacts): string =>
  errorKind === null ? "" : (kinds[errorKind] ?? "an unexpected fault")

const states: Readonly<
  Record<AlertState, (facts: AlertFacts, connection: string) => readonly [what: string, next: string]>
> = {
  failed: (facts, connection) => [
    `fails: ${because(facts)}`,
    facts.errorKind === "unauthorized" ? `parley check ${connection}` : `parley status ${connection}`
  ],
  stale: ({ last_complete_sync_at }, connection) => [
    last_complete_sync_at === null
      ? "was never synced completely"
      : `is stale: the last complete sync began ${last_complete_sync_at.slice(0, 16).replace("T", " ")}Z`,
    `parley status ${connection}`
  ],
  conflict: ({ changes_failed }, connection) => [
    `has status changes that need a decision: ${changes_failed} rejected or in conflict`,
    `parley changes --connection ${connection}`
  ],
  quarantine: ({ quarantined }, connection) => [
    `has records in quarantine: ${quarantined}`,
    `parley quarantine --connection ${connection}`
  ],
  brake: ({ changes_open, errorKind }, connection) => [
    errorKind === "delete_brake"
      ? `stopped: ${kinds.delete_brake}`
      : `holds ${changes_open} status changes back: more than a run sends unconfirmed (pushBrake)`,
    errorKind === "delete_brake" ? `parley status ${connection}` : `parley push ${connection} --plan`
  ]
}

const overWords: Readonly<Record<AlertState, string>> = {
  failed: "works again",
  stale: "is current again",
  conflict: "has no status change that needs a decision any more",
  quarantine: "has no record in quarantine any more",
  brake: "is no longer held back"
}

/** What a program gets. Times are UTC, ISO 8601. */
export interface AlertEventDocument {
  readonly event: AlertState | "recovered"
  readonly state: AlertState
  readonly connection: string
  readonly provider: string
  readonly began_at: string
  readonly ended_at: string | null
  readonly host: string
  readonly run_id: number
  readonly error_kind: string | null
  readonly changes_undecided: number
  readonly changes_open: number
  readonly quarantined: number
  readonly last_complete_sync_at: string | null
  /** One sentence for a person. */
  readonly text: string
}

export const alertDocument = (
  { began_at, connection, ended_at, phase, state }: AlertRow & Pick<DueAlert, "phase">,
  facts: AlertFacts,
  host: string
): AlertEventDocument => {
  const [what, next] = states[state](facts, connection)
  const text =
    phase === "began"
      ? `Parley on ${host}: ${connection} (${facts.provider}) ${what}. Next: ${next}`
      : `Parley on ${host}: ${connection} (${facts.provider}) ${overWords[state]}.`
  return {
    event: phase === "began" ? state : "recovered",
    state,
    connection,
    provider: facts.provider,
    began_at,
    ended_at,
    host,
    run_id: facts.runId,
    error_kind: facts.errorKind,
    changes_undecided: facts.changes_failed,
    changes_open: facts.changes_open,
    quarantined: facts.quarantined,
    last_complete_sync_at: facts.last_complete_sync_at,
    text
  }
}

/** Teams' workflows show nothing but cards: https://learn.microsoft.com/power-automate/teams/teams-app-integration */
const takesCards = /\.(webhook\.office|logic\.azure|powerplatform|powerautomate)\.com$/

/**
 * What is posted: `text` is what Slack, Mattermost and Teams' connectors show, `content` what Discord does; the event
 * is beside it.
 */
export const webhookBody = (document: AlertEventDocument, hostname: string): object => {
  const body = { text: document.text, content: document.text, event: document }
  if (!takesCards.test(hostname)) return body
  const card = {
    type: "AdaptiveCard",
    version: "1.4",
    body: [{ type: "TextBlock", text: document.text, wrap: true }]
  }
  return {
    ...body,
    type: "message",
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content: card }]
  }
}
