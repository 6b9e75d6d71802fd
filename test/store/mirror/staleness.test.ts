import { expect, it } from "vitest"
import { RecentObservations } from "../../../src/store/mirror/staleness.ts"

it("the latest observations are remembered, the older ones forgotten, however many there were", () => {
  const recent = new RecentObservations()
  const last = 130_000
  for (let row = 1; row <= last; row += 1) recent.note(`row ${row}`, "b", "y")
  const isRemembered = (row: number) => recent.latest(`row ${row}`, "a", "y") === "b"
  for (const row of [last, last - 10_000, last - 24_000])
    expect([row, isRemembered(row)]).toEqual([row, true])
  for (const row of [1, last - 50_001]) expect([row, isRemembered(row)]).toEqual([row, false])
})

it("of two observations of a row the later one counts, in whatever order they come", () => {
  const recent = new RecentObservations()
  for (const at of ["c", "b"]) recent.note("row", at, "y")
  expect(recent.latest("row", "a", "y")).toBe("c")
  recent.note("row", "d", "y")
  expect(recent.latest("row", "a", "y")).toBe("d")
  expect(recent.latest("row", "e", "y")).toBe("e")
  expect(recent.latest("another", "a", "y")).toBe("a")
})

it("a time that is not believed, as of a clock that was ahead, does not count, and gives way to a later one", () => {
  const recent = new RecentObservations()
  expect(recent.latest("row", "z", "y")).toBe("")
  recent.note("row", "z", "y")
  expect(recent.latest("row", "a", "y")).toBe("a")
  recent.note("row", "c", "y")
  expect(recent.latest("row", "a", "y")).toBe("c")
  expect(recent.latest("row", "z", "y")).toBe("c")
})
