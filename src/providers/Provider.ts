import { Effect, type Redacted, type Schema, type Stream } from "effect"
import type { Contact, Conversation, Message } from "../domain/Conversation.ts"
import type { Interval } from "../domain/Interval.ts"
import type { ProviderError } from "../domain/ProviderError.ts"
import type { Status, StatusMap } from "../domain/Status.ts"
import type { StatusChange } from "../domain/StatusChange.ts"
import type { TimeRange } from "../domain/TimeRange.ts"
import type { Timestamp } from "../domain/Timestamp.ts"
import type { Exchange, ProviderClient } from "../http/client.ts"
import type { Authorization, Limit, ProviderRequest } from "../http/contract.ts"
import type { PersonalFields } from "../privacy/policy.ts"

/** A payload as it came, and what it is: the unit that is kept raw and that everything else can be made from again. */
export interface RawPayload {
  /**
   * The vendor's kind of object, in this adapter's words: `conversation`, `detail`, `export`, … A `message` is a message
   * alone: it is kept as long as the vendor has the message.
   */
  readonly kind: string
  /** The id of the object itself. */
  readonly providerId: string
  /** The conversation it belongs to; for a conversation, its own id. */
  readonly conversationId: string
  /** JSON text, as it came. */
  readonly payload: string
  /** When it was last shown, of one that is stored; left out: it was just shown. */
  readonly shownAt?: Timestamp
}

/** A record that did not decode, kept whole. */
export interface Unreadable {
  readonly kind: string
  /** Null where not even the id could be read. */
  readonly providerId: string | null
  /** The conversation it belongs to, where that is known. */
  readonly conversationId: string | null
  /** In words, e.g. `expected a number, got "twelve"`. */
  readonly reason: string
  /** JSON path from the payload's root to the fault, e.g. `$.messages[3].timestamp`. */
  readonly path: string
  /** JSON text of the whole record. */
  readonly payload: string
}

/**
 * What a response says about a conversation's messages.
 * - `whole`: all there are, in order. What is stored beyond them is gone at the vendor, unless something of the sighting
 *   could not be read, or there are fewer than the vendor says it has.
 * - `newest`: the latest ones, in order, without a gap to what is stored; older ones stay.
 */
export interface Messages {
  readonly extent: "whole" | "newest"
  readonly items: ReadonlyArray<Message>
}

/** One conversation as the vendor showed it, with everything the responses carried for it. */
export interface Sighting {
  readonly _tag: "Sighting"
  readonly conversation: Conversation
  readonly contact: Contact | null
  /** Null: these responses say nothing about messages, and what is stored stays. */
  readonly messages: Messages | null
  readonly unreadable: ReadonlyArray<Unreadable>
  readonly raw: ReadonlyArray<RawPayload>
  /**
   * What the vendor's list showed for it, in this adapter's own notation: given back through `Known`, it shows
   * whether details must be fetched again. Null: nothing to compare by, so the next listing fetches them again.
   */
  readonly fingerprint: string | null
}

export type Item =
  | Sighting
  /**
   * Listed, and its fingerprint is the stored one: nothing to do. `key` is `Known.key`; left out: it is looked up.
   * `isRepeat`: this scan has shown it before, so it is one record more and no further conversation. `recordId`: what its
   * row of the list goes by in quarantine; left out: by the conversation's id.
   */
  | {
      readonly _tag: "Unchanged"
      readonly providerId: string
      readonly recordId?: string
      readonly key?: number | undefined
      readonly isRepeat?: boolean
    }
  /** Listed, but outside of the window that was requested. */
  | { readonly _tag: "Filtered"; readonly providerId: string }
  | { readonly _tag: "Unreadable"; readonly unreadable: Unreadable }

/** Something the user should read once per run: a degraded capability, an odd answer. Never a customer's text. */
export interface Notice {
  /** Stable, e.g. `export-forbidden`: repeats within a run are shown once. */
  readonly code: string
  readonly message: string
  readonly hint: string
}

/**
 * At most 500 records that came in one response. Each listed conversation is in exactly one page: where its details
 * were fetched, in the detail's page, and otherwise in the list's.
 */
