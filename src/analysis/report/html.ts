const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** Text as HTML, in elements and in quoted attributes. Control characters, which HTML cannot hold, are left out. */
export const safeText = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "")
    .replace(/[&<>"']/g, (character) => entities[character] ?? "")

export interface Series {
  readonly name: string
  /** Which of the page's colours: `c1` to `c6`, or a status. */
  readonly color: string
}

/** What the colours of a plot stand for. */
export const legend = (series: ReadonlyArray<Series>): string =>
  series.length < 2
    ? ""
    : `<ul class="legend">${series
        .map(({ color, name }) => `<li><span class="swatch ${color}"></span>${safeText(name)}</li>`)
        .join("")}</ul>`

interface Table {
  readonly caption: string
  readonly head: ReadonlyArray<string>
  /** The first cell of a row names it; numbers are set right. */
  readonly rows: ReadonlyArray<ReadonlyArray<string | number>>
}

/** A number, also as a share or with a unit: `12%`, `3 min`. */
const isNumeric = (value: string | number): boolean =>
  typeof value === "number" || /^[\d.,]+(%| [a-z]+)?$/.test(value)

const cell = (value: string | number, right: boolean): string => {
  const shown = typeof value === "number" ? value.toLocaleString("en") : safeText(value)
  return right ? `<td class="n">${shown}</td>` : `<td>${shown}</td>`
}

export const table = ({ caption, head, rows }: Table): string => {
  const right = head.map((_, index) => index > 0 && rows.every((row) => isNumeric(row[index] ?? "")))
  const names = head.map(
    (name, index) => `<th scope="col"${right[index] ? ' class="n"' : ""}>${safeText(name)}</th>`
  )
  const lines = rows.map(
    ([name = "", ...values]) =>
      `<tr><th scope="row">${safeText(String(name))}</th>${values.map((value, index) => cell(value, right[index + 1] ?? false)).join("")}</tr>`
  )
  return `<table><caption>${safeText(caption)}</caption><thead><tr>${names.join("")}</tr></thead><tbody>${lines.join("")}</tbody></table>`
}

export interface Figure {
  readonly title: string
  /** What to see in it, in a sentence or two. */
  readonly note: string
  readonly series?: ReadonlyArray<Series>
  /** Draws the plot for a page of this width, in CSS pixels. */
  readonly plot: (width: number) => string
  readonly table: Table
  /** Across the whole page. */
  readonly wide?: boolean
}

const wideWidth = 1_000
const halfWidth = 480
const narrowWidth = 360

/** A plot with its words, drawn for wide and narrow windows, and its numbers behind it. */
export const figure = ({ note, plot, series = [], table: numbers, title, wide = false }: Figure): string =>
  `<figure class="card${wide ? " wide" : ""}"><figcaption><h3>${safeText(title)}</h3><p>${safeText(note)}</p></figcaption>
${legend(series)}
<div class="plot roomy">${plot(wide ? wideWidth : halfWidth)}</div>
<div class="plot tight">${plot(narrowWidth)}</div>
<details><summary>Numbers: ${safeText(title)}</summary><div class="scroll" tabindex="0" role="region" aria-label="${safeText(numbers.caption)}">${table(numbers)}</div></details></figure>`
