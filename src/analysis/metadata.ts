import { parse } from "node:path"
import { present } from "../domain/present.ts"
import type { ColumnEntry } from "../store/dictionary/entry.ts"
import { dictionary } from "../store/dictionary.ts"

const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`)

const describe = ({ meaning, nullMeans, unit }: ColumnEntry): string =>
  present(
    sentence(meaning),
    unit !== undefined && sentence(unit.charAt(0).toUpperCase() + unit.slice(1)),
    nullMeans !== undefined && sentence(`Null: ${nullMeans}`)
  ).join(" ")

/** Which index searches a table, and by which of its columns: https://docs.datasette.io/en/stable/full_text_search.html */
const searchedBy: Readonly<Record<string, { readonly fts_table: string; readonly fts_pk: string }>> = {
  messages: { fts_table: "message_search", fts_pk: "key" }
}

/**
 * What Datasette shows beside the tables (https://docs.datasette.io/en/stable/metadata.html), made from the dictionary:
 * `datasette mirror.db --metadata metadata.json`.
 * @param database the mirror's file: Datasette calls a database by its file's name
 */
export const datasetteMetadata = (database: string) => ({
  title: "Parley",
  description: "A mirror of conversations that are held at conversational-AI providers.",
  databases: {
    [parse(database).name]: {
      tables: Object.fromEntries(
        dictionary.map(({ columns, meaning, table }) => [
          table,
          {
            description: meaning,
            ...searchedBy[table],
            columns: Object.fromEntries(
              Object.entries(columns).map(([name, column]) => [name, describe(column)])
            )
          }
        ])
      ),
      queries: Object.fromEntries(
        dictionary.flatMap(({ example, meaning, table }) =>
          example === undefined || example.includes("'…'")
            ? []
            : [[`example_${table}`, { sql: example, title: `${table}: ${meaning}` }]]
        )
      )
    }
  }
})
