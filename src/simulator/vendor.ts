import type { ParsedRequest, SimulatedResponse } from "./http.ts"
import type { Limiter, Window } from "./limits.ts"
import type { World, WorldChange } from "./world.ts"

/** What a documented field holds, so that faults can break it in a way that is certainly wrong. */
export type FieldType = "id" | "text" | "word" | "time" | "number" | "list" | "object"

/** The fields of one kind of record. `word` is a text out of a documented set. */
export type Fields = Readonly<Record<string, FieldType>>

/** What a vendor needs to answer one request. */
export interface Context {
  /** Epoch milliseconds. */
  readonly now: number
  /** A fault: answer as if there were nothing. */
  readonly empty: boolean
  /** Every record passes through here on its way out, so that faults can change it. */
  readonly record: (kind: Fields, id: string, record: object) => unknown
  /** Requests left in a window. */
  readonly room: (window: Window) => number
}

/** A request that was understood: what it is, what it counts in, and how to answer it. */
export interface Route {
  /** `list`, `detail`, `messages`, `export`, `exports`, `status`, `login`, …, or `unknown`. */
  readonly operation: string
  /** It changes something at the vendor. */
  readonly write: boolean
  readonly conversationId: string | null
  readonly windows: ReadonlyArray<Window>
  readonly run: (context: Context) => SimulatedResponse
}

/** A webhook as it is posted. */
export interface SimulatedHint {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How a vendor tells of what happened. */
export interface VendorHints {
  /** The last part of the address that they are sent to, and the key that they are signed with. */
  readonly path: string
  readonly key: string
  /** The webhook for a change; null: the vendor sends none. @param key instead of its own: a forgery */
  readonly hintOf: (change: WorldChange, key: string) => SimulatedHint | null
}

/** One simulated vendor. `options` may be changed at any time. */
export interface Vendor<Options extends object, Conversation extends object, Message> {
  /** The provider's id. */
  readonly id: string
  /** What a connection to it is called in a configuration. */
  readonly connection: string
  /** The settings, beside its address, with which its account is reached: the names of the provider's own keys. */
  readonly settings: () => Readonly<Record<string, string>>
  /** The path that stands before every endpoint's: what a base URL must end in. */
  readonly prefix: string
  readonly options: Options
  readonly world: World<Conversation, Message>
  readonly route: (request: ParsedRequest) => Route
  /** Left out: it sends no webhooks. */
  readonly hints?: VendorHints
  /** An error as this vendor words it. `waitMillis`: for 429, until there is room again. */
  readonly error: (status: number, waitMillis?: number, window?: Window) => SimulatedResponse
  /** Headers that state limits, added to every answer. */
  readonly limitHeaders: (
    windows: ReadonlyArray<Window>,
    limiter: Limiter,
    now: number
  ) => Readonly<Record<string, string>>
}

/** A vendor whatever its objects are, for what serves all of them. */
export interface AnyVendor extends Omit<Vendor<object, object, unknown>, "world"> {
  readonly world: AnyWorld
}

export interface AnyWorld extends Omit<World<object, unknown>, "conversations" | "messagesOf" | "sorted"> {
  readonly conversations: ReadonlyMap<string, object>
}

/** Seconds, rounded up, as `Retry-After` has them. */
export const retryAfterSeconds = (waitMillis: number): string =>
  String(Math.max(1, Math.ceil(waitMillis / 1000)))

export const bearer = (request: ParsedRequest): string | null =>
  /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? null
