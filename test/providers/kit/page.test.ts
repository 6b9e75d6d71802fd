import { expect, it } from "vitest"
import type { Exchange } from "../../../src/http/client.ts"
import { datedBy } from "../../../src/providers/kit/page.ts"

const asked = (requestedAt: number, receivedAt: number): Exchange => ({
  operation: "export messages",
  method: "GET",
  path: "/export",
  status: 200,
  requestedAt,
  receivedAt,
  bytes: 7
})

it("answers that were put together are as old as the first that says a status, and end with the last", () => {
  expect(datedBy(asked(10, 12), [asked(3, 4), asked(2, 5)])).toEqual(asked(2, 12))
  expect(datedBy(asked(10, 12), [asked(11, 11)])).toEqual(asked(10, 12))
})
