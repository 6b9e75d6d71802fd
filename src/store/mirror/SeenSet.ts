/** Rows in one block of the set. */
const blockRows = 8192
const blockBytes = blockRows / 8

/**
 * The conversations that a scan has met, one bit each, by `remote_conversations.key`. Each commit saves the blocks it
 * changed beside the scan's cursor, so that a scan that is taken up after a crash still knows what the first part met.
 */
export class SeenSet {
  private readonly blocks = new Map<number, Uint8Array>()
  private readonly changed = new Set<number>()
  /** Whether what an earlier process saved of the same scan is in here. */
  restored = false

  add(key: number): void {
    const number = Math.floor(key / blockRows)
    let block = this.blocks.get(number)
    if (block === undefined) {
      block = new Uint8Array(blockBytes)
      this.blocks.set(number, block)
    }
    const bit = key % blockRows
    const byte = bit >> 3
    const before = block[byte] ?? 0
    const after = before | (1 << (bit & 7))
    if (after === before) return
    block[byte] = after
    this.changed.add(number)
  }

  has(key: number): boolean {
    const bit = key % blockRows
    const byte = this.blocks.get(Math.floor(key / blockRows))?.[bit >> 3] ?? 0
    return (byte & (1 << (bit & 7))) !== 0
  }

  get size(): number {
    let rows = 0
    for (const block of this.blocks.values()) {
      for (const byte of block) for (let bits = byte; bits !== 0; bits &= bits - 1) rows += 1
    }
    return rows
  }

  /** Joins what was saved into the set. */
  restore(number: number, saved: Uint8Array): void {
    const block = this.blocks.get(number) ?? new Uint8Array(blockBytes)
    for (let byte = 0; byte < blockBytes; byte += 1) block[byte] = (block[byte] ?? 0) | (saved[byte] ?? 0)
    this.blocks.set(number, block)
  }

  /** The blocks changed since `saved` was last called. */
  unsaved(): ReadonlyArray<readonly [number: number, block: Uint8Array]> {
    const blocks: Array<readonly [number, Uint8Array]> = []
    for (const number of this.changed) {
      const block = this.blocks.get(number)
      if (block !== undefined) blocks.push([number, block])
    }
    return blocks
  }

  /** To be called once `unsaved` is safely stored. */
  saved(): void {
    this.changed.clear()
  }
}
