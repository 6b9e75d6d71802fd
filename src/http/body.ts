import { gunzip } from "node:zlib"
import { Effect } from "effect"

/** Bodies are recognised by their first bytes, because some platforms unpack and keep the header. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** Off the main thread. */
const unpack = (bytes: Uint8Array): Effect.Effect<Uint8Array, Error> =>
  Effect.async((resume) => {
    gunzip(bytes, (error, unpacked) => resume(error === null ? Effect.succeed(unpacked) : Effect.fail(error)))
  })

export interface Body {
  readonly text: string
  /** Uncompressed. */
  readonly bytes: number
}

/** UTF-8 without a byte order mark. */
const decode = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** At once, but for a compressed body, which fails where it is not whole. */
export const readBody = (raw: Uint8Array): Body | Effect.Effect<Body, Error> =>
  isGzip(raw)
    ? Effect.map(unpack(raw), (bytes) => ({ text: decode(bytes), bytes: bytes.byteLength }))
    : { text: decode(raw), bytes: raw.byteLength }

/** Whether fewer bytes came than the header promised. A compressed body's length says nothing here. */
export const isShort = (headers: Readonly<Record<string, string | undefined>>, bytes: number): boolean => {
  const promised = headers["content-length"]
  return promised !== undefined && headers["content-encoding"] === undefined && bytes < Number(promised)
}
