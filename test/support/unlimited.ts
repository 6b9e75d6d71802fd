import { Effect, Layer } from "effect"
import type { Limit } from "../../src/http/contract.ts"
import { Governor } from "../../src/http/limits/Governor.ts"

const boundless: Limit = {
  name: "none",
  requests: 1_000_000,
  perMillis: 1,
  scope: "connection",
  burst: true
}

/** Heeds refusals and no limit: for tests of what lies above. */
export const unlimited = Layer.effect(
  Governor,
  Effect.map(Governor, ({ open }) => ({
    open: (options: Parameters<typeof open>[0]) =>
      open({ ...options, limits: [boundless], concurrency: Number.MAX_SAFE_INTEGER })
  }))
).pipe(Layer.provide(Governor.alone))
