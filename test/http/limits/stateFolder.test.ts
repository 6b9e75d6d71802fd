import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { stateFolder } from "../../../src/http/limits/shared/stateFolder.ts"

const folderOf = (environment: Readonly<Record<string, string>>) => stateFolder(environment).folder

it("keeps shared state where XDG says, else below the home folder; a relative path counts as none", () => {
  expect(folderOf({ XDG_STATE_HOME: "/state", HOME: "/h" })).toBe("/state/parley")
  expect(folderOf({ XDG_STATE_HOME: "state", HOME: "/h" })).toBe("/h/.local/state/parley")
  expect(folderOf({ HOME: "/h" })).toBe("/h/.local/state/parley")
})

it("finds the home folder of a user whose environment does not tell it", () => {
  expect([join(homedir(), ".local/state/parley"), join(tmpdir(), `parley-${process.getuid?.()}`)]).toContain(
    folderOf({})
  )
})
