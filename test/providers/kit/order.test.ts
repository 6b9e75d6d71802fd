import { assert, describe, it } from "@effect/vitest"
import { fromMillis, type Timestamp } from "../../../src/domain/Timestamp.ts"
import { isNewestFirst } from "../../../src/providers/kit/order.ts"

const at = (minute: number): Timestamp => fromMillis(Date.UTC(2026, 2, 7, 10) + minute * 60_000) as Timestamp

describe("the order of messages", () => {
  for (const count of [3, 4, 10]) {
    it(`is not turned by one odd time among ${count}, wherever it stands and however odd it is`, () => {
      const times = Array.from({ length: count }, (_, index): Timestamp | null => at(index + 10))
      for (const odd of [at(-5_000), at(5_000), at(10), null]) {
        for (let place = 0; place < count; place++) {
          assert.isFalse(isNewestFirst(times.with(place, odd)))
          // Of three, one of which is odd, two neighbours may say one thing and two the other.
          if (count > 3) assert.isTrue(isNewestFirst(times.toReversed().with(place, odd)))
        }
      }
    })
  }

  it("is the one that came where nothing tells", () => {
    assert.isFalse(isNewestFirst([]))
    assert.isFalse(isNewestFirst([null, at(1), at(1), null]))
    assert.isFalse(isNewestFirst([at(1), at(2), at(1)]))
    assert.isTrue(isNewestFirst([at(2), at(1)]))
  })
})
