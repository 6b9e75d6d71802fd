import { constants, gunzip } from "node:zlib"
import { textOf } from "../answer/charset.ts"
import { AnswerTooLarge } from "./bounds.ts"

/** Bodies are recognised by their first bytes, because some platforms unpack and keep the header. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

interface Body {
  readonly text: string
  /** Uncompressed. */
  readonly bytes: number
}

/** A body as it came. */
export interface RawBody {
  readonly bytes: Buffer
  /** False: it was cut on purpose, at its bound. */
  readonly isWhole: boolean
}

const decode = (bytes: Buffer, contentType: string | undefined): Body => ({
  text: textOf(bytes, contentType),
  bytes: bytes.byteLength
})

/**
 * Calls back at once; of a compressed body once it is unpacked, with an error where it is not whole, or with
 * `AnswerTooLarge` where it unpacks to more than `limit` bytes.
 */
export const readBody = (
  { bytes, isWhole }: RawBody,
  contentType: string | undefined,
  limit: number,
  done: (body: Body | Error) => void
): void => {
  if (!isGzip(bytes)) {
    done(decode(bytes, contentType))
    return
  }
  const finishFlush = isWhole ? constants.Z_FINISH : constants.Z_SYNC_FLUSH
  gunzip(bytes, { maxOutputLength: limit, finishFlush }, (error, unpacked) => {
    if (error === null) return done(decode(unpacked, contentType))
    done("code" in error && error.code === "ERR_BUFFER_TOO_LARGE" ? new AnswerTooLarge(limit) : error)
  })
}

/** Whether fewer bytes came than the header promised. A compressed body's length says nothing here. */
export const isShort = (headers: Readonly<Record<string, string | undefined>>, bytes: number): boolean => {
  const promised = headers["content-length"]
  return promised !== undefined && headers["content-encoding"] === undefined && bytes < Number(promised)
}
