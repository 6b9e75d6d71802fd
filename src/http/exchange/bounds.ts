/*
 * How much of an answer is read, and how slowly it may come. A vendor that sends more, or next to nothing for ever, fails
 * alone: it takes neither the memory nor the time of the others.
 */

const mebibyte = 1 << 20

/** Bytes of an answer that is read whole, and of one element of a streamed list, unless the configuration says otherwise. */
export const defaultAnswerBytes = 64 * mebibyte

/** A streamed answer may be as large as so many whole ones: an account's history in one list. */
const streamFactor = 64

/** Bytes that are read of an answer that is no success: enough for any words, and for a page of a proxy. */
export const refusalBytes = mebibyte

/** Bytes of all answers that are being received whole by this process. */
export const togetherBytes = 512 * mebibyte

/** Bytes of an answer's headers. Proxies and cookies can add a lot to what Node reads by default (16 KiB). */
export const headerBytes = 64 * 1024

/** Bytes of an answer, as sent and unpacked. */
export interface Bounds {
  readonly whole: number
  readonly stream: number
}

export const boundsOf = (answerBytes: number): Bounds => ({
  whole: answerBytes,
  stream: streamFactor * answerBytes
})

/** Milliseconds in which a body must bring at least `leastProgress` bytes, unless it ends. */
export const progressMillis = 60_000
export const leastProgress = 16 * 1024

/** Milliseconds that a whole answer may take in all, and that a streamed one may let us wait. */
export const wholeMillis = 10 * 60_000
const streamMillis = 2 * 3_600_000

/** `64 MB`, in words of a person. */
export const sizeText = (bytes: number): string => {
  const units = ["bytes", "kB", "MB", "GB"]
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`
}

/** More came than is read of an answer. */
export class AnswerTooLarge extends Error {
  readonly code = "ANSWER_TOO_LARGE"

  /** @param limit bytes that are read at most */
  constructor(limit: number) {
    super(`more than ${sizeText(limit)}`)
  }
}

/** Next to nothing came for too long, or it took too long in all. */
export class AnswerTooSlow extends Error {
  readonly code = "ANSWER_TOO_SLOW"
}

/**
 * Whether a body comes too slowly. Only the time spent waiting for it counts: storing what came may take
 * long. `got`: in words, what came in which time; null: it is quick enough.
 */
export const makePace = (now: () => number) => {
  let askedAt = 0
  let inAll = 0
  let recent = 0
  let bytes = 0
  return {
    asks: (): void => {
      askedAt = now()
    },
    got: (size: number): string | null => {
      const waited = Math.max(0, now() - askedAt)
      inAll += waited
      recent += waited
      bytes += size
      if (inAll > streamMillis) return `${Math.round(inAll / 60_000)} minutes of waiting`
      if (recent > progressMillis && bytes < leastProgress)
        return `${bytes} bytes in ${Math.round(recent / 1000)} s`
      if (recent > progressMillis) {
        recent = 0
        bytes = 0
      }
      return null
    }
  }
}
