import { Cause, type Chunk, Effect, Exit, Option, Stream } from "effect"

/** When what was gathered is given on. */
export interface BatchOptions<A> {
  readonly weigh: (element: A) => number
  /**
   * At this weight. While a batch is worked at, as much may be gathered or wait for its turn; then the source waits.
   */
  readonly weight: number
  /** Or after so many milliseconds. */
  readonly withinMillis: number
  /** True: it is given on at once, and the source waits until it was worked at. Left out: no element is. */
  readonly isAwaited?: (element: A) => boolean
  /** How many batches are handed over before the first of them is done; left out: 1. */
  readonly atOnce?: number
}

/** A batch, from when it was taken until it is done. */
interface Batch<A> {
  readonly elements: ReadonlyArray<A>
  readonly weight: number
  readonly isAwaited: boolean
}

/**
 * Works at a stream's elements in batches, which are gathered while the one before is worked at. Gives what the work
 * gives, in order. A failure is only reported after everything that came before it. `Stream.aggregateWithin` gathers the
 * same at more than a hundred microseconds for each element.
 */
export const inBatches = <A, E, B, E2, R>(
  source: Stream.Stream<A, E>,
  { weigh, weight, withinMillis, isAwaited = () => false, atOnce = 1 }: BatchOptions<A>,
  work: (elements: ReadonlyArray<A>) => Effect.Effect<B, E2, R>
): Stream.Stream<B, E | E2, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const gathered: Array<A> = []
      let gatheredWeight = 0
      /** Of the gathered elements, from the first on: so many, up to the last awaited one. */
      let awaited = 0
      /** Taken and not done, the oldest first. */
      const underWay: Array<Batch<A>> = []
      let end: Exit.Exit<void, E> | null = null
      const some = Effect.unsafeMakeLatch(false)
      const full = Effect.unsafeMakeLatch(false)
      const room = Effect.unsafeMakeLatch(true)

      /** What waits: for a batch, or in one for its turn. */
      const waitingWeight = (): number =>
        underWay.reduce((sum, batch, index) => sum + (index === 0 ? 0 : batch.weight), gatheredWeight)
      const note = (): void => {
        const isEnded = end !== null
        if (isEnded || gathered.length > 0) some.unsafeOpen()
        else some.unsafeClose()
        if (isEnded || awaited > 0 || gatheredWeight >= weight) full.unsafeOpen()
        else full.unsafeClose()
        const isHeld = awaited > 0 || underWay.some((batch) => batch.isAwaited)
        if (!isHeld && waitingWeight() < weight) room.unsafeOpen()
        else room.unsafeClose()
      }
      const gather = (chunk: Chunk.Chunk<A>) =>
        Effect.suspend(() => {
          for (const element of chunk) {
            gathered.push(element)
            gatheredWeight += weigh(element)
            if (isAwaited(element)) awaited = gathered.length
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
      const takeBatch = (): Batch<A> => {
        let taken = 0
        let takenWeight = 0
        for (const element of gathered) {
          const more = weigh(element)
          if (taken > 0 && takenWeight + more > weight) break
          taken += 1
          takenWeight += more
        }
        gatheredWeight -= takenWeight
        const batch = { elements: gathered.splice(0, taken), weight: takenWeight, isAwaited: awaited > 0 }
        awaited = Math.max(0, awaited - taken)
        underWay.push(batch)
        note()
        return batch
      }
      const take: Effect.Effect<Batch<A>, Option.Option<E>> = Effect.gen(function* () {
        yield* some.await
        yield* Effect.timeoutOption(full.await, withinMillis)
        if (gathered.length > 0) return takeBatch()
        return yield* Effect.failCause(
          end !== null && Exit.isFailure(end) ? Cause.map(end.cause, Option.some) : Cause.fail(Option.none())
        )
      })
      const workAt = (batch: Batch<A>) =>
        Effect.map(work(batch.elements), (result) => {
          underWay.splice(underWay.indexOf(batch), 1)
          note()
          return result
        })
      return Stream.repeatEffectOption(take).pipe(Stream.mapEffect(workAt, { concurrency: atOnce }))
    })
  )
