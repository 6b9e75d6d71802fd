/** What SQLite holds. */
export type Value = null | number | bigint | string | Uint8Array

export type Row = ReadonlyArray<Value>
