import { Effect, Exit } from "effect"

/** What an effect comes to, where that is known without running it; null: it is not. */
export const exitOf = <A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> | null =>
  Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : null

/** As `Effect.map`; of what is known already it makes what is known. */
export const mapKnown = <A, E, B>(effect: Effect.Effect<A, E>, f: (value: A) => B): Effect.Effect<B, E> => {
  const exit = exitOf(effect)
  return exit === null ? Effect.map(effect, f) : Exit.map(exit, f)
}
