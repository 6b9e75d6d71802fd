import { randomUUID } from "node:crypto"
import { Context, Effect, Layer, Runtime, type Scope } from "effect"
import { messageOf } from "../../domain/messageOf.ts"
import type { ClientEvent, Lane, Limit } from "../contract.ts"
import { CredentialLimiter } from "./CredentialLimiter.ts"
import { OriginLimit } from "./OriginLimit.ts"
import type { Limiter } from "./permit.ts"
import { openQuotaStore, type QuotaStore, quotaFile } from "./shared/quotaStore.ts"
import { localLedger, type QuotaLedger } from "./shared/sharedState.ts"
import { stateFolder } from "./shared/stateFolder.ts"
import { look } from "./take.ts"
import { makeTimer } from "./timer.ts"
import { WaitReporter } from "./WaitReporter.ts"

/** One credential at one origin, what is configured for it, and who asks. */
interface LimiterOptions {
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
  /** Called when this client's requests have to wait, and when that is over: once, however many wait together. */
  readonly observe: (event: ClientEvent) => void
}

/** @param isShared with other processes, which have to be looked at now and then */
const make = (ledger: (key: string) => QuotaLedger, isShared: boolean) =>
  Effect.gen(function* () {
    const timer = yield* makeTimer
    const credentials = new Map<string, CredentialLimiter>()
    const origins = new Map<string, OriginLimit>()
    const present = yield* Effect.makeLatch(false)
    let clients = 0

    const originFor = ({ limits, origin }: LimiterOptions): OriginLimit | null => {
      const ofAddress = limits.filter((limit) => limit.scope === "address")
      if (ofAddress.length === 0) return null
      const known = origins.get(origin)
      if (known !== undefined) return known
      const made = new OriginLimit({ limits: ofAddress, ledger: ledger(origin) })
      origins.set(origin, made)
      return made
    }

    const credentialFor = (options: LimiterOptions): CredentialLimiter => {
      const { concurrency, key, limits, quota } = options
      const known = credentials.get(key)
      if (known !== undefined) return known
      const origin = originFor(options)
      const made = new CredentialLimiter({ limits, quota, concurrency, ledger: ledger(key), origin, timer })
      credentials.set(key, made)
      return made
    }

    if (isShared) {
      const tick = Effect.sync(() => {
        const now = timer.now()
        for (const credential of credentials.values()) credential.tick(now)
        for (const origin of origins.values()) origin.tick(now)
        if (clients === 0) present.unsafeClose()
      })
      yield* Effect.forkScoped(
        Effect.forever(Effect.zipRight(present.await, Effect.zipRight(Effect.sleep(look), tick)))
      )
    }

    const open = (options: LimiterOptions): Effect.Effect<Limiter, never, Scope.Scope> =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => {
            const credential = credentialFor(options)
            const { lane, maxWaitMillis, observe } = options
            const reporter = new WaitReporter(lane, maxWaitMillis, timer, observe)
            credential.join(reporter)
            clients += 1
            present.unsafeOpen()
            return { credential, reporter }
          }),
          ({ credential, reporter }) =>
            Effect.sync(() => {
              credential.part(reporter)
              clients -= 1
            })
        ),
        ({ credential, reporter }) => ({
          timer,
          enter: (request, follows) => credential.enter(reporter, request, follows),
          retry: () => credential.retry(),
          patience: () => credential.patience()
        })
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
      member,
      view: (bucket, now) => use((ledger) => ledger.view(bucket, now)),
      update: (bucket, now, change) => use((ledger) => ledger.update(bucket, now, change)),
      company: (now) => use((ledger) => ledger.company(now)),
      heartbeat: (now) => use((ledger) => ledger.heartbeat(now)),
      leave: () => use((ledger) => ledger.leave())
    }
  }
}

const unshared = (file: string, cause: unknown) =>
  Effect.logWarning(
    `The shared rate limits in ${file} cannot be used (${messageOf(cause)}): this run keeps to the limits on its own. ` +
      "Do not run another one with the same credentials at the same time, or set XDG_STATE_HOME to a folder that can be written."
  )

const homeless = (folder: string) =>
  Effect.logWarning(
    `This user has no home folder: what is learned of the providers' limits is kept in ${folder}. Set XDG_STATE_HOME to a folder that stays.`
  )

/**
 * Decides when requests may leave: one limiter for each credential, shared by all lanes of all processes, and one limit
 * for each origin, shared by all of its credentials.
 */
export class Governor extends Context.Tag("parley/Governor")<
  Governor,
  { readonly open: (options: LimiterOptions) => Effect.Effect<Limiter, never, Scope.Scope> }
>() {
  /** For one process, without a file, and in whatever time the clock shows. */
  static readonly alone = Layer.scoped(Governor, make(localLedger, false))

  /** Shares its state with all processes that use the same file. Where it cannot be opened, a warning says so. */
  static readonly sharedIn = (file: string) =>
    Layer.scoped(
      Governor,
      Effect.gen(function* () {
        const runtime = yield* Effect.runtime<never>()
        const store = yield* Effect.acquireRelease(
          Effect.try(() => openQuotaStore(file)).pipe(
            Effect.catchAll((error) => Effect.as(unshared(file, error.error), null))
          ),
          (opened) => Effect.sync(() => opened?.close())
        )
        if (store === null) return yield* make(localLedger, false)
        const warn = (cause: unknown) => void Runtime.runFork(runtime)(unshared(file, cause))
        return yield* make(guarded(store, randomUUID(), warn), true)
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
