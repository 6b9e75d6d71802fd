import { gunzip } from "node:zlib"

/** Bodies are recognised by their first bytes, because some platforms unpack and keep the header. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

export interface Body {
  readonly text: string
  /** Uncompressed. */
  readonly bytes: number
}

/** UTF-8 without a byte order mark. */
const decode = (bytes: Buffer): Body => {
  const text = bytes.toString("utf8")
  return { text: text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, bytes: bytes.byteLength }
}

/** Calls back at once; of a compressed body once it is unpacked, with an error where it is not whole. */
export const readBody = (raw: Buffer, done: (body: Body | Error) => void): void => {
  if (isGzip(raw)) gunzip(raw, (error, bytes) => done(error ?? decode(bytes)))
  else done(decode(raw))
}

/** Whether fewer bytes came than the header promised. A compressed body's length says nothing here. */
export const isShort = (headers: Readonly<Record<string, string | undefined>>, bytes: number): boolean => {
  const promised = headers["content-length"]
  return promised !== undefined && headers["content-encoding"] === undefined && bytes < Number(promised)
}
