/**
 * Random numbers that depend on nothing but their arguments: the same seed gives the same world on every machine, and
 * any conversation can be made again on its own, without making the ones before it.
 */

/** Mixes two 32-bit numbers into one that looks random. With either one fixed, no two of the other give the same. */
export const mix = (a: number, b: number): number => {
  let h = Math.imul(a ^ Math.imul((b + 0x9e3779b9) | 0, 0x85ebca6b), 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** A text as a 32-bit number. */
export const hashText = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h, text.length)
}

/** From 0 up to, and without, 1. */
export const unit = (hash: number): number => hash / 4_294_967_296

/** One of a list that is not empty. */
export const pick = <A>(list: ReadonlyArray<A>, hash: number): A => list[hash % list.length] as A

/** A sequence: each call of `next` gives another 32-bit number. */
export interface Random {
  readonly next: () => number
  /** From 0 up to, and without, 1. */
  readonly unit: () => number
  /** A whole number from 0 up to, and without, `bound`. */
  readonly below: (bound: number) => number
}

export const makeRandom = (seed: number): Random => {
  let position = 0
  const next = () => mix(seed, position++)
  return { next, unit: () => unit(next()), below: (bound) => Math.floor(unit(next()) * bound) }
}

const bytes = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"))

const eightDigits = (value: number): string =>
  (bytes[value >>> 24] as string) +
  (bytes[(value >>> 16) & 255] as string) +
  (bytes[(value >>> 8) & 255] as string) +
  (bytes[value & 255] as string)

/** `digits` lower-case hexadecimal digits. */
export const hex = (seed: number, digits: number): string => {
  let text = ""
  for (let part = 0; text.length < digits; part++) text += eightDigits(mix(seed, part))
  return text.length === digits ? text : text.slice(0, digits)
}

/** A version 4 UUID. Two pairs of arguments that differ never give the same one. */
export const uuid = (a: number, b: number): string => {
  const second = eightDigits(mix(a, 1))
  const third = eightDigits((mix(b, 2) & 0x3fffffff) | 0x80000000)
  return `${eightDigits(mix(a, 0))}-${second.slice(0, 4)}-4${second.slice(5)}-${third.slice(0, 4)}-${third.slice(4)}${eightDigits(mix(b, 3))}`
}
