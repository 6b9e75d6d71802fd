import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { fromMillis } from "../../../src/domain/Timestamp.ts"
import { overlapping, pageWalk, readPlace, type WalkPlace } from "../../../src/providers/kit/pageWalk.ts"

type Move = "insert first" | "insert last" | "delete" | "to the front" | "to the back"

interface List {
  readonly rows: Array<number>
  readonly throughout: Set<number>
  /** The first `count` rows are as old as the list; later numbers are younger. */
  readonly count: number
  born: number
}

const newList = (count: number): List => {
  const rows = Array.from({ length: count }, (_, index) => index)
  return { rows, throughout: new Set(rows), count, born: count }
}

const move = (list: List, what: Move, where: number): void => {
  const { rows, throughout } = list
  if (what === "insert first") rows.unshift(list.born++)
  else if (what === "insert last") rows.push(list.born++)
  else {
    const [moved] = rows.splice(Math.floor(where * rows.length), 1)
    if (moved === undefined) return
    if (what === "delete") throughout.delete(moved)
    else if (what === "to the front") rows.unshift(moved)
    else rows.push(moved)
  }
}

const startedAt = (list: List, row: number) =>
  fromMillis(Date.UTC(2026, 0, 1) + (row < 0 ? 0 : row < list.count ? list.count - row : 1000 * row))

interface Vendor {
  /** What it makes of the size it is asked for. */
  readonly sizeOf: (asked: number) => number
  /** `size` "asked": it says the one that it was asked for, whatever it gives. */
  readonly tells: { readonly total: boolean; readonly size: boolean | "asked" }
}

const honest: Vendor = { sizeOf: (asked) => asked, tells: { total: true, size: true } }

/** Walks to the end. `between` is called after each answer; after those in `diesAt` only the cursor is left. */
const walked = (
  list: List,
  vendor: Vendor = honest,
  options: {
    readonly from?: WalkPlace
    readonly largest?: number
    readonly between?: (requests: number) => void
    readonly diesAt?: ReadonlyArray<number>
  } = {}
) => {
  const { from = null, largest = 50, between, diesAt = [] } = options
  let walk = pageWalk({ largest, from })
  let place: WalkPlace | null = from
  const seen = new Map<number, number>()
  const stored = new Set<number>()
  for (let requests = 1; ; requests++) {
    const ask = walk.next()
    const size = vendor.sizeOf(ask.size)
    const rows = list.rows.slice((ask.page - 1) * size, ask.page * size)
    for (const row of rows) seen.set(row, (seen.get(row) ?? 0) + 1)
    const { end, endless, again, cursor } = walk.received({
      rows: rows.map((row) => ({
        id: String(row),
        startedAt: startedAt(list, row),
        stored: stored.has(row)
      })),
      total: vendor.tells.total ? list.rows.length : null,
      size: vendor.tells.size === "asked" ? ask.size : vendor.tells.size ? size : null
    })
    assert.strictEqual(again.length, rows.length)
    if (end !== null || endless !== null) {
      const missed = [...list.throughout].filter((row) => !seen.has(row))
      return { requests, missed, end, endless }
    }
    if (cursor !== null) {
      place = cursor
      for (const row of seen.keys()) stored.add(row)
    }
    between?.(requests)
    if (diesAt.includes(requests)) walk = pageWalk({ largest, from: readPlace(JSON.stringify(place)) })
  }
}

const moves = (most: number) =>
  fc.array(
    fc.record({
      at: fc.integer({ min: 1, max: 20 }),
      what: fc.constantFrom<Move>("insert first", "insert last", "delete", "to the front", "to the back"),
      where: fc.double({ min: 0, max: 0.999, noNaN: true })
    }),
    { maxLength: most }
  )

describe("overlapping pages", () => {
  it("begin at or before the last row that was read, and always reach further", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 20, max: 100 }),
        (end, largest) => {
          const { page, size } = overlapping(end, largest)
          assert.isAtMost(size, largest)
          assert.isBelow((page - 1) * size, end)
          assert.isAbove(page * size, end)
        }
      )
    )
  })

  it("cost less than a third more requests than pages side by side", () => {
    for (const rows of [1_000, 10_000, 100_000]) {
      let requests = 1
      for (let end = 100; end < rows; requests++) {
        const { page, size } = overlapping(end, 100)
        end = page * size
      }
      assert.isBelow(requests, (rows / 100) * 1.33)
    }
  })
})

