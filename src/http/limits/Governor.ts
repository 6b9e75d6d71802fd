import { randomUUID } from "node:crypto"
import { Context, Effect, Layer, Runtime, type Scope } from "effect"
import type { ClientEvent, Lane, Limit } from "../contract.ts"
import { type MakeLanes, queuedLanes, virtualLanes } from "../exchange/lanes.ts"
import { Account } from "./Account.ts"
import { Address } from "./Address.ts"
import { look } from "./blocked.ts"
import type { Door } from "./permit.ts"
import { openQuotaStore, type QuotaStore, quotaFile } from "./shared/quotaStore.ts"
import { localLedger, type QuotaLedger } from "./shared/sharedState.ts"
import { stateFolder } from "./shared/stateFolder.ts"
import { makeTimer, type Timer } from "./timer.ts"
import { Visitor } from "./Visitor.ts"

/** One credential at one origin, what is configured for it, and who asks. */
export interface AccountOptions {
  /** Hash of the credential and the origin: the same in every process that uses them. */
  readonly key: string
  /** Hash of the origin alone. */
  readonly origin: string
  /** Empty: unknown, to be found. */
  readonly limits: ReadonlyArray<Limit>
  /** Share of each limit to use, above 0 and at most 1. */
  readonly quota: number
  /** Requests in flight at once; null: found out, up to 64. */
  readonly concurrency: number | null
  readonly lane: Lane
  /** Any single longer wait fails at once. */
  readonly maxWaitMillis: number
  /** Told when this client's requests have to wait, and when that is over: once, however many wait together. */
  readonly observe: (event: ClientEvent) => void
}

interface Manner {
  readonly ledger: (account: string) => QuotaLedger
  readonly isShared: boolean
  /** False: only refusals are obeyed. */
  readonly isLimited: boolean
}

const alone: Manner = { ledger: () => localLedger(), isShared: false, isLimited: true }

/** Tells times as the machine's clock shows them. */
const byWall =
  (timer: Timer, observe: AccountOptions["observe"]): AccountOptions["observe"] =>
  (event) =>
    observe(
      event._tag === "Waiting"
        ? { ...event, since: timer.wall(event.since), until: timer.wall(event.until) }
        : event
    )

const make = (member: string, makeLanes: MakeLanes, { ledger, isShared, isLimited }: Manner) =>
  Effect.gen(function* () {
    const timer = yield* makeTimer
    const accounts = new Map<string, Account>()
    const addresses = new Map<string, Address>()
    const present = yield* Effect.makeLatch(false)
    let doors = 0

    const addressFor = ({ limits, origin }: AccountOptions): Address | null => {
      const shared = limits.filter((limit) => limit.scope === "address")
      if (!isLimited || shared.length === 0) return null
      const known = addresses.get(origin)
      if (known !== undefined) return known
      const address = new Address({ limits: shared, ledger: ledger(origin), member, random: Math.random })
      addresses.set(origin, address)
      return address
    }

    const accountFor = (options: AccountOptions): Account => {
      const known = accounts.get(options.key)
      if (known !== undefined) return known
      const { limits, quota, concurrency } = options
      const account = new Account({
        limits: isLimited ? limits : [],
        finds: isLimited && !limits.some((limit) => limit.applies === undefined),
        quota,
        concurrency: isLimited ? concurrency : Number.MAX_SAFE_INTEGER,
        ledger: ledger(options.key),
        address: addressFor(options),
        member,
        makeLanes,
        timer,
        random: Math.random
      })
      accounts.set(options.key, account)
      return account
    }

    if (isShared) {
      const tick = Effect.sync(() => {
        const now = timer.now()
        for (const account of accounts.values()) account.tick(now)
        for (const address of addresses.values()) address.tick(now)
        if (doors === 0) present.unsafeClose()
      })
      yield* Effect.forkScoped(
        Effect.forever(Effect.zipRight(present.await, Effect.zipRight(Effect.sleep(look), tick)))
      )
    }

    const open = (options: AccountOptions): Effect.Effect<Door, never, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const account = accountFor(options)
          const visitor = new Visitor(options.lane, options.maxWaitMillis, byWall(timer, options.observe))
          account.join(visitor)
          doors += 1
          present.unsafeOpen()
          return { account, visitor }
        }),
        ({ account, visitor }) =>
          Effect.sync(() => {
            account.part(visitor)
            doors -= 1
          })
      ).pipe(
        Effect.map(({ account, visitor }) => ({
          enter: (request, follows) => account.enter(visitor, request, follows),
          retry: () => account.retry(),
          patience: () => account.patience()
        }))
      )
    return { open }
  })

