import { describe, expect, it } from "vitest"
import { asTypedIn } from "../../../src/cli/terminal/asTyped.ts"

const hint =
  "parley: no mirror yet\n  Run `parley sync` first (parley sync --help); Parley waits.\n  parley init   begins"

describe("commands in hints", () => {
  it("stand as they were typed: through npx, and through npm run", () => {
    for (const script of ['parley "status"', "parley status", "node dist/parley.js demo"]) {
      expect(asTypedIn({ npm_lifecycle_script: script })(hint)).toBe(
        "parley: no mirror yet\n  Run `npx parley sync` first (npx parley sync --help); Parley waits.\n  npx parley init   begins"
      )
    }
  })

  it("name the package where npm fetched it for this once: another package has the command's name", () => {
    const typed = asTypedIn(
      { npm_lifecycle_script: "parley status" },
      "/h/.npm/_npx/1f/node_modules/parley-mirror/dist/parley.js"
    )
    expect(typed("`parley sync`")).toBe("`npx -p parley-mirror parley sync`")
  })

  it("stand as they are where the program is found without npm, or npm runs something else", () => {
    for (const environment of [
      {},
      { npm_lifecycle_script: "vitest run" },
      { npm_lifecycle_script: "node parleying" }
    ]) {
      expect(asTypedIn(environment)(hint)).toBe(hint)
    }
  })
})
