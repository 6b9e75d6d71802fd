/** What SQLite holds. */
export type Value = null | number | bigint | string | Uint8Array

export type Row = ReadonlyArray<Value>

/** What the process that reads says on stderr before it ends because its temporary files took too much. */
export const temporaryFilesFull = "temporary files full"
