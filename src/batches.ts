import { Cause, type Chunk, Effect, Exit, Option, Stream } from "effect"

/** When what was gathered is given on. */
export interface BatchOptions<A> {
  readonly weigh: (element: A) => number
  /** At this weight. Twice as much may be gathered while nobody takes it; then the source waits. */
  readonly weight: number
  /** Or after so many milliseconds. */
  readonly withinMillis: number
}

/**
 * A stream's elements in batches, which are gathered while the one before is worked at. A failure is only told after
 * everything that came before it. `Stream.aggregateWithin` does the same at more than a hundred microseconds for each
 * element.
 */
export const batches = <A, E>(
  source: Stream.Stream<A, E>,
  { weigh, weight, withinMillis }: BatchOptions<A>
): Stream.Stream<ReadonlyArray<A>, E> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const gathered: Array<A> = []
      let gatheredWeight = 0
      let end: Exit.Exit<void, E> | null = null
      const some = Effect.unsafeMakeLatch(false)
      const full = Effect.unsafeMakeLatch(false)
      const room = Effect.unsafeMakeLatch(true)

      const note = (): void => {
        const isEnded = end !== null
        if (isEnded || gathered.length > 0) some.unsafeOpen()
        else some.unsafeClose()
        if (isEnded || gatheredWeight >= weight) full.unsafeOpen()
        else full.unsafeClose()
        if (gatheredWeight < 2 * weight) room.unsafeOpen()
        else room.unsafeClose()
      }
      const gather = (chunk: Chunk.Chunk<A>) =>
        Effect.suspend(() => {
          for (const element of chunk) {
            gathered.push(element)
            gatheredWeight += weigh(element)
          }
          note()
          return room.await
        })
      const finish = (exit: Exit.Exit<void, E>) =>
        Effect.sync(() => {
          end = exit
          note()
        })
      yield* Effect.forkScoped(Effect.flatMap(Effect.exit(Stream.runForEachChunk(source, gather)), finish))

      /** The first elements, up to the weight, and at least one. */
      const takeBatch = (): ReadonlyArray<A> => {
        let taken = 0
        let takenWeight = 0
        for (const element of gathered) {
          const more = weigh(element)
          if (taken > 0 && takenWeight + more > weight) break
          taken += 1
          takenWeight += more
        }
        gatheredWeight -= takenWeight
        const batch = gathered.splice(0, taken)
        note()
        return batch
      }
      const take: Effect.Effect<ReadonlyArray<A>, Option.Option<E>> = Effect.gen(function* () {
        yield* some.await
        yield* Effect.timeoutOption(full.await, withinMillis)
        if (gathered.length > 0) return takeBatch()
        return yield* Effect.failCause(
          end !== null && Exit.isFailure(end) ? Cause.map(end.cause, Option.some) : Cause.fail(Option.none())
        )
      })
      return Stream.repeatEffectOption(take)
    })
  )
