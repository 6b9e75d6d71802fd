import { describe, expect, it } from "vitest"
import { statesFailure } from "../../../src/providers/kit/answer.ts"

const failures: ReadonlyArray<object> = [
  { success: false, data: [] },
  { success: "false" },
  { ok: false, items: [] },
  { error: "The database is not reachable", data: [] },
  { error: { code: "INTERNAL" } },
  { error: true },
  { errors: [{ message: "Cannot query field" }], data: null },
  { errors: { page: ["is too large"] } },
  { code: 500, message: "Unexpected error occurred", items: [] },
  { code: "503", data: [] },
  { code: "INTERNAL_SERVER_ERROR", message: "x", data: [] },
  { code: "NOT_FOUND" },
  { status: "error", data: [] },
  { status: "failed" },
  { status: 502 },
  { statusCode: 404, message: "Not Found" },
  { detail: "Not authenticated", conversations: [], total: 0 },
  { detail: [{ loc: ["query"], msg: "too large" }] },
  { issues: [{ message: "Required" }], data: [] },
  { errorMessage: "down" },
  { error_code: 17, items: [] },
  { failed: true, items: [] },
  { isError: "true" },
  { success: true, truncated: true, data: [] },
  { partial: true, conversations: [] },
  { timed_out: true, items: [] }
]

const successes: ReadonlyArray<unknown> = [
  {},
  [],
  null,
  "error",
  { success: true, message: "Conversations retrieved successfully", data: [] },
  { error: null, errors: [], detail: null, code: null, items: [] },
  { error: false, errors: {}, detail: "", data: [] },
  { code: 200, data: [] },
  { code: 0, data: [] },
  { code: "OK", data: [] },
  { status: "success", data: [] },
  { status: 200, data: [] },
  { message: "error", data: [] },
  { truncated: false, partial: null, failed: 0, incomplete: "no", data: [] },
  { data: [{ success: false, error: "refused", title: "error", code: "ERROR", issues: ["x"] }] },
  { data: { error: "the customer's own words", status: "error" } }
]

describe("an answer that says it failed", () => {
  for (const json of failures) {
    it(`is one with ${JSON.stringify(json)} around what was asked for`, () => {
      expect(statesFailure(json)).toBe(true)
      expect(statesFailure(json, { record: "id" })).toBe(true)
    })
  }

  for (const json of successes) {
    it(`is none with ${JSON.stringify(json)}`, () => {
      expect(statesFailure(json)).toBe(false)
    })
  }

  it("is no record that has its id, whatever the vendor keeps in its fields", () => {
    const record = {
      id: "1",
      error: "delivery failed",
      code: "VIP",
      status: "error",
      detail: "long",
      issues: [1]
    }
    expect(statesFailure(record, { record: "id" })).toBe(false)
    expect(statesFailure({ ...record, id: null }, { record: "id" })).toBe(true)
    expect(statesFailure({ ...record, success: false }, { record: "id" })).toBe(true)
  })
})
