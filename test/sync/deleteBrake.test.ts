import { describe, expect, it } from "vitest"
import { listBrake, sampleBrake } from "../../src/sync/deleteBrake.ts"

const usual = { deleteBrake: { share: 0.02, rows: 50 } }
const everything = { deleteBrake: { share: 1, rows: 50 } }

const isStopped = (asked: number, gone: number, held: number, config = usual) =>
  sampleBrake(config, { asked, gone, held }) !== null

describe("conversations that are asked for and do not exist", () => {
  it("are believed one by one, however small the sample", () => {
    for (const asked of [1, 2, 3, 300])
      expect({ asked, is: isStopped(asked, 1, 400) }).toEqual({ asked, is: false })
    expect(isStopped(1, 0, 1)).toBe(false)
    expect(isStopped(0, 0, 0)).toBe(false)
  })

  it("are not believed where none of those asked for is there, however few, unless all may go", () => {
    for (const [asked, held] of [
      [1, 1],
      [2, 2],
      [2, 1000],
      [80, 80],
      [300, 1_000_000]
    ] as const) {
      expect({ asked, held, stopped: isStopped(asked, asked, held) }).toEqual({ asked, held, stopped: true })
      expect(isStopped(asked, asked, held, everything)).toBe(false)
    }
    expect(sampleBrake(usual, { asked: 1, gone: 1, held: 1 })?.message).toBe(
      "the provider says that the only requested conversation does not exist; none was marked deleted"
    )
  })

  it("are counted among those asked for, not among those held", () => {
    // A fiftieth of a million is 20,000; of 5,000 it is 100.
    expect(isStopped(5000, 100, 1_000_000)).toBe(false)
    expect(isStopped(5000, 101, 1_000_000)).toBe(true)
    expect(isStopped(80, 50, 80)).toBe(false)
    expect(sampleBrake(usual, { asked: 80, gone: 51, held: 80 })).toMatchObject({
      kind: "delete_brake",
      message:
        "the provider says that 51 of the 80 requested conversations do not exist, more than the 50 that one run may mark deleted; none was marked"
    })
  })
})

describe("conversations that are no longer listed", () => {
  it("are counted among those held", () => {
    expect(listBrake(usual, 50, 130)).toBeNull()
    expect(listBrake(usual, 51, 130)?.message).toMatch(/^51 of 130 /)
    expect(listBrake(usual, 200, 10_000)).toBeNull()
    expect(listBrake(usual, 201, 10_000)?.kind).toBe("delete_brake")
    expect(listBrake(usual, 3, 3)?.message).toMatch(/lists none of the 3/)
    expect(listBrake(everything, 3, 3)).toBeNull()
  })
})
