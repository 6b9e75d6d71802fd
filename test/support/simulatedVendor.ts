import { Redacted } from "effect"
import type { AnyProviderDefinition, CommonSettings } from "../../src/providers/Provider.ts"
import {
  advance,
  baseUrls,
  makeSimulator,
  type Simulator,
  type SimulatorOptions,
  type VendorId
} from "../../src/simulator/index.ts"
import type { ContractVendor } from "../providers/contract.ts"
import { inProcessOrigins, simulatedTransport } from "./simulatedTransport.ts"

/** When every simulated world begins, epoch milliseconds. */
export const worldBegins = Date.UTC(2026, 2, 9, 8)

const common = (simulator: Simulator, vendor: VendorId): CommonSettings => ({
  name: "contract",
  baseUrl: baseUrls(simulator, inProcessOrigins)[vendor],
  statusMap: {}
})

const withSecrets = (
  settings: CommonSettings,
  secrets: Readonly<Record<string, string>>
): CommonSettings => ({
  ...settings,
  ...Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, Redacted.make(value)]))
})

/** Settings as the configuration would have decoded them, for one of the simulated vendors. */
export const settingsFor = (simulator: Simulator, vendor: VendorId): CommonSettings => {
  const settings = common(simulator, vendor)
  const { aelyst, convocore, empfio, naturalead } = simulator.vendors
  switch (vendor) {
    case "naturalead":
      return withSecrets(settings, { apiKey: naturalead.options.apiKey })
    case "convocore":
      return withSecrets({ ...settings, ...{ exportTimeZone: "UTC" } }, { token: convocore.options.token })
    case "empfio":
      return withSecrets(
        { ...settings, ...{ email: empfio.options.email } },
        { password: empfio.options.password }
      )
    case "aelyst":
      return withSecrets({ ...settings, ...{ messageList: "auto" } }, { token: aelyst.options.token })
  }
}

const strangers: Readonly<Record<VendorId, Readonly<Record<string, string>>>> = {
  naturalead: { apiKey: "nl_live_stranger" },
  convocore: { token: "stranger" },
  empfio: { password: "stranger" },
  aelyst: { token: "stranger" }
}

const unknownIds: Readonly<Record<VendorId, string>> = {
  naturalead: "665f1a2b3c4d5e6f7a8b9c0d",
  convocore: "Zz9kG9YWdZpGGOn",
  empfio: "880b0500-e29b-41d4-a716-446655440000",
  aelyst: "987654321"
}

/** One of the simulated vendors, in process and without limits, as the contract's suite wants it. */
export const simulatedVendor = (
  vendor: VendorId,
  definition: AnyProviderDefinition,
  options: Partial<SimulatorOptions> = {}
): ContractVendor => {
  const simulator = makeSimulator({
    seed: 11,
    conversations: 60,
    now: worldBegins,
    limits: false,
    ...options
  })
  const { world } = simulator.vendors[vendor]
  const settings = settingsFor(simulator, vendor)
  return {
    definition,
    settings,
    strangersSettings: withSecrets(settings, strangers[vendor]),
    transport: simulatedTransport(simulator),
    ids: () => [...world.conversations.keys()],
    requests: () => simulator.log,
    unknownId: unknownIds[vendor],
    breakRecords: (share) => simulator.faults.add({ vendor, effect: { kind: "mutilate", share } }),
    advance: () => advance(simulator, vendor, { at: worldBegins + 60_000, share: 0.1 }).messages
  }
}
