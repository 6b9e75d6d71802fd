import { Cause, Chunk, Effect, Exit, Option, Stream } from "effect"
import type { Stopping } from "../Provider.ts"

/** A task and, once it has ended, what became of it. */
interface Slot<A, E> {
  readonly task: Effect.Effect<A, E>
  readonly isLastOfChunk: boolean
  exit: Exit.Exit<A, E> | null
}

type Resume<A> = (effect: Effect.Effect<A>) => void

/** Until `wake` is called: for one fiber at a time. */
const makeBell = (call: (wake: () => void) => void) => {
  let resume: Resume<void> | null = null
  return {
    wait: Effect.async<void>((wake) => {
      resume = wake
      return Effect.sync(() => {
        resume = null
      })
    }),
    wake: (): void => {
      const wake = resume
      resume = null
      if (wake !== null) call(() => wake(Effect.void))
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
  tasks: Stream.Stream<Effect.Effect<A, E>, E2>,
  concurrency: number,
  { afterGap = (value) => value, stopping }: Winding<A> = { stopping: undefined }
): Stream.Stream<A, E | E2> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      /** In the tasks' order: what was not given yet, and of that what no fiber works on. */
      const slots: Array<Slot<A, E>> = []
      const waiting: Array<Slot<A, E>> = []
      const idle = new Set<Resume<Slot<A, E>>>()
      const room = makeBell((wake) => wake())
      // Whatever else arrives in this turn of the event loop is given together: a stream's step costs more than a task.
      const ready = makeBell((wake) => void setImmediate(wake))
      let end: Exit.Exit<void, E2> | null = null

      const place = (task: Effect.Effect<A, E>, isLastOfChunk: boolean): void => {
        const slot: Slot<A, E> = { task, isLastOfChunk, exit: null }
        slots.push(slot)
        const [worker] = idle
        if (worker === undefined) return void waiting.push(slot)
        idle.delete(worker)
        worker(Effect.succeed(slot))
      }
      /** Whether there is reason to ask for more: what was placed is not merely waiting to be taken. */
      const mayAsk = (): boolean => {
        let chunks = 0
        for (const { isLastOfChunk } of slots) if (isLastOfChunk) chunks += 1
        return chunks === 0 || (chunks === 1 && slots.some(({ exit }) => exit === null))
      }
      const feed = Effect.fnUntraced(function* (chunk: Chunk.Chunk<Effect.Effect<A, E>>) {
        let left = chunk.length
        for (const task of chunk) {
          while (slots.length >= concurrency + beyond) yield* room.wait
          left -= 1
          place(task, left === 0)
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

      const next = Effect.suspend(() => {
        const slot = waiting.shift()
        if (slot !== undefined) return Effect.succeed(slot)
        return Effect.async<Slot<A, E>>((resume) => {
          idle.add(resume)
          return Effect.sync(() => void idle.delete(resume))
        })
      })
      const work = Effect.flatMap(next, (slot) =>
        Effect.map(Effect.exit(slot.task), (exit) => {
          slot.exit = exit
          if (slot === slots[0]) ready.wake()
        })
      )
      // Effect.forever lets others go first after each task, which costs as much as all else here.
      const worker = Effect.whileLoop({ while: () => true, body: () => work, step: () => undefined })
      for (let index = 0; index < concurrency; index++) yield* Effect.forkScoped(worker)

      /** What has ended, from the first on; empty: the first has not. */
      const ended = (): Array<A> => {
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
        const values = ended()
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
