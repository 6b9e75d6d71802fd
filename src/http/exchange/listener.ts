import type { Dispatcher } from "@effect/platform-node/Undici"
import {
  AnswerTooLarge,
  AnswerTooSlow,
  type Bounds,
  leastProgress,
  progressMillis,
  refusalBytes,
  togetherBytes,
  wholeMillis
} from "./bounds.ts"

/** How long (milliseconds) the parts of an answer may take. */
export interface Patience {
  /** From sending to the headers, whatever is announced meanwhile (1xx). */
  readonly headers: number
  /** Between two looks at what came of a whole body. */
  readonly progress: number
  /** A whole body in all. */
  readonly whole: number
}

export const patienceFor = (headers: number): Patience => ({
  headers,
  progress: progressMillis,
  whole: wholeMillis
})

/** Undici keeps this time itself and looks once a second; this one is for what restarts its clock. */
const grace = 2000

export type UndiciHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

export const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** undici's handler for one answer, until it is aborted. No callback fires twice, and none after an end. */
export abstract class Listener implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | null = null
  private timer: NodeJS.Timeout
  private isOver = false

  constructor({ headers }: Patience) {
    this.timer = setTimeout(() => this.stop(this.silence()), headers + grace)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.isOver) controller.abort(new Error("nothing waits for it any more"))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UndiciHeaders): void {
    // 103 and its like announce the answer.
    if (status < 200 || this.isOver) return
    clearTimeout(this.timer)
    this.started(controller, status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (!this.isOver) this.came(piece)
  }

  onResponseEnd(): void {
    if (this.end()) this.ended(true)
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.end()) this.failed(cause)
  }

  /** It could not even be sent. */
  refuse(cause: Error): void {
    if (this.end()) this.failed(cause)
  }

  /** Nobody waits for the answer any more. */
  abort(): void {
    if (this.end()) this.controller?.abort(new Error("nothing waits for it any more"))
  }

  protected abstract started(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: UndiciHeaders
  ): void
  protected abstract came(piece: Buffer): void
  /** @param isWhole false: it was cut on purpose */
  protected abstract ended(isWhole: boolean): void
  protected abstract failed(cause: Error): void

  /** No more is read of it, and this is why. */
  protected stop(cause: Error): void {
    if (!this.end()) return
    this.controller?.abort(cause)
    this.failed(cause)
  }

  /** No more is read of it: what came is enough. */
  protected cut(): void {
    if (!this.end()) return
    this.controller?.abort(new Error("enough of it came"))
    this.ended(false)
  }

  protected later(millis: number, look: () => void): void {
    this.timer = setTimeout(look, millis)
  }

  /** Whether it ends now, and had not ended before. */
  protected end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    clearTimeout(this.timer)
    return true
  }

  private silence(): Error {
    return Object.assign(new Error("no headers came"), { code: "UND_ERR_HEADERS_TIMEOUT" })
  }
}

/** A request's answer, as it comes: `started`, then one of the others, or only `failed`. */
export interface ResponseHandler {
  /** Names in lower case. */
  readonly started: (status: number, headers: Readonly<Record<string, string>>) => void
  /** @param isWhole false: it is an answer of a refusal that was longer than is read */
  readonly ended: (body: Buffer, isWhole: boolean) => void
  readonly failed: (cause: Error) => void
}

export const plainHeaders = (headers: UndiciHeaders): Readonly<Record<string, string>> => {
  const plain: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) plain[name] = typeof value === "string" ? value : value.join(", ")
  }
  return plain
}

/** Takes one whole answer from undici. */
export class WholeListener extends Listener {
  /** Bytes that all of them hold. */
  private static together = 0
  private readonly handler: ResponseHandler
  private readonly patience: Patience
  private readonly bounds: Bounds
  private readonly pieces: Array<Buffer> = []
  private bytes = 0
  private seen = 0
  private waited = 0
  private isRefusal = false

  constructor(handler: ResponseHandler, patience: Patience, bounds: Bounds) {
    super(patience)
    this.handler = handler
    this.patience = patience
    this.bounds = bounds
  }

  protected started(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: UndiciHeaders
  ): void {
    this.isRefusal = !isSuccess(status)
    this.later(this.patience.progress, () => this.look())
    this.handler.started(status, plainHeaders(headers))
  }

  protected came(piece: Buffer): void {
    this.bytes += piece.byteLength
    WholeListener.together += piece.byteLength
    this.pieces.push(piece)
    if (this.isRefusal) {
      if (this.bytes >= refusalBytes) this.cut()
      return
    }
    const { whole } = this.bounds
    // Many answers at once that are large each are too much as well; those that are small are not to blame.
    const isCrowded = WholeListener.together > togetherBytes && this.bytes > refusalBytes
    if (this.bytes > whole || isCrowded) this.stop(new AnswerTooLarge(isCrowded ? this.bytes : whole))
  }

  protected ended(isWhole: boolean): void {
    const [first = Buffer.alloc(0), ...more] = this.pieces
    this.handler.ended(more.length === 0 ? first : Buffer.concat(this.pieces), isWhole)
  }

  protected failed(cause: Error): void {
    this.handler.failed(cause)
  }

  protected override end(): boolean {
    const ends = super.end()
    if (ends) WholeListener.together -= this.bytes
    return ends
  }

  /** A body that brings next to nothing is given up, and so is one that takes too long in all. */
  private look(): void {
    const { progress, whole } = this.patience
    this.waited += progress
    if (this.bytes - this.seen < leastProgress || this.waited >= whole) {
      this.stop(new AnswerTooSlow(`${this.bytes} bytes in ${Math.round(this.waited / 1000)} s`))
      return
    }
    this.seen = this.bytes
    this.later(Math.min(progress, whole - this.waited), () => this.look())
  }
}
