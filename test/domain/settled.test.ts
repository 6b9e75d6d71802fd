import { Effect, Exit } from "effect"
import { expect, it } from "vitest"
import { exitOf, flatMapKnown, mapKnown } from "../../src/domain/settled.ts"

it("knows what follows what is known, and leaves to be run what is not", () => {
  const doubled = (effect: Effect.Effect<number, string>) => mapKnown(effect, (value) => value * 2)
  expect(exitOf(doubled(Exit.succeed(2)))).toEqual(Exit.succeed(4))
  expect(exitOf(doubled(Exit.fail("no")))).toEqual(Exit.fail("no"))
  const later = doubled(Effect.sync(() => 3))
  expect(exitOf(later)).toBeNull()
  expect(Effect.runSync(later)).toBe(6)
  expect(exitOf(flatMapKnown(Exit.succeed(1), () => Effect.sync(() => 2)))).toBeNull()
})

it("throws nothing at who calls back", () => {
  const fault = new Error("no such field")
  const broken = mapKnown(Exit.succeed(1), () => {
    throw fault
  })
  expect(exitOf(broken)).toEqual(Exit.die(fault))
})
