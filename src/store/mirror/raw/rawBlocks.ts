import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib"
import type { Session } from "../../Session.ts"

/*
 * Payloads lie in blocks: those of one commit together, compressed once. The rows of a block have its key and those that
 * follow it, so that they are found without an index.
 */

/** A block that is filled up to this many bytes is closed. */
const blockBytes = 1 << 20

/** Below this many bytes compressing saves less than it costs. */
const worthCompressing = 1000

const pack = (plain: Buffer): { readonly encoding: "json" | "brotli"; readonly bytes: Buffer } => {
  if (plain.length < worthCompressing) return { encoding: "json", bytes: plain }
  const bytes = brotliCompressSync(plain, {
    chunkSize: 65_536,
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 1,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length
    }
  })
  return bytes.length < plain.length ? { encoding: "brotli", bytes } : { encoding: "json", bytes: plain }
}

/** Where a payload lies, in bytes of its block as it was before it was compressed. */
export interface Place {
  readonly block: number
  readonly start: number
  readonly length: number
}

/** Unpacked blocks that are held while several payloads are read. */
const held = 4

/** Reads payloads. One for each batch of reads within one transaction, or within one call. */
export const makeBlockReader = ({ prepare }: Pick<Session, "prepare">) => {
  const find = prepare("SELECT encoding, content FROM raw_blocks WHERE key = ?")
  const unpacked = new Map<number, Buffer>()

  const unpack = (block: number): Buffer => {
    const before = unpacked.get(block)
    if (before !== undefined) return before
    const { content, encoding } = find.get(block) as { readonly encoding: string; readonly content: Buffer }
    const bytes = encoding === "brotli" ? brotliDecompressSync(content) : content
    if (unpacked.size === held) unpacked.delete(unpacked.keys().next().value ?? block)
    unpacked.set(block, bytes)
    return bytes
  }

  return ({ block, length, start }: Place): Buffer => unpack(block).subarray(start, start + length)
}

/** Fills blocks. One for each open database; `begin` and `end` frame a transaction. */
export const makeBlockWriter = (session: Pick<Session, "prepare">) => {
  const { prepare } = session
  const nextFree = prepare("SELECT key + rows FROM raw_blocks ORDER BY key DESC LIMIT 1").pluck()
  const insert = prepare(
    "INSERT INTO raw_blocks (key, encoding, rows, size, unused, content) VALUES (?, ?, ?, ?, ?, ?)"
  )
  const addUnused = prepare(
    "UPDATE raw_blocks SET unused = unused + ? WHERE key = ? RETURNING unused * 2 >= size"
  ).pluck()
  const rowsOf = prepare(
    `SELECT w.key, w.block, w.start, w.length FROM raw_blocks b
       JOIN raw_rows w ON w.key BETWEEN b.key AND b.key + b.rows - 1 AND w.block = b.key
     WHERE b.key = ? ORDER BY w.key`
  )
  const place = prepare("UPDATE raw_rows SET start = ? WHERE key = ?")
  const rewrite = prepare(
    "UPDATE raw_blocks SET encoding = ?, size = ?, unused = 0, content = ? WHERE key = ?"
  )
  const remove = prepare("DELETE FROM raw_blocks WHERE key = ?")

  let block = 0
  let nextKey = 0
  let parts: Array<Buffer> = []
  let size = 0
  let unused = 0
  const emptied = new Set<number>()

  const begin = (): void => {
    block = 0
    parts = []
    size = 0
    unused = 0
    emptied.clear()
  }

  const flush = (): void => {
    if (parts.length === 0) return
    const { bytes, encoding } = pack(Buffer.concat(parts))
    insert.run(block, encoding, nextKey - block, size, unused, bytes)
    if (unused * 2 >= size) emptied.add(block)
    block = 0
    parts = []
    size = 0
    unused = 0
  }

  /** Takes a payload; the row that is to be inserted at once has the key. */
  const add = (payload: Buffer): Place & { readonly key: number } => {
    if (size >= blockBytes) flush()
    if (block === 0) {
      block = Number(nextFree.get() ?? 1)
      nextKey = block
    }
    const added = { key: nextKey, block, start: size, length: payload.length }
    parts.push(payload)
    size += payload.length
    nextKey += 1
    return added
  }

  /** Notes that no row has the payload any more. */
  const drop = (place: Pick<Place, "block" | "length">): void => {
    if (place.block === block) unused += place.length
    else if (addUnused.get(place.length, place.block) === 1) emptied.add(place.block)
  }

  /** Makes a block anew, of what rows still have; one without rows goes. */
  const shrink = (key: number): void => {
    const rows = rowsOf.all(key) as ReadonlyArray<Place & { readonly key: number }>
    if (rows.length === 0) return void remove.run(key)
    const read = makeBlockReader(session)
    const payloads = rows.map((row) => read(row))
    let start = 0
    rows.forEach((row, index) => {
      place.run(start, row.key)
      start += payloads[index]?.length ?? 0
    })
    const { bytes, encoding } = pack(Buffer.concat(payloads))
    rewrite.run(encoding, start, bytes, key)
  }

  const end = (): void => {
    flush()
    for (const key of emptied) shrink(key)
    emptied.clear()
  }

  return { begin, add, drop, end, shrink } as const
}
