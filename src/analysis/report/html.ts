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

export interface Table {
  readonly caption: string
  readonly head: ReadonlyArray<string>
  /** The first cell of a row names it; numbers are set right. */
  readonly rows: ReadonlyArray<ReadonlyArray<string | number>>
}

const cell = (value: string | number): string =>
  typeof value === "number"
    ? `<td class="n">${value.toLocaleString("en")}</td>`
    : `<td>${safeText(value)}</td>`

export const table = ({ caption, head, rows }: Table): string =>
  `<table><caption>${safeText(caption)}</caption><thead><tr>${head
    .map((name) => `<th scope="col">${safeText(name)}</th>`)
    .join("")}</tr></thead><tbody>${rows
    .map(
      ([name = "", ...values]) =>
        `<tr><th scope="row">${safeText(String(name))}</th>${values.map(cell).join("")}</tr>`
    )
    .join("")}</tbody></table>`

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
<details><summary>Numbers: ${safeText(title)}</summary><div class="scroll">${table(numbers)}</div></details></figure>`