export interface Page {
  readonly exchange: Exchange
  readonly items: ReadonlyArray<Item>
  /** Resumes the scan after this page and all before it; null: resume at an earlier page's cursor. */
  readonly cursor: string | null
  /**
   * Whether what follows is requested only once this page is stored, so that a death costs little again. Left out: a page
   * with a cursor is. False where one request brought all of it, and of what came since the page before that is: to send
   * that again costs less than to wait.
   */
  readonly isAwaited?: boolean
  /**
   * Only on a scan's last page. `complete`: everything the account holds was enumerated, in responses received whole, and
   * the vendor said nothing that speaks against it. A `reason` beside it: all is listed, yet something of it could not be
   * had, such as messages that are refused; the run then ends partial, with these words.
   */
  readonly end: { readonly complete: boolean; readonly reason: string | null } | null
  readonly notices: ReadonlyArray<Notice>
  /** How many conversations the vendor says it holds; left out or null: it does not say. */
  readonly total?: number | null
  /**
   * What was learned about this account and is worth knowing next time: that an endpoint does not exist, or which export
   * the vendor is making. Kept under its name until another value takes its place.
   */
  readonly learned: Readonly<Record<string, string>>
  /**
   * Of the listed conversations that were requested by their id: how many there are, and which of this page (the mirror's
   * ids) the vendor says do not exist. What the list showed of these is an item like any other, without a fingerprint.
   * Left out: none was requested.
   */
  readonly soughtById?: SoughtById
}

export interface SoughtById {
  readonly found: number
  readonly missing: ReadonlyArray<string>
}

/** What is stored of a conversation: enough to decide what need not be fetched. */
export interface Known {
  readonly providerId: string
  /** By which the store finds it at once, where it comes back in an item. */
  readonly key?: number
  readonly fingerprint: string | null
  readonly agentId: string | null
  /** Those that were let go because of their age included. */
  readonly storedMessages: number
  /** When it began, as it is stored; left out: not known. */
  readonly startedAt?: Timestamp | null
  /** Message ids of the newest stored messages, newest first, at most 10; left out where they were not requested. */
  readonly newestMessageIds?: ReadonlyArray<string>
  readonly updatedAt: Timestamp | null
  /** It was gone when it was last looked for, or merged into another. */
  readonly deleted: boolean
  /** It has no fingerprint, and something of it is in quarantine; left out: it has one, or nothing is. */
  readonly isUnread?: true
  /** When the request left whose answer showed it as it is stored; left out: not known, or by a clock that was ahead. */
  readonly observedAt?: Timestamp
}

/** What is looked up of conversations only where it is needed: it costs more than the rest together. */
export interface KnownWanted {
  readonly newestMessageIds: boolean
  /**
   * The fingerprints (`Provider.listedAs`) with which a listed conversation may be unchanged. Called only where no mirror
   * holds fingerprints, but something that can tell whether it has seen one. Left out: the list alone cannot tell.
   */
  readonly shownAs?: (providerId: string) => ReadonlyArray<string>
}

/** Whether a run is being stopped: nothing more is to be requested then. */
export interface Stopping {
  readonly now: () => boolean
  /** Completes once it is. */
  readonly requested: Effect.Effect<void>
}

/** What a webhook names, and a scan can be narrowed to. Ids and words are the vendor's. */
export type HintSubject =
  /** `agentId` null: the webhook does not say whose it is. */
  | { readonly _tag: "Conversation"; readonly id: string; readonly agentId: string | null }
  /** All conversations of a contact. */
  | { readonly _tag: "Contact"; readonly id: string }
  /** The first page of those that have a status. */
  | { readonly _tag: "Status"; readonly word: string }

/**
 * What a webhook says that its conversation holds by now. Where all that it says is stored already, as after a change of
 * ours, nothing is requested; null: it does not say, and where both are it never counts as stored.
 */
export interface HintShows {
  readonly messages: number | null
  readonly providerStatus: string | null
}

export const showsNothing: HintShows = { messages: null, providerStatus: null }

/** How many messages a webhook counts that no record of the vendor counts. `since`: the earlier ones are not among them. */
export interface HintCount {
  readonly messages: number
  readonly since: Timestamp | null
}

/** A webhook as it came. `headers`: lower-case names. */
export interface HintDelivery {
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Uint8Array
}

