import PQueue from "p-queue"
import type { Lane } from "../contract.ts"

const priorities: Readonly<Record<Lane, number>> = { push: 40, sync: 30, backfill: 20, verify: 10 }

/** Places for requests in flight, given to the lanes in their order, and within a lane to who came first. */
export interface Lanes {
  /**
   * Calls `start` once a place is free; it is taken until `leave` is called. Within a lane, what is `urgent` goes before
   * what had its turn and could not use it (`again`), and that before the others.
   */
  readonly enter: (lane: Lane, start: (leave: () => void) => void, standing: Standing) => void
  readonly pause: () => void
  readonly resume: () => void
  readonly setPlaces: (places: number) => void
}

export type MakeLanes = (places: number) => Lanes

export type Standing = "new" | "again" | "urgent"

const standings: Readonly<Record<Standing, number>> = { new: 0, again: 4, urgent: 8 }

const priorityOf = (lane: Lane, standing: Standing): number => priorities[lane] + standings[standing]

/** For running programs. Reads the real clock, so nothing that a `TestClock` drives may depend on its timers: it has none. */
export const queuedLanes: MakeLanes = (places) => {
  const queue = new PQueue({ concurrency: places })
  return {
    enter: (lane, start, standing) => {
      void queue.add(() => new Promise<void>((leave) => start(leave)), {
        priority: priorityOf(lane, standing)
      })
    },
    pause: () => queue.pause(),
    resume: () => void queue.start(),
    setPlaces: (next) => {
      if (queue.concurrency !== next) queue.concurrency = next
    }
  }
}

/** The same order without promises: everything happens in the call that causes it, as virtual time needs it. */
export const virtualLanes: MakeLanes = (initialPlaces) => {
  const waiting: Array<{ readonly priority: number; readonly start: (leave: () => void) => void }> = []
  let places = initialPlaces
  let taken = 0
  let paused = false

  const startNext = () => {
    while (!paused && taken < places) {
      const next = waiting.shift()
      if (next === undefined) return
      taken += 1
      let left = false
      next.start(() => {
        if (left) return
        left = true
        taken -= 1
        startNext()
      })
    }
  }
  return {
    enter: (lane, start, standing) => {
      const priority = priorityOf(lane, standing)
      const after = waiting.findIndex((entry) => entry.priority < priority)
      waiting.splice(after < 0 ? waiting.length : after, 0, { priority, start })
      startNext()
    },
    pause: () => {
      paused = true
    },
    resume: () => {
      paused = false
      startNext()
    },
    setPlaces: (next) => {
      places = next
      startNext()
    }
  }
}
