import { assert, it } from "@effect/vitest"
import { isAddressable } from "../../../src/providers/kit/address.ts"

it.each(["a", "a/b", "?", "#", "%2F", "%2e%2e", "...", ".a", "a b", "\u{1f600}", "x@y", "x".repeat(500)])(
  "an address can hold %s",
  (id) => {
    assert.isTrue(isAddressable(id))
    const { pathname } = new URL(`https://vendor.invalid/conversations/${encodeURIComponent(id)}`)
    assert.strictEqual(decodeURIComponent(pathname.slice("/conversations/".length)), id)
  }
)

it.each(["", ".", "..", "a\ufffd", "\ud83d", "x".repeat(501), "é".repeat(251)])(
  "an address cannot hold %s",
  (id) => assert.isFalse(isAddressable(id))
)