/** What a webhook is. `kind`: the vendor's word for the event, where it is one of those it documents; else `other`. */
export type HintReading =
  | {
      readonly _tag: "Hint"
      readonly kind: string
      readonly subject: HintSubject
      readonly shows: HintShows
      /** Left out: it counts nothing. */
      readonly declares?: HintCount
    }
  /** The vendor tries whether it is received. */
  | { readonly _tag: "Test" }
  /** It names no conversation, or something else than a conversation. */
  | { readonly _tag: "Other"; readonly kind: string }

/**
 * How a vendor's webhooks are understood. What they say is never stored: it only leads to what is read next. A count that
 * is to be had nowhere else is kept beside what was read, and shows whether something is missing.
 */
export interface HintDefinition {
  /** Whether it was sent by who holds one of the keys; takes the same time whatever it says. */
  readonly isSigned: (delivery: HintDelivery, keys: ReadonlyArray<Redacted.Redacted>) => boolean
  /** Only called with what is signed. */
  readonly read: (text: string) => HintReading
  /** Events that a change of a conversation's status causes, ours as well. */
  readonly causedByStatus: ReadonlyArray<string>
  /** So many requests show what one names, as a rule. */
  readonly requests: number
  /** Where a person finds the key and enters the address, in words. */
  readonly setUp: string
}

export interface PullScope<E = never> {
  /**
   * Only what a webhook named: it is requested whether or not it is stored, with as few requests as show it, and what
   * comes enumerates nothing. Left out: everything in scope.
   */
  readonly subject?: HintSubject
  /** Where an interrupted scan goes on; null: from the start. Only ever a cursor this adapter made. */
  readonly cursor: string | null
  /** When the scan's first run began; left out: it is its first. What was observed since need not be fetched again. */
  readonly startedAt?: Timestamp
  /** Half-open window on when a conversation was started; what lies outside is `Filtered`, or not requested at all. */
  readonly since: Timestamp | null
  readonly until: Timestamp | null
  /** Within that window, ranges that need not be looked at again: the same as outside of it. */
  readonly covered: ReadonlyArray<TimeRange>
  /** Fetch details even where the fingerprint is the stored one. */
  readonly refetch: boolean
  /**
   * It is time to look behind the list: ask for details that its rows cannot show to have changed, but for nothing that
   * is billed. Where the rows show everything this changes nothing.
   */
  readonly reconcile: boolean
  /** False: the user wants no messages from this connection. */
  readonly messages: boolean
  /**
   * Once it is time to stop, the stream gives what has been answered, without a cursor that would pass over anything, and
   * ends without `end`. Left out: it is never time.
   */
  readonly stopping?: Stopping
  /** How many details may be requested at once; what really leaves is the governor's business. */
  readonly concurrency: number
  /** What is stored of these conversations; unknown ids are absent. */
  readonly known: (
    providerIds: ReadonlyArray<string>,
    wanted?: KnownWanted
  ) => Effect.Effect<ReadonlyMap<string, Known>, E>
  /** What earlier pages taught about this account (`Page.learned`), with when. */
  readonly learned: ReadonlyMap<string, { readonly value: string; readonly at: Timestamp }>
}

/** How much of one conversation is requested. */
export type FetchScope = Pick<PullScope, "messages">

/** What distinguishes a conversation from one of the same id in another account, where vendors count their ids from 1. */
export interface Likeness {
  readonly startedAt: Timestamp | null
  readonly phone: string | null
  readonly email: string | null
}

/**
 * Receives the vendor's id of the account that the credential belongs to, each time an answer states it and before
 * anything of the answer is handed on. Fails where the connection is bound to another account.
 * @param by `record`: each record says so itself; `credential`: a login, or the workspace
 */
export type AccountCheck = (
  account: string,
  by: "record" | "credential"
) => Effect.Effect<void, ProviderError>

/** Accepts any account. */
export const anyAccount: AccountCheck = () => Effect.void

/** What the vendor holds for one conversation right now. */
export interface RemoteState {
  readonly status: Status
  readonly providerStatus: string | null
  /** Orders reads of one conversation; null where the vendor has no such time. */
  readonly updatedAt: Timestamp | null
  readonly title: string | null
  readonly tags: ReadonlyArray<string>
  /** What the mirror is to hold of title and tags, where that is less; left out: all of it. */
  readonly kept?: Pick<RemoteState, "title" | "tags">
  /** Only where ids are counted (`Provider.idsAreCounted`). */
  readonly likeness?: Likeness
  /** Milliseconds that the vendor's clock is ahead of ours, by its `Date`; left out: no more than seconds, or not known. */
  readonly clockAhead?: number
}

