import { Effect, Exit } from "effect"

/*
 * Effects that may be known already (`Exit`), as they are wherever many are handled outside of any fiber. What throws is a
 * fault of the program here, too, and never thrown at who calls back.
 */

/** What an effect comes to, where that is known without running it; null: it is not. */
export const exitOf = <A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> | null =>
  Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : null

/** As `Effect.flatMap`; what follows what is known already is known where `f` gives an `Exit`. */
export const flatMapKnown = <A, E, B, E2>(
  effect: Effect.Effect<A, E>,
  f: (value: A) => Effect.Effect<B, E2>
): Effect.Effect<B, E | E2> => {
  const exit = exitOf(effect)
  if (exit === null) return Effect.flatMap(effect, f)
  if (Exit.isFailure(exit)) return Exit.failCause(exit.cause)
  try {
    return f(exit.value)
  } catch (cause) {
    return Exit.die(cause)
  }
}

/** As `Effect.map`; of what is known already it makes what is known. */
export const mapKnown = <A, E, B>(effect: Effect.Effect<A, E>, f: (value: A) => B): Effect.Effect<B, E> =>
  flatMapKnown(effect, (value) => Exit.succeed(f(value)))