describe("a list that is read by page number", () => {
  it("is complete after one pass and a second look at its first page, while nothing moves", () => {
    assert.deepStrictEqual(walked(newList(0)).requests, 1)
    assert.deepStrictEqual(walked(newList(50)).requests, 1)
    const { requests, missed, end } = walked(newList(500))
    assert.deepStrictEqual([missed, end], [[], { complete: true, reason: null }])
    assert.isAtMost(requests, 14)
  })

  it("misses nothing that was there all the time, however it moves, or says that it may have", () => {
    for (const [tells, seed] of [
      [{ total: true, size: true }, 1],
      [{ total: false, size: false }, 2],
      [{ total: true, size: false }, 3]
    ] as const) {
      fc.assert(
        fc.property(fc.integer({ min: 20, max: 300 }), moves(10), (count, schedule) => {
          const list = newList(count)
          const { missed, end } = walked(
            list,
            { ...honest, tells },
            {
              largest: 20,
              between: (requests) => {
                for (const { at, what, where } of schedule) if (at === requests) move(list, what, where)
              }
            }
          )
          if (end?.complete === true) assert.deepStrictEqual(missed, [])
          else assert.match(end?.reason ?? "", /may be missing/)
        }),
        { numRuns: 1_000, seed }
      )
    }
  })

  it("is complete although conversations begin at its front all the time", () => {
    const list = newList(300)
    const { end, missed } = walked(list, honest, { between: () => move(list, "insert first", 0) })
    assert.deepStrictEqual([missed, end?.complete], [[], true])
  })

  it("is not complete where a row that should have been there turns up in every pass", () => {
    const list = newList(200)
    const hidden = Array.from({ length: 40 }, (_, index) => -1 - index)
    const { end } = walked(list, honest, {
      between: (requests) => {
        // Always just where the walk has been already.
        if (requests % 2 === 0) list.rows.splice(1, 0, hidden[requests] ?? -100)
      }
    })
    assert.strictEqual(end?.complete, false)
  })

  it("finds what moved ahead of it though no page showed that anything moved", () => {
    const list = newList(200)
    const { missed, end } = walked(list, honest, {
      between: (requests) => {
        if (requests !== 1) return
        // One row less and one more before the place that was reached, and as many rows as before.
        move(list, "delete", 0.1)
        move(list, "to the front", 0.8)
        move(list, "insert last", 0)
      }
    })
    assert.deepStrictEqual([missed, end?.complete], [[], true])
  })

  it("is not complete where rows may have slipped through in every pass", () => {
    const list = newList(2_000)
    const { end } = walked(list, honest, {
      between: () => {
        for (let rows = 0; rows < 20; rows++) move(list, "delete", 0)
      }
    })
    assert.strictEqual(end?.complete, false)
  })

  it("is read whole whatever page size the vendor makes of the one it is asked for", () => {
    const sizes: ReadonlyArray<Vendor["sizeOf"]> = [
      (asked) => Math.min(asked, 20),
      () => 20,
      () => 7,
      () => 70,
      (asked) => Math.max(asked, 45)
    ]
    for (const sizeOf of sizes) {
      for (const tells of [
        { total: true, size: true },
        { total: true, size: false },
        { total: false, size: true },
        { total: false, size: false }
      ]) {
        for (const count of [0, 1, 20, 49, 50, 70, 140, 333]) {
          const { missed, end } = walked(newList(count), { sizeOf, tells })
          const which = JSON.stringify([sizeOf(100), sizeOf(10), tells, count])
          assert.deepStrictEqual([missed, end], [[], { complete: true, reason: null }], which)
        }
      }
    }
  })

  it("is read whole though the vendor gives smaller pages than it says", () => {
    for (const sizeOf of [(asked: number) => Math.min(asked, 20), () => 7]) {
      for (const count of [1, 6, 7, 20, 49, 50, 70, 140, 333, 6_000]) {
        const { missed, end } = walked(newList(count), { sizeOf, tells: { total: true, size: "asked" } })
        assert.deepStrictEqual(
          [missed, end],
          [[], { complete: true, reason: null }],
          `${sizeOf(50)} ${count}`
        )
      }
    }
  })

  it("is not over at an empty page that others follow, though nothing says that they do", () => {
    // Rows that are left out after the pages were cut.
    for (const [size, hidden] of [
      [20, 21],
      [100, 101],
      [100, 150]
    ] as const) {
      for (const from of [0, size, 3 * size]) {
        const walk = pageWalk({ largest: size, from: null })
        const shown = new Set<number>()
        let end = null
        for (let asked = 0; asked < 200 && end === null; asked++) {
          const { page, size: rows } = walk.next()
          const given = Array.from({ length: rows }, (_, index) => (page - 1) * rows + index).filter(
            (row) => row < 500 && (row < from || row >= from + hidden)
          )
          for (const row of given) shown.add(row)
          const listed = given.map((row) => ({ id: String(row), startedAt: null, stored: false }))
          end = walk.received({ rows: listed, total: null, size: null }).end
        }
        assert.deepStrictEqual(
          [shown.size, end],
          [500 - hidden, { complete: true, reason: null }],
          `${size} ${hidden} ${from}`
        )
      }
    }
  })

  it("is read from one page before the cursor, and then once more", () => {
    const { missed, end, requests } = walked(newList(300), honest, { from: { rows: 200, mark: null } })
    assert.deepStrictEqual([missed, end?.complete], [[], true])
    assert.isAbove(requests, 8)
    assert.isTrue(walked(newList(100), honest, { from: { rows: 5_000, mark: null } }).end?.complete)
  })

  it("goes on where it was interrupted, at no more than the page that was under way, while nothing moves", () => {
    const vendors: ReadonlyArray<Vendor> = [
      honest,
      { ...honest, sizeOf: (asked) => Math.min(asked, 20) },
      { ...honest, tells: { total: false, size: false } }
    ]
    for (const [index, vendor] of vendors.entries()) {
      const whole = walked(newList(300), vendor)
      for (let died = 1; died < whole.requests; died++) {
        const { missed, end, requests } = walked(newList(300), vendor, { diesAt: [died] })
        assert.deepStrictEqual([missed, end?.complete], [[], true])
        // The answer to the request before was stored. Of the last pages, two may be asked for once more.
        const again = requests - whole.requests
        assert.isAtMost(again, died < whole.requests - 2 ? 0 : 2, `vendor ${index}, death ${died}`)
      }
    }
  })

  it("misses nothing though it is interrupted and the list moves meanwhile, or says that it may have", () => {
    for (const [tells, seed] of [
      [{ total: true, size: true }, 4],
      [{ total: false, size: false }, 5],
      [{ total: true, size: false }, 6]
    ] as const) {
      const deaths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 3 })
      fc.assert(
        fc.property(fc.integer({ min: 20, max: 300 }), moves(10), deaths, (count, schedule, diesAt) => {
          const list = newList(count)
          const { missed, end } = walked(
            list,
            { ...honest, tells },
            {
              largest: 20,
              diesAt,
              between: (requests) => {
                for (const { at, what, where } of schedule) if (at === requests) move(list, what, where)
              }
            }
          )
          if (end?.complete === true) assert.deepStrictEqual(missed, [])
          else assert.match(end?.reason ?? "", /may be missing/)
        }),
        { numRuns: 1_000, seed }
      )
    }
  })

  it("takes up a cursor of an earlier version, and takes any other text for the beginning", () => {
    assert.deepStrictEqual(readPlace("200"), { rows: 200, mark: null })
    assert.deepStrictEqual([readPlace(null), readPlace("x"), readPlace('{"rows":-1}')], [null, null, null])
  })

  it("ends where it turns in a circle, and where it grows without end", () => {
    const circle: Vendor = { ...honest, sizeOf: (asked) => asked }
    const list = newList(5_000)
    const walk = pageWalk({ largest: 50, from: null })
    let endless: string | null = null
    for (let requests = 0; endless === null && requests < 20; requests++) {
      const { size } = walk.next()
      const rows = list.rows
        .slice(0, size)
        .map((row) => ({ id: String(row), startedAt: null, stored: false }))
      endless = walk.received({ rows, total: 5_000, size: circle.sizeOf(size) }).endless
    }
    assert.match(endless ?? "", /again/)

    const growing = pageWalk({ largest: 50, from: null, mostPages: 30 })
    let next = 0
    let pages = 0
    for (endless = null; endless === null && pages < 100; pages++) {
      const { size } = growing.next()
      const rows = Array.from({ length: size }, () => ({
        id: String(next++),
        startedAt: null,
        stored: false
      }))
      endless = growing.received({ rows, total: null, size: null }).endless
    }
    assert.match(endless ?? "", /went on after 31 pages/)
  })
})
