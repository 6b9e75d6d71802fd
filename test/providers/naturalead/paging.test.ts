import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { type Next, next, start, type Walk } from "../../../src/providers/naturalead/paging.ts"

/** What a server does with `skip` and `limit`. `cap`: most elements in one response, whatever was asked. */
interface Server {
  readonly honoursSkip: boolean
  readonly honoursLimit: boolean
  readonly defaultLimit: number
  readonly cap: number
  readonly envelope: boolean
}

const whole: Server = {
  honoursSkip: false,
  honoursLimit: false,
  defaultLimit: Number.POSITIVE_INFINITY,
  cap: Number.POSITIVE_INFINITY,
  envelope: false
}
const paged: Server = { honoursSkip: true, honoursLimit: true, defaultLimit: 50, cap: 1000, envelope: true }

interface Walked {
  readonly end: Extract<Next, { readonly _tag: "Done" }>
  readonly seen: ReadonlySet<number>
  readonly requests: number
}

/** Walks through a list that may be another one at each request. */
const walkThrough = (
  server: Server,
  listAt: (request: number) => ReadonlyArray<number>,
  mayProbe = true
): Walked => {
  const seen = new Set<number>()
  const shown = new Set<number>()
  let walk: Walk = start
  let last: number | undefined
  for (let request = 0; request < 5000; request++) {
    const list = listAt(request)
    const skip = server.honoursSkip ? (walk.skip ?? 0) : 0
    const asked = server.honoursLimit ? (walk.limit ?? server.defaultLimit) : server.defaultLimit
    const rows = list.slice(skip, skip + Math.min(asked, server.cap))
    const before = seen.size
    for (const row of rows) {
      seen.add(row)
      shown.add(row)
    }
    const total = server.envelope ? list.length : null
    const response = {
      elements: rows.length,
      fresh: seen.size - before,
      unique: shown.size,
      total,
      more: false,
      isAnchored: rows[0] === last
    }
    last = rows.at(-1)
    const step = next(walk, response, mayProbe)
    if (step._tag === "Done") return { end: step, seen, requests: request + 1 }
    if (step.walk.pass !== walk.pass) shown.clear()
    walk = step.walk
  }
  return assert.fail("it never ends")
}

const numbers = (length: number) => Array.from({ length }, (_, index) => index)

describe("walking through NaturaLead's list", () => {
  it("asks once where everything comes at once", () => {
    for (const length of [0, 1, 49, 51, 1051, 10_050]) {
      const { end, requests, seen } = walkThrough(whole, () => numbers(length))
      assert.deepStrictEqual([end.complete, requests, seen.size], [true, 1, length])
    }
  })

  it("asks once more where a bare list is as long as a page, and remembers that skip is ignored", () => {
    const { end, requests } = walkThrough(whole, () => numbers(100))
    assert.deepStrictEqual([end.complete, end.ignoresSkip, requests], [true, true, 2])
    assert.strictEqual(walkThrough(whole, () => numbers(100), false).requests, 1)
  })

  it("finds everything on any server that pages, however small its cap", () => {
    const servers = fc.record({
      cap: fc.integer({ min: 1, max: 120 }),
      defaultLimit: fc.constantFrom(50, 20, 100)
    })
    fc.assert(
      fc.property(servers, fc.nat(700), (chosen, length) => {
        const { end, seen } = walkThrough({ ...paged, ...chosen }, () => numbers(length))
        assert.deepStrictEqual([end.complete, seen.size], [true, length])
      })
    )
  })

  it("finds everything where a bare list is cut at the vendor's default", () => {
    for (const length of [49, 50, 51, 100, 250, 1000]) {
      const { end, seen } = walkThrough({ ...paged, envelope: false }, () => numbers(length))
      assert.deepStrictEqual([end.complete, seen.size], [true, length])
    }
  })

  it("ends, and says that it is not whole, where the rest cannot be had", () => {
    const cut = { ...paged, honoursSkip: false, cap: 100 }
    const { end, requests, seen } = walkThrough(cut, () => numbers(140))
    assert.deepStrictEqual([end.complete, seen.size], [false, 100])
    assert.include(end.reason ?? "", "140")
    assert.isAtMost(requests, 10)
    const bare = walkThrough({ ...cut, envelope: false }, () => numbers(140))
    assert.isFalse(bare.end.complete)
  })

  it("ends, and says that it does not know the end, where ever more rows follow", () => {
    const growing = (request: number) => numbers(100 + 50 * (request + 1))
    const { end, seen } = walkThrough({ ...paged, cap: 50 }, growing)
    assert.isFalse(end.complete)
    assert.match(end.reason ?? "", /does not end: it went on after \d+ conversations, although .* holds 150$/)
    assert.isBelow(seen.size, 6_000)

    let walk: Walk = start
    let rows = 0
    let reason: string | null = null
    while (reason === null && rows < 3_000_000) {
      rows += 1_000
      const step = next(
        walk,
        { elements: 1_000, fresh: 1_000, unique: rows, total: null, more: false, isAnchored: false },
        true
      )
      if (step._tag === "Done") reason = step.reason
      else walk = step.walk
    }
    assert.match(reason ?? "", /does not end: it went on after 2001000 conversations$/)
  })

  it("says that a list is not whole which promises rows and gives none", () => {
    const { end } = walkThrough({ ...paged, cap: 0 }, () => numbers(10))
    assert.isFalse(end.complete)
  })

  it("skips nothing that was there from beginning to end, though rows come, go and move between requests", () => {
    const moves = fc.array(
      fc.record({ at: fc.nat(12), kind: fc.constantFrom("insert", "remove", "raise"), row: fc.nat(299) }),
      { maxLength: 6 }
    )
    fc.assert(
      fc.property(moves, fc.integer({ min: 20, max: 60 }), (changes, cap) => {
        const removed = new Set(changes.filter(({ kind }) => kind === "remove").map(({ row }) => row))
        const { end, seen } = walkThrough({ ...paged, cap }, (request) => {
          let list = numbers(300)
          changes.forEach(({ at, kind, row }, index) => {
            if (at > request) return
            if (kind === "insert") list = [1000 + index, ...list]
            else list = list.filter((one) => one !== row)
            if (kind === "raise" && !removed.has(row)) list = [row, ...list]
          })
          return list
        })
        if (!end.complete) return
        for (const row of numbers(300)) assert.isTrue(seen.has(row) || removed.has(row), `row ${row}`)
      }),
      { numRuns: 150 }
    )
  })

  it("does not count what is gone for what it has not shown", () => {
    const moved = numbers(300).slice(1)
    const raised = [296, ...moved.filter((row) => row !== 296)]
    const { end, seen } = walkThrough({ ...paged, cap: 37 }, (request) =>
      request < 8 ? numbers(300) : request < 10 ? moved : raised
    )
    assert.deepStrictEqual([end.complete, seen.has(296)], [true, true])
  })

  it("is complete again once the list has come to rest", () => {
    const { end, seen } = walkThrough(paged, (request) =>
      request === 0 ? numbers(300) : numbers(300).slice(7)
    )
    assert.isTrue(end.complete)
    assert.strictEqual(seen.size, 300)
  })
})