/** What the vendor answered to a write. `state` null: it accepted but did not say what it now holds, so read. */
export interface WriteOutcome {
  readonly state: RemoteState | null
}

/** A fault in what was asked, found before any request: what is wrong, and what can be asked instead. */
export interface Refusal {
  readonly message: string
  readonly hint: string
}

export interface CheckFinding {
  readonly ok: boolean
  /** False: it would change something, so that nothing is known of it; left out: it was tried. */
  readonly tried?: false
  /** e.g. `list conversations`, `export messages`. */
  readonly what: string
  readonly detail: string
}

/** A documented fact beside what a live account showed of it. */
export interface ContractFinding {
  /** In words: `at most 50: messages`, `field contact.id: number`. */
  readonly fact: string
  readonly verdict: "ok" | "differs" | "not seen"
  /** What was seen, in types, counts and documented words; never a customer's text. */
  readonly seen: string
  /** The page that documents it. */
  readonly source: string
}

/** A request that a pull sends for conversations, and how many of it for each one. */
export interface RequestCost {
  /** Like those that are sent; only what limits look at matters. */
  readonly request: ProviderRequest
  readonly perConversation: Interval
}

/** How many requests a pull sends, without those of retries. */
export interface PullCosts {
  /** Once, whatever there is; a login is not the adapter's. */
  readonly once: number
  readonly list: {
    readonly request: ProviderRequest
    /** For a list of so many conversations. */
    readonly requests: (conversations: number) => number
  }
  /** For each conversation inside of the scope, whether or not it has changed. */
  readonly inside: ReadonlyArray<RequestCost>
  /** For each of these that is new or has changed. */
  readonly fetched: ReadonlyArray<RequestCost>
}

/** What a pull would ask for, and how much of it the mirror holds. */
export interface SurveyScope<E = never> extends PullScope<E> {
  /** Conversations of the connection that the mirror holds, inside of the scope or not. */
  readonly held: number
  /** An earlier scan has listed everything that there was. */
  readonly isWhole: boolean
}

/** What a few requests show about how much a pull will have to do. */
export interface Survey {
  readonly costs: PullCosts
  /** Conversations that the pull will be shown. */
  readonly listed: Interval
  /** Those of them that lie inside of the scope. */
  readonly inside: Interval
  /** Of those inside, the ones that the mirror lacks. */
  readonly missing: Interval
  /** Of those inside that the mirror holds, the ones that it holds otherwise than they are now. */
  readonly changed: Interval
  /** How long the list takes to arrive where it is one response, milliseconds; null: it comes in pages. */
  readonly listMillis: Interval | null
  /** In words, why so little is known; null: the vendor says how many it holds. */
  readonly unsure: string | null
}

