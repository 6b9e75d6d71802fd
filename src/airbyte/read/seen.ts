import { hash, randomBytes } from "node:crypto"

/*
 * A set of hashes that is small enough for a connector's state: sorted, and each written as its distance from the one
 * before (Golomb-Rice codes). A large one takes 13.6 bits an entry, and wrongly finds one text in 4,096 that it does not
 * hold; a small one has room for 25.6 bits, and finds one in 16 million.
 */

/** Distances are 2 to the power of this on average, so that a chance hit is one in so many. */
const narrow = 12
const wide = 24

/** Entries of the largest set that is written with wide distances: 86 KB. */
const mostWide = 20_000

/** A set as it is written. */
export interface WrittenSet {
  /** Begins every text that is hashed: another seed errs on other texts. */
  readonly seed: string
  readonly size: number
  /** Bits of its distances; left out: 12. */
  readonly width?: number | undefined
  /** Base64. */
  readonly bits: string
}

const hashBytes = 6

/** Of a text, a number below 1. */
const fraction = (seed: string, text: string): number =>
  hash("sha256", `${seed}\n${text}`, "buffer").readUIntBE(0, hashBytes) / 2 ** (8 * hashBytes)

const encode = (sorted: Float64Array, width: number): string => {
  const spread = 2 ** width
  const bytes = Buffer.alloc(Math.ceil((sorted.length * (width + 1) + (sorted.at(-1) ?? 0) / spread) / 8) + 1)
  let at = 0
  const put = (bit: number): void => {
    if (bit === 1) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7))
    at += 1
  }
  let before = 0
  for (const value of sorted) {
    const distance = value - before
    before = value
    for (let quotient = Math.floor(distance / spread); quotient > 0; quotient -= 1) put(1)
    put(0)
    for (let bit = width - 1; bit >= 0; bit -= 1) put((distance >> bit) & 1)
  }
  return bytes.subarray(0, (at + 7) >> 3).toString("base64")
}

/** The numbers again; null: the text is not one that `encode` wrote. */
const decode = (bits: string, size: number, width: number): Float64Array | null => {
  if (width !== narrow && width !== wide) return null
  const spread = 2 ** width
  const bytes = Buffer.from(bits, "base64")
  if (!Number.isSafeInteger(size) || size < 0 || size > bytes.length * 8) return null
  const values = new Float64Array(size)
  let at = 0
  let before = 0
  const take = (): number => {
    const bit = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1
    at += 1
    return bit
  }
  for (let index = 0; index < size; index += 1) {
    let distance = 0
    while (at < bytes.length * 8 && take() === 1) distance += spread
    let rest = 0
    for (let bit = 0; bit < width; bit += 1) rest = rest * 2 + take()
    before += distance + rest
    values[index] = before
  }
  return at <= bytes.length * 8 ? values : null
}

/** Whether a sorted list has a number. */
const includes = (sorted: Float64Array, wanted: number): boolean => {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const value = sorted[middle] ?? 0
    if (value === wanted) return true
    if (value < wanted) from = middle + 1
    else to = middle
  }
  return false
}

export interface ReadSet {
  readonly has: (text: string) => boolean
}

/** A set to be asked; null: it is not one that was written here. */
export const readSet = ({ bits, seed, size, width = narrow }: WrittenSet): ReadSet | null => {
  const values = decode(bits, size, width)
  if (values === null) return null
  return { has: (text) => includes(values, Math.floor(fraction(seed, text) * size * 2 ** width)) }
}

/** A set that grows, up to as many entries as can be written. */
export class GrowingSet {
  readonly #seed = randomBytes(9).toString("base64")
  readonly #fractions = new Set<number>()
  readonly #most: number
  #isFull = false
  #written: WrittenSet | null = null

  /** @param most entries; beyond them the set gives up, and is empty for ever */
  constructor(most: number) {
    this.#most = most
  }

  /** More was added than it may hold. */
  get isFull(): boolean {
    return this.#isFull
  }

  has(text: string): boolean {
    return this.#fractions.has(fraction(this.#seed, text))
  }

  add(text: string): void {
    if (this.#isFull) return
    this.#fractions.add(fraction(this.#seed, text))
    this.#written = null
    if (this.#fractions.size <= this.#most) return
    this.#isFull = true
    this.#fractions.clear()
  }

  /** As it is now; null: it is empty. */
  write(): WrittenSet | null {
    const { size } = this.#fractions
    if (size === 0) return null
    if (this.#written === null) {
      const width = size > mostWide ? narrow : wide
      const values = Float64Array.from(this.#fractions, (one) => Math.floor(one * size * 2 ** width)).sort()
      this.#written = { seed: this.#seed, size, width, bits: encode(values, width) }
    }
    return this.#written
  }
}
