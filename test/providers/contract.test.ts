import { registry } from "../../src/providers/index.ts"
import { vendorIds } from "../../src/simulator/index.ts"
import { simulatedVendor } from "../support/simulatedVendor.ts"
import { providerContract } from "./contract.ts"

for (const vendor of vendorIds) {
  const definition = registry[vendor]
  if (definition !== undefined) providerContract(vendor, () => simulatedVendor(vendor, definition))
}
