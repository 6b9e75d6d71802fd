/** Edits that turn one word into the other: a letter more, less, another one, or two neighbours swapped. */
const distance = (a: string, b: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1]
      let best = Math.min(
        (above?.[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above?.[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1)
      }
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, "")

/** The word that was most likely meant: `api_key` → `apiKey`, `tokn` → `token`; null where none is near. */
export const nearest = (word: string, candidates: Iterable<string>): string | null => {
  const wanted = plain(word)
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1
  let bestLength = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const name = plain(candidate)
    // The start of a long name counts as near: `time` for `timeZone`.
    const edits = wanted.length >= 3 && name.startsWith(wanted) ? 1 : distance(wanted, name)
    if (edits < bestDistance || (edits === bestDistance && best !== null && name.length < bestLength)) {
      best = candidate
      bestDistance = edits
      bestLength = name.length
    }
  }
  return best
}

/** `; did you mean "token"?`, or what there is to choose from. */
export const suggestion = (word: string, candidates: ReadonlyArray<string>): string => {
  const near = nearest(word, candidates)
  return near === null ? `; known here: ${candidates.join(", ")}` : `; did you mean "${near}"?`
}
