import { Schema } from "effect"
import { expect, it } from "vitest"
import { parseExactly } from "../../../src/domain/exactJson.ts"
import { undocumented } from "../../../src/providers/kit/attributes.ts"

const schema = Schema.Struct({ id: Schema.String, name: Schema.String })

it("keeps what a vendor sends and does not document, as it came, and nothing where there is none", () => {
  const record = parseExactly(
    '{"id":"1","name":null,"cost":0.1,"deep":{"a":[1]},"none":null,"__proto__":{"x":1}}'
  )
  expect(undocumented(record, schema)).toEqual({
    $other: JSON.parse('{"cost":0.1,"deep":{"a":[1]},"__proto__":{"x":1}}')
  })
  expect(undocumented({ id: "1", elsewhere: 2 }, schema, ["elsewhere"])).toEqual({})
  for (const none of [null, [], "text", 1]) expect(undocumented(none, schema)).toEqual({})
})
