import { Context, Effect } from "effect"

/** For each vendor, by id: `<table>.<column>` → where in the vendor's raw records the column comes from. */
export type VendorColumns = Readonly<Record<string, Readonly<Record<string, string | undefined>>>>

/** The vendors that there are, for the dictionary of a mirror that is opened for writing. */
export class Vendors extends Context.Reference<Vendors>()("parley/Vendors", {
  defaultValue: (): Effect.Effect<VendorColumns> => Effect.succeed({})
}) {}
