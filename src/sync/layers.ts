import { type Effect, Layer } from "effect"
import { undiciTransport } from "../http/exchange/undici.ts"
import { Governor } from "../http/limits/Governor.ts"
import { Db, type DbOptions } from "../store/Db.ts"
import { Hints } from "../store/hints/Hints.ts"
import { Leases } from "../store/ledger/Leases.ts"
import { Ledger } from "../store/ledger/Ledger.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import { CommitScript } from "../store/mirror/thread/CommitScript.ts"
import { Outbox } from "../store/outbox/Outbox.ts"
import { type VendorColumns, Vendors } from "../store/Vendors.ts"

const onFile = (database: string, options: DbOptions) =>
  Layer.mergeAll(Mirror.Default, Ledger.Default, Leases.Default, Outbox.Default, Hints.Default).pipe(
    Layer.provideMerge(Db.layer(database, options))
  )

/** The mirror's file, open for writing, and all that is done with it. It is created where it does not exist. */
export const storeLayer = (database: string) => onFile(database, {})

/** The same for work on what a mirror holds already: one that does not exist is refused. */
export const existingStoreLayer = (database: string) => onFile(database, { mustExist: true })

/** Talking to providers: the wire, and the limits kept on it. */
export const talkingLayer = Layer.mergeAll(undiciTransport, Governor.live)

/** Where the built program of the writing thread lies, and what a new mirror's dictionary says of providers. */
export const programLayer = (commitScript: URL, columns: Effect.Effect<VendorColumns>) =>
  Layer.merge(Layer.succeed(CommitScript, commitScript), Layer.succeed(Vendors, columns))
