import type { Timer } from "../limits/timer.ts"
import type { Dispatch, Dispatched, DispatchRequest, ResponseHandler } from "./transport.ts"

/** Milliseconds between two looks at what is under way: how late a deadline may be. */
const defaultTick = 1000

interface Deadline {
  /** Epoch milliseconds. */
  readonly at: number
  /** Called at each look after that time, until it is moved or no longer watched. */
  readonly late: () => void
}

/** Time limits of many requests, kept by one timer. */
export interface Deadlines {
  readonly now: () => number
  readonly watch: (deadline: Deadline) => void
  readonly unwatch: (deadline: Deadline) => void
  readonly close: () => void
}

export const makeDeadlines = (timer: Pick<Timer, "now" | "at">, tick = defaultTick): Deadlines => {
  const watched = new Set<Deadline>()
  let cancel: (() => void) | null = null
  const plan = (): void => {
    cancel = timer.at(timer.now() + tick, () => {
      cancel = null
      const now = timer.now()
      for (const deadline of watched) if (deadline.at <= now) deadline.late()
      if (watched.size > 0 && cancel === null) plan()
    })
  }
  return {
    now: timer.now,
    watch: (deadline) => {
      watched.add(deadline)
      if (cancel === null) plan()
    },
    unwatch: (deadline) => void watched.delete(deadline),
    close: () => cancel?.()
  }
}

/** Takes the body of an answer. One of `ended` and `failed` is called, or neither where the request is called off. */
export interface Sink {
  readonly data: (piece: Uint8Array) => void
  /** @param isWhole false: it was cut on purpose */
  readonly ended: (isWhole: boolean) => void
  readonly failed: (cause: unknown) => void
  /** The time that was set with `within` is over. */
  readonly late: () => void
  /** Nothing more comes, whatever the reason. */
  readonly closed: () => void
}

export interface Receiver {
  readonly started: (
    status: number,
    headers: Readonly<Record<string, string>>,
    connection: Connection
  ) => Sink
  /** There are no headers and will be none. */
  readonly failed: (cause: unknown) => void
}

const silence = (): Error => Object.assign(new Error("no headers came"), { code: "UND_ERR_HEADERS_TIMEOUT" })

/** One request under way and its answer, until that has ended. Nothing is called twice, and nothing after the end. */
export class Connection implements ResponseHandler, Deadline {
  at: number
  private readonly deadlines: Deadlines
  private readonly receiver: Receiver
  /** Null: `dispatch` has not returned yet. */
  private dispatched: Dispatched | null = null
  private sink: Sink | null = null
  private isOver = false

  /** @param headersMillis to the headers of the answer, whatever is announced meanwhile (1xx) */
  constructor(
    dispatch: Dispatch,
    deadlines: Deadlines,
    request: DispatchRequest,
    headersMillis: number,
    receiver: Receiver
  ) {
    this.deadlines = deadlines
    this.receiver = receiver
    this.at = deadlines.now() + headersMillis
    deadlines.watch(this)
    this.dispatched = dispatch(request, this)
    if (this.isOver) this.dispatched.abort()
  }

  /** The sink's `late` is called unless it says something else within so many milliseconds. */
  within(millis: number): void {
    this.at = this.deadlines.now() + millis
  }

  started(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.isOver) return
    this.at = Number.POSITIVE_INFINITY
    this.sink = this.receiver.started(status, headers, this)
  }

  data(piece: Uint8Array): void {
    if (!this.isOver) this.sink?.data(piece)
  }

  ended(): void {
    if (this.end()) this.sink?.ended(true)
  }

  failed(cause: unknown): void {
    if (this.end()) (this.sink ?? this.receiver).failed(cause)
  }

  late(): void {
    if (this.sink === null) this.stop(silence())
    else this.sink.late()
  }

  pause(): void {
    this.dispatched?.pause()
  }

  resume(): void {
    if (!this.isOver) this.dispatched?.resume()
  }

  /** No one waits for the answer any more. */
  abort(): void {
    if (this.end()) this.dispatched?.abort()
  }

  /** No more is read of it, and this is why. */
  stop(cause: unknown): void {
    if (!this.end()) return
    this.dispatched?.abort()
    ;(this.sink ?? this.receiver).failed(cause)
  }

  /** No more is read of it: what came is enough. */
  cut(): void {
    if (!this.end()) return
    this.dispatched?.abort()
    this.sink?.ended(false)
  }

  /** Whether it ends now, and had not ended before. */
  private end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.deadlines.unwatch(this)
    this.sink?.closed()
    return true
  }
}
