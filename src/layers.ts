import { Layer } from "effect"
import { Governor } from "./http/Governor.ts"
import { httpLayer } from "./http/layer.ts"
import { Db } from "./store/Db.ts"
import { Leases } from "./store/Leases.ts"
import { Ledger } from "./store/Ledger.ts"
import { Mirror } from "./store/Mirror.ts"
import { Outbox } from "./store/Outbox.ts"

/** The mirror's file, open for writing, and all that is done with it. It is created where it does not exist. */
export const storeLayer = (database: string) =>
  Layer.mergeAll(Mirror.Default, Ledger.Default, Leases.Default, Outbox.Default).pipe(
    Layer.provideMerge(Db.layer(database))
  )

/** Talking to providers: the wire, and the limits kept on it. */
export const talkingLayer = Layer.mergeAll(httpLayer, Governor.live)
