/*
 * How a text is cut for searching: the same when it is stored and when it is asked for. Words are what stands between
 * spaces and signs. Scripts that put no spaces between words, and Korean, whose words carry endings, are cut into
 * characters: what is searched in them is found wherever it stands.
 */

/** What a search compares. */
export interface Atom {
  /** As it is compared: without case, accents and other ways of writing the same. */
  readonly text: string
  /** Whether it is a character of a run, rather than a word. */
  readonly isOfRun: boolean
  /** Atoms of one run have the same number; those of other runs and words have others. */
  readonly piece: number
  /** Where it stands in the text, in UTF-16 units. */
  readonly from: number
  readonly until: number
}

/** Written within words and not seen: joiners, marks of direction, soft hyphens. */
const unseen = /[\u00ad\u061c\u200b-\u200f\u2060\ufeff]|[\ufe0e\ufe0f]/g

/** What belongs to words. */
const segments = /[\p{L}\p{N}\p{M}\p{Co}\u00ad\u061c\u200b-\u200f\u2060\ufeff]+/gu

const runLetters =
  "\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Hangul}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}"

/** A run (a letter of such a script and what follows it), or anything else. Digits are no run. */
const pieces = new RegExp(
  `(?:(?!\\p{Nd})[${runLetters}])(?:(?!\\p{Nd})[${runLetters}\\p{M}\\u200b-\\u200d])*|(?:(?!(?!\\p{Nd})[${runLetters}]).)+`,
  "gsu"
)

const runLetter = new RegExp(`(?!\\p{Nd})[${runLetters}]`, "u")

const clusters = new Intl.Segmenter("en", { granularity: "grapheme" })

/** Letters that are written with two, or that no mark can be taken off. */
const letters: Readonly<Record<string, string>> = {
  ß: "ss",
  ſ: "s",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  þ: "th",
  ł: "l",
  ħ: "h",
  ŧ: "t",
  ı: "i",
  ĸ: "k",
  ŋ: "n",
  ς: "σ",
  // Arabic: forms of alif, ya and kaf that differ by habit and country.
  ٱ: "ا",
  ى: "ي",
  ی: "ي",
  ة: "ه",
  ک: "ك"
}
const special = new RegExp(`[${Object.keys(letters).join("")}]`, "gu")

/** Marks that few write and no one searches; vowel signs of Indic scripts are not among them. */
const marks =
  /(?<=[\p{Script=Latin}\p{Script=Greek}])\p{M}+|(?<=\p{Script=Cyrillic})[\u0300\u0301]+|(?<=[еЕ])\u0308|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]/gu

/** The article, before a word of three letters or more. */
const article = /^\u0627\u0644(?=\p{L}{3})/u

const digit = /(?![0-9])\p{Nd}/gu

/** Decimal digits of every script come in tens. */
const asciiDigit = (char: string): string => {
  const code = char.codePointAt(0) ?? 0
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1
  return String(value)
}

/** A word as it is compared. */
export const foldWord = (word: string): string => {
  const plain = word.replace(unseen, "")
  const lower = plain.normalize("NFKC").toLowerCase()
  if (/^[a-z0-9]*$/.test(lower)) return lower
  return lower
    .normalize("NFD")
    .replace(marks, "")
    .normalize("NFC")
    .replace(special, (letter) => letters[letter] ?? letter)
    .replace(digit, asciiDigit)
    .replace(/[\u0622\u0623\u0625]/g, "\u0627")
    .replace(/\u0624/g, "\u0648")
    .replace(/\u0626/g, "\u064a")
    .replace(plain.startsWith("\u0627") ? article : /(?!)/, "")
}

/** A character of a run as it is compared: full and half width are the same, vowel signs stay. */
const foldCluster = (cluster: string): string => {
  const plain = cluster.replace(unseen, "")
  return /[\uff00-\uffef\u3300-\u33ff\uf900-\ufaff]/.test(plain)
    ? plain.normalize("NFKC")
    : plain.normalize("NFC")
}

/** The parts of a text that are compared, in order. */
export const atomsOf = (text: string): ReadonlyArray<Atom> => {
  const atoms: Array<Atom> = []
  let piece = 0
  for (const { 0: segment, index: start } of text.matchAll(segments)) {
    // Most have no run in them.
    const parts = runLetter.test(segment) ? segment.matchAll(pieces) : [{ 0: segment, index: 0 }]
    for (const { 0: part, index } of parts) {
      const from = start + index
      piece += 1
      if (!runLetter.test(part)) {
        const folded = foldWord(part)
        if (/[\p{L}\p{N}]/u.test(folded)) {
          atoms.push({ text: folded, isOfRun: false, piece, from, until: from + part.length })
        }
        continue
      }
      for (const { index: at, segment: cluster } of clusters.segment(part)) {
        const folded = foldCluster(cluster)
        if (folded === "") continue
        const place = from + at
        atoms.push({ text: folded, isOfRun: true, piece, from: place, until: place + cluster.length })
      }
    }
  }
  return atoms
}

/** What is searched for: words that follow each other, and runs. Without atoms, the text itself (a sign, an emoji). */
export interface Term {
  readonly text: string
  readonly atoms: ReadonlyArray<Atom>
}

/** Plain words, and in double quotes words that follow each other. Nothing in them is an operator. */
export const termsOf = (words: string): ReadonlyArray<Term> =>
  [...words.matchAll(/["“”„]([^"“”„]*)["“”„]|[^\s"“”„]+/gu)].flatMap(([whole, quoted]) => {
    const text = (quoted ?? whole).trim()
    return text === "" ? [] : [{ text, atoms: atomsOf(text) }]
  })

const startsAt = (all: ReadonlyArray<Atom>, at: number, wanted: ReadonlyArray<Atom>): boolean =>
  wanted.every((atom, index) => {
    const found = all[at + index]
    if (found?.text !== atom.text || found.isOfRun !== atom.isOfRun) return false
    const before = wanted[index - 1]
    // Characters of one run stand side by side.
    return before === undefined || before.piece !== atom.piece || all[at + index - 1]?.piece === found.piece
  })

/** Where the term stands in the text, in UTF-16 units; empty: nowhere. */
export const findTerm = (
  text: string,
  atoms: ReadonlyArray<Atom>,
  term: Term
): ReadonlyArray<readonly [from: number, until: number]> => {
  const found: Array<readonly [number, number]> = []
  if (term.atoms.length === 0) {
    for (let at = text.indexOf(term.text); at >= 0; at = text.indexOf(term.text, at + term.text.length)) {
      found.push([at, at + term.text.length])
    }
    return found
  }
  const { length } = term.atoms
  for (let at = 0; at + length <= atoms.length; at += 1) {
    if (startsAt(atoms, at, term.atoms)) {
      found.push([atoms[at]?.from ?? 0, atoms[at + length - 1]?.until ?? 0])
      at += length - 1
    }
  }
  return found
}
