import { Effect, Stream } from "effect"

/**
 * Runs tasks, up to `concurrency` at once, and gives what they yield in the tasks' order. A failure, of a task or of
 * the stream of tasks itself, is only told after everything that stands before it.
 */
export const inOrder = <A, E, E2>(
  tasks: Stream.Stream<Effect.Effect<A, E>, E2>,
  concurrency: number
): Stream.Stream<A, E | E2> =>
  tasks.pipe(
    Stream.catchAll((error) => Stream.succeed<Effect.Effect<A, E | E2>>(Effect.fail(error))),
    Stream.mapEffect((task) => Effect.either<A, E | E2, never>(task), { concurrency }),
    Stream.mapEffect((result) => result)
  )
