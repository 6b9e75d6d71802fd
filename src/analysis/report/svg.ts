import { safeText } from "./html.ts"

/** Room around what is drawn, in CSS pixels. */
export interface Margin {
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
}

/** A drawing with a name for those who do not see it. */
export const drawing = (width: number, height: number, label: string, content: string): string =>
  `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${safeText(label)}">${content}</svg>`

const fixed = (value: number): string => String(Math.round(value * 100) / 100)

interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** The page's classes: colours. */
  readonly look: string
  /** Shown under the pointer. */
  readonly title?: string
  readonly opacity?: number
  readonly radius?: number
}

const titled = (title: string | undefined): string =>
  title === undefined ? "" : `<title>${safeText(title)}</title>`

export const rect = ({ height, look, opacity, radius, title, width, x, y }: Rect): string =>
  `<rect class="${look}" x="${fixed(x)}" y="${fixed(y)}" width="${fixed(Math.max(0, width))}" height="${fixed(Math.max(0, height))}"${
    radius === undefined ? "" : ` rx="${fixed(radius)}"`
  }${opacity === undefined ? "" : ` fill-opacity="${fixed(opacity)}"`}>${titled(title)}</rect>`

/** A column that stands on a line: only its upper corners are round. */
export const column = ({ height, look, title, width, x, y }: Rect): string => {
  const radius = Math.min(3, width / 2, height)
  const path = `M${fixed(x)},${fixed(y + height)}V${fixed(y + radius)}q0,${-radius} ${radius},${-radius}H${fixed(
    x + width - radius
  )}q${radius},0 ${radius},${radius}V${fixed(y + height)}Z`
  return `<path class="${look}" d="${path}">${titled(title)}</path>`
}

export const line = (x1: number, y1: number, x2: number, y2: number, look: string): string =>
  `<line class="${look}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`

export const dot = (x: number, y: number, radius: number, look: string, title?: string): string =>
  `<circle class="${look}" cx="${fixed(x)}" cy="${fixed(y)}" r="${radius}">${titled(title)}</circle>`

type Anchor = "start" | "middle" | "end"

export const text = (
  x: number,
  y: number,
  content: string,
  look = "label",
  anchor: Anchor = "start"
): string =>
  `<text class="${look}" x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${safeText(content)}</text>`

/** About how wide a label is, in CSS pixels: the page's labels are 12 pixels high. */
export const labelWidth = (content: string): number =>
  [...content].reduce(
    (sum, character) => sum + (character > "\u2e7f" ? 12 : /[ijl.,:'|1 ]/.test(character) ? 4 : 6.9),
    0
  )

/** What fits, with an ellipsis where not all does. */
export const fitted = (content: string, width: number): string => {
  if (labelWidth(content) <= width) return content
  const characters = [...content]
  while (characters.length > 1 && labelWidth(`${characters.join("")}…`) > width) characters.pop()
  return `${characters.join("").trimEnd()}…`
}
