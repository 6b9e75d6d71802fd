import { Cause, Chunk, Effect, Exit, FiberId, FiberSet, Option, Stream } from "effect"
import type { Malformed, ProviderError } from "../../domain/ProviderError.ts"
import { exitOf, flatMapKnown } from "../../domain/settled.ts"
import type { Answer, ProviderClient, ProviderRequest } from "../../http/client.ts"
import type { Stopping } from "../Provider.ts"

type Begin<A, E> = (done: (rest: Effect.Effect<A, E>) => void) => () => void

/** A task that begins with a request: until that is answered, it needs no fiber. */
export class Asking<A, E> {
  /** Calls back once, later, with what it came to (an `Exit`) or what is left to do; returns what breaks it off until then. */
  readonly begin: Begin<A, E>

  constructor(begin: Begin<A, E>) {
    this.begin = begin
  }
}

export type Task<A, E> = Effect.Effect<A, E> | Asking<A, E>

/**
 * A request and what follows.
 * @param then an `Exit` where that is known at once
 * @param otherwise what an answer comes to that is not what the vendor documents
 */
export const asking = <A>(
  client: Pick<ProviderClient, "begin">,
  request: ProviderRequest,
  then: (answer: Answer) => Effect.Effect<A, ProviderError>,
  otherwise: (error: Malformed) => A
): Asking<A, ProviderError> => {
  const rest = (answer: Effect.Effect<Answer, ProviderError>): Effect.Effect<A, ProviderError> => {
    const outcome = flatMapKnown(answer, then)
    const exit = exitOf(outcome)
    return exit !== null && Exit.isSuccess(exit)
      ? exit
      : Effect.catchTag(outcome, "Malformed", (error) => Effect.succeed(otherwise(error)))
  }
  // What is requested next is on its way before this answer is read.
  return new Asking((done) => {
    try {
      return client.begin(request, (answer) => queueMicrotask(() => done(rest(answer))))
    } catch (cause) {
      queueMicrotask(() => done(Exit.die(cause)))
      return () => {}
    }
  })
}

/** A task and, once it has ended, what became of it. */
interface Slot<A, E> {
  readonly task: Task<A, E>
  readonly isLastOfChunk: boolean
  exit: Exit.Exit<A, E> | null
}

/** Waits for the next call of `wake`, or for one that came while nobody waited. For one fiber at a time, which looks again then. */
const makeBell = (call: (wake: () => void) => void) => {
  let resume: ((effect: Effect.Effect<void>) => void) | null = null
  let wasCalled = false
  return {
    wait: Effect.async<void>((wake) => {
      if (wasCalled) wake(Effect.void)
      else resume = wake
      wasCalled = false
    }),
    wake: (): void => {
      const wake = resume
      resume = null
      if (wake === null) wasCalled = true
      else call(() => wake(Effect.void))
    }
  }
}

/** Tasks that may be placed beyond those that are worked at, so that a slow one does not keep the others waiting. */
const beyond = 12

/** How the tasks end when it is time to stop: with what is done by then. */
export interface Winding<A> {
  readonly stopping: Stopping | undefined
  /** What is said of a value that stands behind a task without one; left out: the same. */
  readonly afterGap?: (value: A) => A
}

/** What has ended is given in pieces of so many, so that the consumer can stop in time. */
const givenAtOnce = 6

/**
 * Runs tasks, up to `concurrency` at once, and gives what they yield in the tasks' order. A failure, of a task or of
 * the stream of tasks itself, is only reported after everything before it. Does what `Stream.mapEffect` does
 * with a concurrency, without its cost of hundreds of microseconds for each element: what has ended is given together.
 * The next chunk of tasks is only requested while nothing waits for anything else: once all of the chunk before are placed
 * and some still at work, and all of the chunks before that one were taken.
 */
