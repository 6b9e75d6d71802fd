/*
 * SQLite's tokenizer finds words by what stands between them. Scripts written without spaces have nothing there, so
 * their texts are cut here, and the pieces are indexed in the text's place: every search, from any program,
 * needs nothing more than MATCH.
 */

/** Thai, Lao, Burmese, Khmer, kana and Chinese characters, by their blocks: a test that every message can afford. */
const unspaced =
  /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\ud840-\ud88f]/

/** Runs in which any few characters may be a word. */
const ideographs =
  /[\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\u{20000}-\u{323af}]+/gu

/** Scripts whose vowel signs the tokenizer takes for gaps, so that a word becomes a phrase of its pieces. */
const syllables = /^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+$/

/**
 * Vowel signs of Hebrew and Arabic, which few people write and no one searches, and the bar that stretches a word. The
 * tokenizer takes the signs for gaps, and the bar for a letter.
 */
const signs = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670]/g

/** Longest run of characters that is indexed in all its parts. */
const longestGram = 4

/** Most words that are indexed together, for searches that write them as one. */
const longestPhrase = 4

/** Longest word of Thai, Lao, Khmer or Burmese, in letters, that is indexed in all its parts: compounds hold words. */
const longestCompound = 16

/** A character that no one writes or searches, which the tokenizer keeps: no phrase reaches across it. */
const barrier = "\ue000"

const segmenter = new Intl.Segmenter("en", { granularity: "word" })
const letters = new Intl.Segmenter("en", { granularity: "grapheme" })

/** All parts of 1 to 4 characters. */
const grams = (run: string, found: Set<string>): void => {
  const characters = [...run]
  for (let start = 0; start < characters.length; start += 1) {
    let gram = ""
    for (const character of characters.slice(start, start + longestGram)) {
      gram += character
      found.add(gram)
    }
  }
}

/** All parts of a word that begin and end between letters and have at least two of them. */
const parts = (word: string, found: Set<string>): void => {
  const clusters = Array.from(letters.segment(word), ({ segment }) => segment)
  if (clusters.length > longestCompound) return
  for (let start = 0; start < clusters.length; start += 1) {
    for (let end = start + 2; end <= clusters.length; end += 1) {
      if (end - start < clusters.length) found.add(clusters.slice(start, end).join(""))
    }
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

/** Its words in order, then the parts of runs and words that may be words themselves. */
const cut = (text: string): string => {
  const words: Array<string> = []
  const extra = new Set<string>()
  let touching: Array<string> = []
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    const isSyllables = isWordLike === true && syllables.test(segment)
    if (isWordLike === true) words.push(segment)
    if (isSyllables) {
      parts(segment, extra)
      touching.push(segment)
    } else {
      phrases(touching, extra)
      touching = []
    }
  }
  phrases(touching, extra)
  for (const [run] of text.matchAll(ideographs)) grams(run, extra)
  const joined = words.join(" ")
  return extra.size === 0 ? joined : `${joined} ${barrier} ${[...extra].join(` ${barrier} `)}`
}

/**
 * What is indexed of a text in place of itself: the words of scripts without spaces, and those with vowel signs once
 * more without. Null: the text's own spaces separate its words well enough.
 */
export const searchWords = (text: string): string | null => {
  const words = unspaced.test(text) ? cut(text) : null
  const plain = text.replace(signs, "")
  return plain === text ? words : `${words ?? text} ${barrier} ${plain}`
}
