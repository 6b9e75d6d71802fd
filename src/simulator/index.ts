/** The vendors, simulated: for people (`parley demo`, `parley simulate`), for tests and for measurements. */
export { baseUrls, type Configuration, configuration, type Origins } from "./configuration.ts"
export type { Fault, FaultEffect, FaultRequest } from "./faults.ts"
export { makeTwins, mergeTwins } from "./merge.ts"
export { type AdvanceOptions, advance, type Changes, type Mutation, mutate } from "./mutate.ts"
export { type HintFaults, hintFaultNames, noHintFaults, presetNames } from "./names.ts"
export { isPreset, preset } from "./presets.ts"
export { type Served, type ServeOptions, serve } from "./serve.ts"
export {
  type LogEntry,
  makeSimulator,
  type Simulator,
  type SimulatorOptions,
  type VendorId,
  vendorIds
} from "./simulator.ts"
export { type HintOnItsWay, hintPath, sendHints } from "./vendors/hints.ts"
export { forEachVendor, promptVendor } from "./vendors/index.ts"