export const inOrder = <A, E, E2>(
  tasks: Stream.Stream<Task<A, E>, E2>,
  concurrency: number,
  { afterGap = (value) => value, stopping }: Winding<A> = { stopping: undefined }
): Stream.Stream<A, E | E2> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      /** In the tasks' order: what was not given yet, and of that what was not begun. */
      const slots: Array<Slot<A, E>> = []
      const waiting: Array<Slot<A, E>> = []
      /** Those that are at work, in their order, and how each is broken off. */
      const begun = new Map<Slot<A, E>, () => void>()
      let working = 0
      const room = makeBell((wake) => wake())
      // Whatever else arrives in this turn of the event loop is given together: a stream's step costs more than a task.
      const ready = makeBell((wake) => void setImmediate(wake))
      let end: Exit.Exit<void, E2> | null = null

      const run = yield* FiberSet.makeRuntime<never, A, E>()
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          waiting.length = 0
          // The newest first: a place that becomes free would go to a request that still waits.
          for (const breakOff of [...begun.values()].reverse()) breakOff()
        })
      )
      const ended = (slot: Slot<A, E>, exit: Exit.Exit<A, E>): void => {
        slot.exit = exit
        begun.delete(slot)
        working -= 1
        if (slot === slots[0]) ready.wake()
        work()
      }
      const goOn = (slot: Slot<A, E>, rest: Effect.Effect<A, E>): void => {
        const known = exitOf(rest)
        if (known !== null) {
          ended(slot, known)
          return
        }
        const fiber = run(rest)
        begun.set(slot, () => fiber.unsafeInterruptAsFork(FiberId.none))
        fiber.addObserver((exit) => ended(slot, exit))
      }
      const work = (): void => {
        while (working < concurrency) {
          const slot = waiting.shift()
          if (slot === undefined) return
          const { task } = slot
          working += 1
          if (task instanceof Asking) {
            const breakOff = task.begin((rest) => goOn(slot, rest))
            begun.set(slot, breakOff)
          } else goOn(slot, task)
        }
      }
      /** Whether there is reason to ask for more: what was placed is not merely waiting to be taken. */
      const mayAsk = (): boolean => {
        let chunks = 0
        for (const { isLastOfChunk } of slots) if (isLastOfChunk) chunks += 1
        return chunks === 0 || (chunks === 1 && slots.some(({ exit }) => exit === null))
      }
      const feed = Effect.fnUntraced(function* (chunk: Chunk.Chunk<Task<A, E>>) {
        let left = chunk.length
        for (const task of chunk) {
          while (slots.length >= concurrency + beyond) yield* room.wait
          left -= 1
          const slot: Slot<A, E> = { task, isLastOfChunk: left === 0, exit: null }
          slots.push(slot)
          waiting.push(slot)
          work()
        }
        // What needs no time has ended then.
        yield* Effect.yieldNow()
        while (!mayAsk()) yield* room.wait
      })
      const finish = (exit: Exit.Exit<void, E2>) =>
        Effect.sync(() => {
          end = exit
          ready.wake()
        })
      yield* Effect.forkScoped(Effect.flatMap(Effect.exit(Stream.runForEachChunk(tasks, feed)), finish))

      /** What has ended, from the first on; empty: the first has not. */
      const done = (): Array<A> => {
        const values: Array<A> = []
        for (const { exit } of slots) {
          if (exit === null || Exit.isFailure(exit) || values.length === givenAtOnce) break
          values.push(exit.value)
        }
        slots.splice(0, values.length)
        return values
      }
      /** All that is done, of whatever still stands: the last that is given. */
      const remains = (): ReadonlyArray<A> => {
        let isGap = false
        return slots.splice(0).flatMap(({ exit }) => {
          if (exit === null || Exit.isFailure(exit)) {
            isGap = true
            return []
          }
          return [isGap ? afterGap(exit.value) : exit.value]
        })
      }
      if (stopping !== undefined) {
        yield* Effect.forkScoped(Effect.map(stopping.requested, () => ready.wake()))
      }
      const take: Effect.Effect<Chunk.Chunk<A>, Option.Option<E | E2>> = Effect.suspend(() => {
        if (stopping?.now() === true) {
          const last = remains()
          return last.length === 0 ? Effect.fail(Option.none()) : Effect.succeed(Chunk.fromIterable(last))
        }
        const values = done()
        if (values.length > 0) {
          room.wake()
          return Effect.succeed(Chunk.unsafeFromArray(values))
        }
        const failure: Exit.Exit<unknown, E | E2> | null = slots[0]?.exit ?? (slots.length === 0 ? end : null)
        if (failure === null) return Effect.zipRight(ready.wait, take)
        return Effect.failCause(
          Exit.isFailure(failure) ? Cause.map(failure.cause, Option.some) : Cause.fail(Option.none())
        )
      })
      return Stream.repeatEffectChunkOption(take)
    })
  )
