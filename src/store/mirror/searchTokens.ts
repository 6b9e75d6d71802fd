import { type Atom, atomsOf } from "../../domain/searchText.ts"

/*
 * What the full-text index holds of a message. SQLite's tokenizer finds words by what stands between them, and folds Latin
 * letters alone. Where that is not enough, texts are indexed with more: their words as they are compared, in order, and
 * their runs (of scripts without spaces) as characters, in order, so that what `searchQuery` asks for is found. Words
 * that such scripts may have are there by themselves as well, for everyone who asks with MATCH alone.
 */

/** Thai, Lao, Burmese and Khmer, whose letters stand together as syllables. */
const syllables = /^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+$/

/** Longest run of characters that is indexed in all its parts. */
const longestGram = 4

/** Most words that are indexed together, for searches that write them as one. */
const longestPhrase = 4

/** Longest word of Thai, Lao, Khmer or Burmese, in letters, that is indexed in all its parts: compounds hold words. */
const longestCompound = 16

/** A character that no one writes or searches, which the tokenizer keeps: no phrase reaches across it. */
const barrier = "\ue000"

const segmenter = new Intl.Segmenter("en", { granularity: "word" })

/** All parts of a run, of 2 to 4 characters. */
const grams = (run: ReadonlyArray<string>, found: Set<string>): void => {
  for (let start = 0; start < run.length; start += 1) {
    for (let end = start + 2; end <= Math.min(run.length, start + longestGram); end += 1) {
      found.add(run.slice(start, end).join(""))
    }
  }
}

/** Its beginnings of two characters or more: a Korean word carries its endings with it. */
const beginnings = (run: ReadonlyArray<string>, found: Set<string>): void => {
  for (let end = 2; end < run.length; end += 1) found.add(run.slice(0, end).join(""))
}

/** All parts of a word that have at least two letters. */
const parts = (word: ReadonlyArray<string>, found: Set<string>): void => {
  if (word.length > longestCompound) return
  for (let start = 0; start < word.length; start += 1) {
    for (let end = start + 2; end <= word.length; end += 1) found.add(word.slice(start, end).join(""))
  }
}

/** All neighbours that touch, joined. */
const phrases = (words: ReadonlyArray<string>, found: Set<string>): void => {
  for (let start = 0; start < words.length; start += 1) {
    for (let end = start + 2; end <= Math.min(words.length, start + longestPhrase); end += 1) {
      found.add(words.slice(start, end).join(""))
    }
  }
}

const mixed = /\p{Nd}.*[^\p{Nd}]|[^\p{Nd}].*\p{Nd}/u

const hangul = /^\p{Script=Hangul}+$/u

/** The words that a run may have, for searches by MATCH alone. */
const wordsOfRun = (run: ReadonlyArray<string>, found: Set<string>): void => {
  const text = run.join("")
  if (hangul.test(text)) {
    found.add(text)
    beginnings(run, found)
    return
  }
  const words = Array.from(segmenter.segment(text), ({ segment }) => segment)
  for (const word of words) found.add(word)
  if (!syllables.test(text)) {
    grams(run, found)
    return
  }
  phrases(words, found)
  let at = 0
  for (const word of words) {
    const letters: Array<string> = []
    for (let length = 0; length < word.length && at < run.length; at += 1) {
      letters.push(run[at] ?? "")
      length += (run[at] ?? "").length
    }
    parts(letters, found)
  }
}

/** Letters that SQLite compares as they are, or as others than here. */
const unsure = /[\u01e0\u01e1\u017f\u1e9b\u037f\u0528-\u052f\u13a0-\u13ff\u1c89\u1c90-\u1cbf]/

/** What SQLite's tokenizer makes of a word. */
const inIndex = (word: string): string | null => {
  if (unsure.test(word)) return null
  return [...word.toLowerCase()]
    .map((letter) => {
      const base = letter.normalize("NFD").replace(/\p{Mn}+/gu, "")
      return /^[a-z]$/.test(base) ? base : letter
    })
    .join("")
}

/** Words in order, as they are compared; no phrase reaches across a run. */
const inOrder = (atoms: ReadonlyArray<Atom>): string =>
  atoms.map(({ isOfRun, text }) => (isOfRun ? barrier : text)).join(" ")

/** The runs of a text, each as its characters. */
const runsOf = (atoms: ReadonlyArray<Atom>): ReadonlyArray<ReadonlyArray<string>> => {
  const runs: Array<Array<string>> = []
  let piece = 0
  for (const atom of atoms) {
    if (!atom.isOfRun) continue
    if (atom.piece !== piece) runs.push([])
    piece = atom.piece
    runs.at(-1)?.push(atom.text)
  }
  return runs
}

/** Nothing in such a text is compared in another way than SQLite does. */
const plain = /^[\n\r\t -~¡-©«-±´¶-¸»¿À-ÅÇ-ÏÑ-ÖÙ-ÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿА-ЕЖ-яІіЇїЄєҐґ‐-‧‰-⁞€…«»]*$/u

/** Most texts. Asked first: the greater set of characters takes eight times as long. */
const ascii = /^[\n\r\t -~]*$/

/** What is indexed of a text in place of itself; null: its own letters and spaces are enough. */
export const searchWords = (text: string): string | null => {
  if (ascii.test(text) || plain.test(text)) return null
  const composed = text.normalize("NFC")
  const atoms = atomsOf(composed)
  const isFolded = atoms.some(
    ({ from, isOfRun, text: word, until }) => !isOfRun && inIndex(composed.slice(from, until)) !== word
  )
  const runs = runsOf(atoms)
  if (!isFolded && runs.length === 0) return composed === text ? null : composed
  const sections = [composed]
  // Beside a run the tokenizer takes a word for a part of it.
  if (isFolded || atoms.some(({ isOfRun }) => !isOfRun)) sections.push(inOrder(atoms))
  for (const run of runs) sections.push(run.join(" "))
  const found = new Set<string>()
  for (const run of runs) if (run.length > 1) wordsOfRun(run, found)
  // A number and what is counted are one word to some: วันที่ 14เต็ม.
  if (runs.length > 0 && atoms.some(({ isOfRun }) => !isOfRun)) {
    for (const { isWordLike, segment } of segmenter.segment(composed)) {
      if (isWordLike === true && mixed.test(segment)) found.add(segment)
    }
  }
  sections.push(...found)
  return sections.join(` ${barrier} `)
}