/** Where the shared file fails, what it held is of no use any more: from then on this process counts for itself. */
const guarded = (store: QuotaStore, member: string, warn: (cause: unknown) => void) => {
  let failed = false
  return (account: string): QuotaLedger => {
    const shared = store.ledger(account, member)
    const own = localLedger()
    const use = <A>(ask: (ledger: QuotaLedger) => A): A => {
      if (failed) return ask(own)
      try {
        return ask(shared)
      } catch (cause) {
        failed = true
        warn(cause)
        return ask(own)
      }
    }
    return {
      view: (bucket, now) => use((ledger) => ledger.view(bucket, now)),
      update: (bucket, now, change) => use((ledger) => ledger.update(bucket, now, change)),
      company: (now) => use((ledger) => ledger.company(now)),
      greet: (now) => use((ledger) => ledger.greet(now)),
      leave: (now) => use((ledger) => ledger.leave(now))
    }
  }
}

const words = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const unshared = (file: string, cause: unknown) =>
  Effect.logWarning(
    `The shared rate limits in ${file} cannot be used (${words(cause)}): this run keeps to the limits on its own. ` +
      "Do not run another one with the same credentials at the same time, or set XDG_STATE_HOME to a folder that can be written."
  )

const homeless = (folder: string) =>
  Effect.logWarning(
    `This user has no home folder: what is learned of the providers' limits is kept in ${folder}. Set XDG_STATE_HOME to a folder that stays.`
  )

/**
 * Decides when requests may leave: one account for each credential, shared by all lanes of all processes, and one address
 * for each origin, shared by all of its credentials.
 */
export class Governor extends Context.Tag("parley/Governor")<
  Governor,
  { readonly open: (options: AccountOptions) => Effect.Effect<Door, never, Scope.Scope> }
>() {
  /** For one process, without a file, and in whatever time the clock shows. */
  static readonly alone = Layer.scoped(Governor, make("alone", virtualLanes, alone))

  /** Heeds refusals and nothing else: for tests of what lies above. */
  static readonly simple = Layer.scoped(Governor, make("alone", virtualLanes, { ...alone, isLimited: false }))

  /** Shares its state with all processes that use the same file. Where it cannot be opened, a warning says so. */
  static readonly sharedIn = (file: string, makeLanes: MakeLanes = queuedLanes) =>
    Layer.scoped(
      Governor,
      Effect.gen(function* () {
        const member = randomUUID()
        const runtime = yield* Effect.runtime<never>()
        const store = yield* Effect.acquireRelease(
          Effect.try(() => openQuotaStore(file)).pipe(
            Effect.catchAll((error) => Effect.as(unshared(file, error.error), null))
          ),
          (opened) => Effect.sync(() => opened?.close())
        )
        if (store === null) return yield* make(member, makeLanes, alone)
        const warn = (cause: unknown) => void Runtime.runFork(runtime)(unshared(file, cause))
        return yield* make(member, makeLanes, {
          ...alone,
          ledger: guarded(store, member, warn),
          isShared: true
        })
      })
    )

  /** Shares its state in the user's state folder. */
  static readonly live = Layer.unwrapEffect(
    Effect.suspend(() => {
      const { folder, isTemporary } = stateFolder()
      const shared = Governor.sharedIn(quotaFile())
      return isTemporary ? Effect.as(homeless(folder), shared) : Effect.succeed(shared)
    })
  )
}
