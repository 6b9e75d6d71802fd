import type { HelpDoc } from "@effect/cli"
import type { Span } from "@effect/cli/HelpDoc/Span"

/** An option or argument as help shows it: `--max-wait DURATION` and what it does. */
export interface Described {
  readonly label: string
  readonly text: string
}

const spanText = (span: Span): string => {
  switch (span._tag) {
    case "Text":
    case "URI":
      return span.value
    case "Sequence":
      return spanText(span.left) + spanText(span.right)
    default:
      return spanText(span.value)
  }
}

/** The paragraphs of a document, as plain text. */
export const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Empty":
      return []
    case "Header":
    case "Paragraph":
      return [spanText(doc.value)]
    case "Sequence":
      return [...paragraphs(doc.left), ...paragraphs(doc.right)]
    case "Enumeration":
      return doc.elements.flatMap(paragraphs)
    case "DescriptionList":
      return doc.definitions.flatMap(([label, inner]) => [spanText(label), ...paragraphs(inner)])
  }
}

/** Takes apart what @effect/cli says of one option or argument: its label, a line on its type, and its description. */
export const describe = (doc: HelpDoc.HelpDoc): Described => {
  const [label = "", , ...rest] = paragraphs(doc)
  const own = rest.filter(
    (text) => text !== "" && !/^This (?:setting|argument|option) (?:is|may|must)\b/.test(text)
  )
  return { label: label.replaceAll(" | ", "|"), text: own.join(" ") }
}
