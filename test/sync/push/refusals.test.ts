import { describe, expect, it } from "vitest"
import type { BodyForm } from "../../../src/domain/ProviderError.ts"
import {
  extended,
  type Meaning,
  meaningOf,
  mostInARow,
  noRow,
  verdictAtEnd,
  verdictOf
} from "../../../src/sync/push/refusals.ts"

const forms: ReadonlyArray<BodyForm> = ["json", "empty", "html", "text"]
const codes = Array.from({ length: 300 }, (_, index) => 300 + index)
const meanings: ReadonlyArray<Meaning> = ["change", "unclear", "connection"]

/** Written out by hand: what each code means where the API itself speaks, and where it cannot be told who does. */
const expectedOf = (request: "read" | "write", status: number, form: BodyForm): Meaning => {
  if (form === "html") return "connection"
  const spoken = form === "json"
  switch (status) {
    case 400:
    case 409:
    case 422:
      return spoken && request === "write" ? "change" : "unclear"
    case 404:
    case 410:
      return spoken ? "change" : "unclear"
    case 403:
    case 411:
    case 412:
    case 416:
    case 417:
    case 418:
    case 424:
      return "unclear"
    default:
      return "connection"
  }
}

describe("what a refusal speaks of", () => {
  it("is told by its code and its body, for every code, body and kind of request", () => {
    for (const request of ["read", "write"] as const) {
      for (const status of codes) {
        for (const form of forms) {
          const meaning = meaningOf({ request, status, form })
          expect(meaning, `${request} ${status} ${form}`).toBe(expectedOf(request, status, form))
        }
      }
    }
  })

  it("is the change where it was refused before anything was sent", () => {
    expect(meaningOf({ request: "write", status: 0, form: "json" })).toBe("change")
  })

  it.each([301, 302, 307, 402, 405, 407, 413, 415, 423, 426, 451])(
    "is never one change with a %i",
    (status) => {
      for (const form of forms) {
        for (let length = 1; length <= 5; length += 1) {
          const meaning = meaningOf({ request: "write", status, form })
          expect(verdictOf(meaning, { status, length }, true)).toBe("stop")
        }
      }
    }
  )
})

describe("what becomes of a refused change", () => {
  it("is decided by its meaning, how many were refused alike in a row, and whether others were accepted since", () => {
    const seen = meanings.flatMap((meaning) =>
      [1, 2, 3, 4].flatMap((length) =>
        [false, true].map((isToldApart) => verdictOf(meaning, { status: 400, length }, isToldApart))
      )
    )
    expect(seen).toEqual([
      ...["hold", "end", "hold", "end", "stop", "end", "stop", "end"],
      ...["hold", "hold", "hold", "hold", "stop", "stop", "stop", "stop"],
      ...Array.from({ length: 8 }, () => "stop")
    ])
  })

  it("is an end only where the vendor spoke of it and nothing else is held", () => {
    const ends = meanings.flatMap((meaning) =>
      [false, true].map((hasCompany) => verdictAtEnd(meaning, hasCompany))
    )
    expect(ends).toEqual(["end", "stop", "stop", "stop", "stop", "stop"])
  })

  it("counts equal codes in a row alone", () => {
    const rowOf = (statuses: ReadonlyArray<number>) => statuses.reduce(extended, noRow)
    expect(rowOf([400, 400, 400]).length).toBe(mostInARow)
    expect(rowOf([400, 422, 400])).toEqual({ status: 400, length: 1 })
  })
})
