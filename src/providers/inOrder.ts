import { Cause, Deferred, Effect, Option, Queue, Stream } from "effect"

/**
 * Runs tasks, up to `concurrency` at once, and gives what they yield in the tasks' order. A failure, of a task or of
 * the stream of tasks itself, is only told after everything that stands before it. Does what `Stream.mapEffect` does
 * with a concurrency, without its cost of hundreds of microseconds for each element.
 */
export const inOrder = <A, E, E2>(
  tasks: Stream.Stream<Effect.Effect<A, E>, E2>,
  concurrency: number
): Stream.Stream<A, E | E2> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      /** `None` is the end. */
      type Result = Deferred.Deferred<A, Option.Option<E | E2>>
      const results = yield* Queue.bounded<Result>(2 * concurrency)
      const waiting = yield* Queue.unbounded<readonly [Effect.Effect<A, E>, Result]>()
      const newResult = Deferred.make<A, Option.Option<E | E2>>()

      const place = (task: Effect.Effect<A, E>) =>
        Effect.flatMap(newResult, (result) =>
          Effect.zipRight(Queue.offer(results, result), Queue.offer(waiting, [task, result]))
        )
      const finish = (cause: Cause.Cause<Option.Option<E2>>) =>
        Effect.flatMap(newResult, (result) =>
          Effect.zipRight(Deferred.failCause(result, cause), Queue.offer(results, result))
        )
      yield* Stream.runForEach(tasks, place).pipe(
        Effect.matchCauseEffect({
          onFailure: (cause) => finish(Cause.map(cause, Option.some)),
          onSuccess: () => finish(Cause.fail(Option.none()))
        }),
        Effect.forkScoped
      )

      const work = Effect.flatMap(Queue.take(waiting), ([task, result]) =>
        Deferred.complete(result, Effect.mapError(task, Option.some))
      )
      for (let worker = 0; worker < concurrency; worker++) yield* Effect.forkScoped(Effect.forever(work))
      return Stream.repeatEffectOption(Effect.flatMap(Queue.take(results), Deferred.await))
    })
  )
