import type { Simulator, VendorId } from "./simulator.ts"

/** Where each vendor answers: the origin, without the vendor's prefix. */
export type Origins = Readonly<Record<VendorId, string>>

/** What a connection's `baseUrl` must be to reach a vendor at its origin. */
export const baseUrls = (simulator: Simulator, origins: Origins): Origins => ({
  naturalead: origins.naturalead + simulator.vendors.naturalead.prefix,
  convocore: origins.convocore + simulator.vendors.convocore.prefix,
  empfio: origins.empfio + simulator.vendors.empfio.prefix,
  aelyst: origins.aelyst + simulator.vendors.aelyst.prefix
})

export interface Configuration {
  /** Text of a `parley.yaml`. */
  readonly yaml: string
  /** The environment that its `${...}` are taken from. */
  readonly environment: Readonly<Record<string, string>>
}

/** A configuration with one connection for each vendor. `database` is written into it as it is. */
export const configuration = (
  simulator: Simulator,
  origins: Origins,
  database = "./parley.db"
): Configuration => {
  const urls = baseUrls(simulator, origins)
  const { naturalead, convocore, empfio, aelyst } = simulator.vendors
  return {
    yaml: `database: ${JSON.stringify(database)}
connections:
  - name: leads
    provider: naturalead
    baseUrl: ${urls.naturalead}
    apiKey: \${NATURALEAD_API_KEY}
  - name: support
    provider: convocore
    baseUrl: ${urls.convocore}
    token: \${CONVOCORE_TOKEN}
  - name: salon
    provider: empfio
    baseUrl: ${urls.empfio}
    email: \${EMPFIO_EMAIL}
    password: \${EMPFIO_PASSWORD}
  - name: inbox
    provider: aelyst
    baseUrl: ${urls.aelyst}
    token: \${AELYST_TOKEN}
`,
    environment: {
      NATURALEAD_API_KEY: naturalead.options.apiKey,
      CONVOCORE_TOKEN: convocore.options.token,
      EMPFIO_EMAIL: empfio.options.email,
      EMPFIO_PASSWORD: empfio.options.password,
      AELYST_TOKEN: aelyst.options.token
    }
  }
}