/** One account at a vendor. A value: four run side by side. */
export interface Provider {
  /**
   * Everything in scope. Pages may repeat records and may come in any order; they must not skip what existed when the
   * scan began and still exists when it ends. A record that does not decode is an `Unreadable`, never an error.
   */
  readonly pull: <E>(scope: PullScope<E>) => Stream.Stream<Page, ProviderError | E>
  /**
   * How much a pull of the same scope would do, asked with a few requests that change nothing: as few as needed, and at
   * most seven. Left out: earlier runs are all that a forecast rests on.
   */
  readonly survey?: <E>(scope: SurveyScope<E>) => Effect.Effect<Survey, ProviderError | E>
  /** One conversation, whole, as `pull` would give it; null: the vendor says it does not exist (404, 410). */
  readonly fetch: (
    providerId: string,
    known: Known | null,
    scope: FetchScope
  ) => Effect.Effect<Page | null, ProviderError>
  /**
   * The id of the conversation that an e-mail address or a phone number leads to now; null: none. Only where a conversation
   * is its contact, so that merging two contacts takes one away. Left out: merging people takes no conversation away.
   */
  readonly findByContact?: (
    kind: "email" | "phone",
    value: string
  ) => Effect.Effect<string | null, ProviderError>
  /**
   * Makes a sighting again from its raw payloads, offline and always with the same result. Null where they do not hold
   * a conversation. `pull` builds its sightings with this very function.
   */
  readonly interpret: (payloads: ReadonlyArray<RawPayload>) => Sighting | Unreadable
  /** The status the vendor holds now, read live; null: it says in its own words that the conversation does not exist. */
  readonly readStatus: (change: StatusChange) => Effect.Effect<RemoteState | null, ProviderError>
  /** What is wrong with a requested change, before anything is sent; null: it can be sent. */
  readonly refuse: (requested: StatusChange["requested"]) => Refusal | null
  /** Sends one write, once. Never retried here: an unknown outcome is read back by `push.ts`. */
  readonly setStatus: (change: StatusChange) => Effect.Effect<WriteOutcome, ProviderError>
  /** What these credentials can do; changes nothing. Fails only where not even the first request is answered. */
  readonly check: (scope: FetchScope) => Effect.Effect<ReadonlyArray<CheckFinding>, ProviderError>
  /**
   * Compares the account with what the vendor documents, by a few reads. Fails only where nothing answers. Left out: the
   * adapter holds no facts.
   */
  readonly contract?: Effect.Effect<ReadonlyArray<ContractFinding>, ProviderError>
  readonly statusMap: StatusMap
  /**
   * Of a sighting's fingerprint, the one by which the list alone shows it again (`KnownWanted.shownAs`): its details may
   * have changed all the same. Left out: the fingerprint itself, which stands for all that the sighting shows.
   */
  readonly listedAs?: (fingerprint: string) => string
  /** Whether a stored conversation is one of those that the list is to show. Left out: each is. */
  readonly isListed?: (known: Known) => boolean
  /**
   * Asks whose account it is, with one request, and passes it to the `AccountCheck`; an answer that does not say it is no fault.
   * Left out: the answers that are read anyway say it, or none does.
   */
  readonly identify?: Effect.Effect<void, ProviderError>
  /** Other accounts give the same ids to other conversations: one that is known by its id alone proves nothing. */
  readonly idsAreCounted?: boolean
}

/** The settings every adapter is given; its own come on top, decoded by `ProviderDefinition.settings`. */
export interface CommonSettings {
  readonly name: string
  readonly baseUrl: string
  readonly statusMap: Readonly<Record<string, string>>
}

/**
 * Where the mirror's columns come from: `<table>.<column>` → the JSON path in the raw record, or in words. A column that is
 * left out is never said by the vendor.
 */
export type ColumnSources = Readonly<
  Partial<Record<`${"conversations" | "messages" | "contacts" | "account_bindings"}.${string}`, string>>
>

/** What the registry holds: everything Parley knows about a vendor before an account exists. */
export interface ProviderDefinition<Settings, Encoded> {
  readonly id: string
  readonly title: string
  /** The vendor's documentation. */
  readonly docs: string
  /** What a connection is called in the example configuration, as a person would: `leads`. */
  readonly exampleName: string
  /** Keys of the configuration that only this vendor has. Secrets are `Schema.Redacted(Schema.String)`. */
  readonly settings: Schema.Schema<Settings, Encoded>
  /** The origin and prefix to talk to, where the settings name none; null: `baseUrl` is required. */
  readonly baseUrl: (settings: Settings) => string | null
  readonly limits: ReadonlyArray<Limit>
  readonly statusMap: StatusMap
  /** For the dictionary that analysts read in the mirror. */
  readonly columns: ColumnSources
  /** What each documented field tells of people; what is not named there is taken to be personal. */
  readonly personal: PersonalFields
  /** Left out: the vendor sends no webhooks. */
  readonly hints?: HintDefinition
  /** How requests are signed. Called once per account. `account` is called by a login that says whose account it is. */
  readonly authorize: (settings: Settings, account?: AccountCheck) => Authorization
  readonly make: (
    settings: Settings & CommonSettings,
    client: ProviderClient,
    account?: AccountCheck
  ) => Provider
}

/** A definition among others, as the registry holds it: what its own Schema decoded is handed back to it unseen. */
export type AnyProviderDefinition = ProviderDefinition<unknown, unknown>

/** Forgets which settings a definition has, so that definitions fit into one list. */
export const anyProvider = <Settings, Encoded>(
  definition: ProviderDefinition<Settings, Encoded>
): AnyProviderDefinition => definition as unknown as AnyProviderDefinition

/** At most this many records in a page. */
export const pageSize = 500
