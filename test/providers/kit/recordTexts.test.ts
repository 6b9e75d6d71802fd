import { expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { recordTexts } from "../../../src/providers/kit/recordTexts.ts"

it("finds every record but the last of a list without white space", () => {
  const record = fc.record({ id: fc.string({ minLength: 1 }), more: fc.string() }, { noNullPrototype: true })
  fc.assert(
    fc.property(fc.uniqueArray(record, { selector: ({ id }) => id }), (records) => {
      const text = JSON.stringify({ total: 7, conversations: records, page: 1 })
      const ids = records.map(({ id }) => id)
      expect(recordTexts(text, "id", ids)).toEqual(records.slice(0, -1).map((one) => JSON.stringify(one)))
    })
  )
})

it("gives nothing where a record does not begin with its id", () => {
  const text = '{"conversations":[{"name":"a","id":"1"},{"name":"b","id":"2"}]}'
  expect(recordTexts(text, "id", ["1", "2"])).toEqual([])
  expect(recordTexts('[{ "id": "1" }, { "id": "2" }]', "id", ["1", "2"])).toEqual([])
  expect(recordTexts('[{"id":"1"},{"id":2},{"id":"3"}]', "id", ["1", null, "3"])).toEqual([])
})

it("gives what stands before the first one that is not found", () => {
  const text = '[{"id":"1","x":1},{"id":"2","x":2},{"x":3,"id":"3"}]'
  expect(recordTexts(text, "id", ["1", "2", "3"])).toEqual(['{"id":"1","x":1}'])
})
