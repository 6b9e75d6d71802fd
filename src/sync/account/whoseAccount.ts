import { Effect } from "effect"
import type { ConnectionConfig } from "../../config/Config.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { AccountCheck, CheckFinding, Provider } from "../../providers/Provider.ts"
import type { Db } from "../../store/Db.ts"
import {
  type AccountBinding,
  accountBinding,
  type HeldConversation,
  heldSample
} from "../../store/mirror/accounts.ts"
import { knowsAnyOf } from "./evidence.ts"

/*
 * For `check`: whose account a connection speaks for, and whether it is the one that the mirror is bound to. Reads only.
 */

/** What the mirror knows of a connection's account. */
export interface KnownAccount {
  readonly binding: AccountBinding | null
  /** Some of what it holds, to ask for. */
  readonly sample: ReadonlyArray<HeldConversation>
}

export const noAccount: KnownAccount = { binding: null, sample: [] }

/** Conversations asked for where the vendor names no account: so many of the newest, and as many drawn by chance. */
const askedOfEach = 2

export const knownAccount = (db: Db, name: string) =>
  db.use("check.account", (session): KnownAccount => {
    const binding = accountBinding(session, name)
    const since = binding?.reason === "rebind" ? binding.boundAt : null
    return { binding, sample: heldSample(session, name, since, askedOfEach) }
  })

/** Notes what a vendor says of whose account it is. */
export const accountListener = () => {
  let named: string | null = null
  let isOfRecords = false
  const listen: AccountCheck = (account, by) =>
    Effect.sync(() => {
      named ??= account
      isOfRecords ||= by === "record"
    })
  return { listen, named: (): string | null => named, isOfRecords: (): boolean => isOfRecords }
}

const finding = (ok: boolean, detail: string): CheckFinding => ({ ok, what: "account", detail })

/** To be asked last: what was asked before may have said whose it is. Null: there is nothing to be said of it. */
export const whoseAccount = (
  { definition, name }: ConnectionConfig,
  provider: Provider,
  { binding, sample }: KnownAccount,
  listener: ReturnType<typeof accountListener>
): Effect.Effect<CheckFinding | null, ProviderError> =>
  Effect.gen(function* () {
    if (listener.named() === null && provider.identify !== undefined) yield* provider.identify
    const named = listener.named()
    const bound = binding?.account ?? null
    const remedy = `put its credential back, or accept the other one with \`parley sync --rebind ${name}\``
    const isBound = named !== null && named === bound
    if (named !== null && bound !== null && !isBound) {
      return finding(false, `${named}, but the mirror is bound to ${bound}: ${remedy}`)
    }
    if (isBound && (listener.isOfRecords() || sample.length === 0)) {
      return finding(true, `${named}, to which the mirror is bound`)
    }
    const whose = named ?? `${definition.title} does not say whose it is`
    if (sample.length === 0) {
      return named === null ? null : finding(true, `${whose}; the mirror holds nothing of it yet`)
    }
    return (yield* knowsAnyOf(provider, name, sample))
      ? finding(true, `${whose}; it has conversations that the mirror holds`)
      : finding(
          false,
          `${whose}; it has none of the ${sample.length} conversations asked for that the mirror holds: if it is another account, ${remedy}`
        )
  })
