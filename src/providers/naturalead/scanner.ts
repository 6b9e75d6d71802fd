/*
 * Reading over JSON byte by byte, without looking at what it says.
 */

export const quote = 0x22
const backslash = 0x5c
export const comma = 0x2c
export const colon = 0x3a
export const openBracket = 0x5b
export const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d

export const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** A value goes on in the next piece. */
export const unfinished = -1

/**
 * Reads over one JSON value by its brackets and quotes.
 * `scan` gives the index behind the value's last byte, or `unfinished` where it goes on in the next piece.
 */
export const makeScanner = () => {
  let depth = 0
  let inText = false
  let escaped = false
  let scalar = false

  const begin = (first: number): void => {
    depth = first === openBrace || first === openBracket ? 1 : 0
    inText = first === quote
    escaped = false
    scalar = depth === 0 && !inText
  }

  const scanScalar = (piece: Uint8Array, from: number): number => {
    for (let i = from; i < piece.length; i++) {
      const byte = piece[i] as number
      if (byte === comma || byte === closeBracket || byte === closeBrace || isSpace(byte)) return i
    }
    return unfinished
  }

  /** The index behind the closing quote, or `unfinished`. */
  const scanText = (piece: Uint8Array, from: number): number => {
    let i = from
    if (escaped && i < piece.length) {
      escaped = false
      i++
    }
    while (i < piece.length) {
      const byte = piece[i++]
      if (byte === quote) {
        inText = false
        return i
      }
      if (byte === backslash) {
        if (i === piece.length) escaped = true
        i++
      }
    }
    return unfinished
  }

  const scan = (piece: Uint8Array, from: number): number => {
    if (scalar) return scanScalar(piece, from)
    let i = from
    for (;;) {
      if (inText) {
        i = scanText(piece, i)
        if (i === unfinished) return unfinished
        if (depth === 0) return i
      }
      while (i < piece.length) {
        const byte = piece[i++]
        if (byte === quote) {
          inText = true
          break
        }
        if (byte === openBrace || byte === openBracket) depth++
        else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) return i
      }
      if (i >= piece.length && !inText) return unfinished
    }
  }

  return { begin, scan }
}
