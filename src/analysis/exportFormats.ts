/** What the mirror can be written as: one file of such a kind for each table. */
export const exportFormats = ["csv", "ndjson", "parquet"] as const
export type ExportFormat = (typeof exportFormats)[number]
