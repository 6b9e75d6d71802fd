import type { Fault } from "./faults.ts"
import { type PresetName, presetNames } from "./names.ts"
import { sessionVendor, vendorIds } from "./vendors/index.ts"

const [firstVendor, secondVendor = firstVendor] = vendorIds

const tooMany = (headers: Readonly<Record<string, string>>): Fault["effect"] => ({
  kind: "answer",
  status: 429,
  headers
})

const html = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"

/** Faults by name, each on its own. */
const single = {
  "rate-limits": [
    { name: "429 with seconds", probability: 0.01, effect: tooMany({ "retry-after": "1" }) },
    { name: "429 without Retry-After", probability: 0.005, effect: tooMany({}) }
  ],
  queue: [
    {
      name: "queued, then applied",
      match: { write: true },
      probability: 0.2,
      effect: { kind: "queue", outcome: "applied" }
    },
    {
      name: "queued, then lost",
      match: { write: true },
      probability: 0.2,
      effect: { kind: "queue", outcome: "lost" }
    }
  ],
  errors: [
    { name: "500", probability: 0.01, effect: { kind: "answer", status: 500 } },
    { name: "503", probability: 0.01, effect: { kind: "answer", status: 503 } },
    {
      name: "500 after applying",
      match: { write: true },
      probability: 0.1,
      effect: { kind: "answer", status: 500, applied: true }
    }
  ],
  html: [
    {
      name: "HTML",
      probability: 0.01,
      effect: { kind: "answer", status: 502, headers: { "content-type": "text/html" }, body: html }
    }
  ],
  cuts: [
    { name: "cut before", probability: 0.01, effect: { kind: "cut", when: "before" } },
    { name: "cut after", probability: 0.01, effect: { kind: "cut", when: "after" } },
    { name: "cut in the body", probability: 0.01, effect: { kind: "cut", when: "body" } }
  ],
  slow: [{ name: "slow", probability: 0.1, effect: { kind: "delay", millis: 800 } }],
  "bad-records": [{ name: "bad records", effect: { kind: "mutilate", share: 0.01 } }],
  "unknown-words": [{ name: "unknown words", effect: { kind: "unknown", share: 0.02 } }],
  unauthorized: [
    { name: "401", vendor: sessionVendor, probability: 0.002, effect: { kind: "answer", status: 401 } }
  ]
} as const satisfies Readonly<Record<string, ReadonlyArray<Fault>>>

/** What a bad night is made of, each at a vendor of its own, so that all can be rehearsed at once. */
const nights = {
  down: [
    { name: "down", vendor: firstVendor, effect: { kind: "answer", status: 503, headers: {}, body: "" } }
  ],
  "bad-key": [{ name: "bad key", vendor: secondVendor, effect: { kind: "answer", status: 401 } }],
  "long-wait": [{ name: "two hours", vendor: sessionVendor, effect: tooMany({ "retry-after": "7200" }) }],
  // Carried out by who runs the simulator: see merge.ts.
  merge: []
} as const satisfies Readonly<Record<string, ReadonlyArray<Fault>>>

const presets: Readonly<Record<PresetName, ReadonlyArray<Fault>>> = {
  none: [],
  ...single,
  ...nights,
  mild: [...single["unknown-words"], ...single["rate-limits"], ...single.errors, ...single.slow],
  harsh: Object.values(single).flat()
}

export const isPreset = (name: string): name is PresetName =>
  (presetNames as ReadonlyArray<string>).includes(name)

/** The faults of a preset; of an unknown name, none. */
export const preset = (name: string): ReadonlyArray<Fault> => (isPreset(name) ? presets[name] : [])
