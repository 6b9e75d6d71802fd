import { Context, Effect, Exit, Layer, Scope } from "effect"
import { Db } from "../store/Db.ts"

/**
 * The mirror for reading, opened again where another file takes its place, as each publication does: what is shown is what
 * is there. A file that cannot be opened fails what is asked, until one can.
 */
export const makeReader = Effect.fn("serve.reader")(function* (path: string) {
  const open = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const db = yield* Layer.build(Db.layer(path, { readOnly: true })).pipe(
      Effect.map(Context.get(Db)),
      Scope.extend(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    return { db, close: Scope.close(scope, Exit.void) }
  })
  const context = yield* Effect.context<Effect.Effect.Context<typeof open>>()
  const oneAtATime = yield* Effect.makeSemaphore(1)
  let held = yield* open
  let isGone = false
  yield* Effect.addFinalizer(() => Effect.suspend(() => held.close))
  const reopen = Effect.gen(function* () {
    isGone = true
    const next = yield* open
    yield* held.close
    held = next
  })
  const current = Effect.suspend(() => held.db.stillThere("serve", { atOnce: isGone })).pipe(
    Effect.catchAll(() => reopen),
    Effect.map(() => {
      isGone = false
      return held.db
    }),
    oneAtATime.withPermits(1),
    Effect.provide(context)
  )
  const first = held.db
  return Db.make({
    path: first.path,
    readOnly: first.readOnly,
    busyTimeoutMillis: first.busyTimeoutMillis,
    use: (op, f) => Effect.flatMap(current, (db) => db.use(op, f)),
    transaction: (op, f) => Effect.flatMap(current, (db) => db.transaction(op, f)),
    stillThere: (op, when) => Effect.flatMap(current, (db) => db.stillThere(op, when))
  })
})
