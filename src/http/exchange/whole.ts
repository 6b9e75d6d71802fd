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
import type { Connection, Sink } from "./connection.ts"

/** How long (milliseconds) a whole body may take. */
export interface Patience {
  /** Between two looks at what came. */
  readonly progress: number
  readonly inAll: number
}

const usualPatience: Patience = { progress: progressMillis, inAll: wholeMillis }

export const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** What becomes of a body. `isWhole` false: it is that of a refusal which was longer than is read. */
interface WholeHandler {
  readonly ended: (body: Buffer, isWhole: boolean) => void
  readonly failed: (cause: unknown) => void
}

/** Bytes that all bodies hold which are being received whole. */
let together = 0

/** Collects one body, as far as its bounds allow. */
export class WholeBody implements Sink {
  private readonly connection: Connection
  private readonly isRefusal: boolean
  private readonly bounds: Bounds
  private readonly handler: WholeHandler
  private readonly patience: Patience
  private readonly pieces: Array<Uint8Array> = []
  private bytes = 0
  private seen = 0
  private waited = 0

  constructor(
    connection: Connection,
    status: number,
    bounds: Bounds,
    handler: WholeHandler,
    patience: Patience = usualPatience
  ) {
    this.connection = connection
    this.isRefusal = !isSuccess(status)
    this.bounds = bounds
    this.handler = handler
    this.patience = patience
    connection.within(patience.progress)
  }

  data(piece: Uint8Array): void {
    this.bytes += piece.byteLength
    together += piece.byteLength
    this.pieces.push(piece)
    if (this.isRefusal) {
      if (this.bytes >= refusalBytes) this.connection.cut()
      return
    }
    const { whole } = this.bounds
    // Many answers at once that are large each are too much as well; those that are small are not to blame.
    const isCrowded = together > togetherBytes && this.bytes > refusalBytes
    if (this.bytes > whole || isCrowded)
      this.connection.stop(new AnswerTooLarge(isCrowded ? this.bytes : whole))
  }

  ended(isWhole: boolean): void {
    const [first] = this.pieces
    const body =
      this.pieces.length === 1 && first !== undefined
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.pieces)
    this.handler.ended(body, isWhole)
  }

  failed(cause: unknown): void {
    this.handler.failed(cause)
  }

  /** A body that brings next to nothing is given up, and so is one that takes too long in all. */
  late(): void {
    const { inAll, progress } = this.patience
    this.waited += progress
    if (this.bytes - this.seen < leastProgress || this.waited >= inAll) {
      this.connection.stop(new AnswerTooSlow(`${this.bytes} bytes in ${Math.round(this.waited / 1000)} s`))
      return
    }
    this.seen = this.bytes
    this.connection.within(Math.min(progress, inAll - this.waited))
  }

  closed(): void {
    together -= this.bytes
  }
}
