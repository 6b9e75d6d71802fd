/*
 * What can go wrong at the simulated vendors, by name. By itself: the command line lists it in its help, and every start
 * would read the simulator for it.
 */

/** Nothing, a few together, and single faults. */
export const presetNames = [
  "none",
  "rate-limits",
  "queue",
  "errors",
  "html",
  "cuts",
  "slow",
  "bad-records",
  "unknown-words",
  "unauthorized",
  "down",
  "bad-key",
  "long-wait",
  "merge",
  "mild",
  "harsh"
] as const

export type PresetName = (typeof presetNames)[number]

/** What becomes of webhooks on their way: they never come, come twice, come after later ones, or are another's. */
export const hintFaultNames = ["lost", "doubled", "late", "forged"] as const

/** Shares of the webhooks, from 0 to 1. */
export type HintFaults = Readonly<Record<(typeof hintFaultNames)[number], number>>

export const noHintFaults: HintFaults = { lost: 0, doubled: 0, late: 0, forged: 0 }
