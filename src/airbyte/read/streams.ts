import { exportable } from "../../analysis/tables.ts"
import { type FeedTable, feedColumns, feedTables } from "../../store/read/feed.ts"

/*
 * The streams of the source: the tables of the mirror's feed, under the same names and with the same columns.
 */

type JsonSchema = { readonly [key: string]: unknown }

const time: JsonSchema = {
  type: ["null", "string"],
  format: "date-time",
  airbyte_type: "timestamp_with_timezone"
}

/** What a copy knows of a row beside its own columns. */
const lineage: Readonly<Record<string, JsonSchema>> = {
  connection: { type: ["null", "string"], description: "The account that the row belongs to." },
  provider: { type: ["null", "string"], description: "The vendor." },
  observed_at: { ...time, description: "When the row was last seen to have changed." },
  deleted_at: {
    ...time,
    description: "When the row was found to be gone; its other columns may be null then. Null: it is there."
  },
  change_seq: {
    type: ["null", "integer"],
    description: "Greater in every later version of the row: the commit that last changed it."
  }
}

const columnSchema = (kind: string): JsonSchema => {
  switch (kind) {
    case "time":
      return time
    case "integer":
    case "boolean":
      return { type: ["null", "integer"] }
    case "real":
      return { type: ["null", "number"] }
    default:
      return { type: ["null", "string"] }
  }
}

const schemaOf = (table: FeedTable): JsonSchema => {
  const columns = exportable.find(({ name }) => name === table)?.columns ?? []
  const own = new Map(columns.map(({ kind, name }) => [name, columnSchema(kind)]))
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    additionalProperties: true,
    properties: Object.fromEntries(
      feedColumns(table).map((name) => [
        name,
        name === "id" ? { type: "string" } : (own.get(name) ?? lineage[name] ?? { type: ["null", "string"] })
      ])
    )
  }
}

interface SourceStream {
  readonly name: FeedTable
  readonly schema: JsonSchema
}

export const sourceStreams: ReadonlyArray<SourceStream> = feedTables.map((name) => ({
  name,
  schema: schemaOf(name)
}))

export const syncModes = ["full_refresh", "incremental"] as const
export type SyncMode = (typeof syncModes)[number]

/** As `discover` shows them. */
export const discovered = sourceStreams.map(({ name, schema }) => ({
  name,
  json_schema: schema,
  supported_sync_modes: syncModes,
  source_defined_cursor: true,
  default_cursor_field: ["change_seq"],
  source_defined_primary_key: [["id"]],
  is_resumable: true
}))
