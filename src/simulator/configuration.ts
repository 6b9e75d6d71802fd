import { proposedVariable } from "../config/variables.ts"
import { present } from "../domain/present.ts"
import type { Simulator } from "./simulator.ts"
import type { AnyVendor } from "./vendor.ts"
import { forEachVendor, type VendorId, vendorIds } from "./vendors/index.ts"

/** Where each vendor answers: the origin, without the vendor's prefix. */
export type Origins = Readonly<Record<VendorId, string>>

/** What a connection's `baseUrl` must be to reach a vendor at its origin. */
export const baseUrls = (simulator: Simulator, origins: Origins): Origins =>
  forEachVendor((id) => origins[id] + simulator.vendors[id].prefix)

export interface Configuration {
  /** Text of a `parley.yaml`. */
  readonly yaml: string
  /** The environment that its `${...}` are taken from. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * A configuration with one connection for each vendor. `database` is written into it as it is. `withHints`: the vendors
 * send webhooks.
 */
export const configuration = (
  simulator: Simulator,
  origins: Origins,
  database = "./parley.db",
  withHints = false
): Configuration => {
  const urls = baseUrls(simulator, origins)
  const connections = vendorIds.map((id) => {
    const { connection, settings } = simulator.vendors[id]
    const keys = Object.entries(settings()).map(([key, value]) => ({
      key,
      value,
      variable: proposedVariable(id, key)
    }))
    const { hints } = simulator.vendors[id] as AnyVendor
    const hintKeys =
      hints === undefined || !withHints
        ? []
        : [
            { key: "path", value: hints.path, variable: proposedVariable(id, "hintsPath") },
            { key: "signingKey", value: hints.key, variable: proposedVariable(id, "hintsKey") }
          ]
    return { id, connection, keys, hintKeys }
  })
  const entries = connections.map(({ connection, hintKeys, id, keys }) =>
    present(
      `  - name: ${connection}`,
      `    provider: ${id}`,
      `    baseUrl: ${urls[id]}`,
      ...keys.map(({ key, variable }) => `    ${key}: \${${variable}}`),
      hintKeys.length > 0 && "    hints:",
      ...hintKeys.map(({ key, variable }) => `      ${key}: \${${variable}}`)
    ).join("\n")
  )
  return {
    yaml: `database: ${JSON.stringify(database)}\nconnections:\n${entries.join("\n")}\n`,
    environment: Object.fromEntries(
      connections.flatMap(({ hintKeys, keys }) =>
        [...keys, ...hintKeys].map(({ value, variable }) => [variable, value])
      )
    )
  }
}
