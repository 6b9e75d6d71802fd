import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import { columnWidths, renderTable, whole } from "../../../src/cli/terminal/table.ts"
import { textWidth } from "../../../src/cli/terminal/width.ts"

const columns = [{ name: "name" }, { name: "what was said" }, { name: "count", right: true }]
const rows = [
  ["leads", "a long remark that goes on for quite a while", "1"],
  ["日本", "short", "12,345"]
]

describe("a table", () => {
  it("is as wide as its content where there is room", () => {
    expect(renderTable(columns, rows, 80).split("\n")).toEqual([
      "name   what was said                                  count",
      "-----  --------------------------------------------  ------",
      "leads  a long remark that goes on for quite a while       1",
      "日本   short                                         12,345"
    ])
  })

  it("cuts its widest cells on a narrow terminal, and nothing else", () => {
    expect(renderTable(columns, rows, 40).split("\n")).toEqual([
      "name   what was said               count",
      "-----  -------------------------  ------",
      "leads  a long remark that goes …       1",
      "日本   short                      12,345"
    ])
  })

  it("turns each row into a block where there is no room for columns", () => {
    expect(renderTable(columns, rows, 18).split("\n")).toEqual([
      "name           le…",
      "what was said  a …",
      "count          1",
      "",
      "name           日…",
      "what was said  sh…",
      "count          12…"
    ])
  })

  it("leaves out what is spare, then cuts names, before it gives up where no cell may be cut", () => {
    const outcomes = whole([
      { name: "conversation" },
      { name: "outcome" },
      { name: "waited in all", spare: 1 }
    ])
    const shown = (room: number) => renderTable(outcomes, [["salon:0a7041a0", "complete", "12s"]], room)
    expect(shown(39).split("\n")).toEqual([
      "conversation    outcome   waited in all",
      "--------------  --------  -------------",
      "salon:0a7041a0  complete  12s"
    ])
    expect(shown(34).split("\n")).toEqual([
      "conversation    outcome",
      "--------------  --------",
      "salon:0a7041a0  complete"
    ])
    expect(shown(23).split("\n")).toEqual([
      "conversation   salon:0a7041a0",
      "outcome        complete",
      "waited in all  12s"
    ])
  })

  it("goes on in the next line of a block where no cell may be cut", () => {
    const text = "refused: it has ended and stays as it is"
    expect(renderTable(whole([{ name: "id" }, { name: "why" }]), [["1", text]], 30).split("\n")).toEqual([
      "id   1",
      "why  refused: it has ended and",
      "     stays as it is"
    ])
  })

  it("is never cut in a file or a pipe", () => {
    expect(renderTable(columns, rows, null)).toContain(
      "a long remark that goes on for quite a while       1\n"
    )
  })

  it("keeps each row in one line, whatever a cell holds", () => {
    const text = renderTable(columns, [["a\nb", "c\u001b[2Jd", "1"]], null)
    expect(text.split("\n")).toHaveLength(3)
    expect(text).not.toContain("\u001b")
  })

  it("never oversteps the terminal", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.string(), fc.nat().map(String)), {
          maxLength: 6
        }),
        fc.integer({ min: 10, max: 120 }),
        (cells, room) => {
          const lines = renderTable(columns, cells, room).split("\n")
          expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(room)
        }
      )
    )
  })

  it("shares what room there is so that small columns stay whole", () => {
    expect(columnWidths([3, 50, 4], 30)).toEqual([3, 19, 4])
    expect(columnWidths([40, 50, 4], 40)).toEqual([16, 16, 4])
    expect(columnWidths([40, 50, 40], 12)).toBeNull()
  })
})
