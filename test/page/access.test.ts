import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { expect, it } from "vitest"
import { openPage } from "./browser.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

const paths = ["", "?waiting=1", "changes", "runs", "quarantine", "query", "report-page"]

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: ReadonlyArray<{ readonly html: string }>
}

it.each([
  { dark: false, width: 1440 },
  { dark: true, width: 390 }
])("finds nothing serious with axe, and nothing wider than the window: %o", async ({ dark, width }) => {
  const opened = await openPage({ dark, width, height: 900, conversations: 20 })
  const { complaints, origin, page, strangers, workspace } = opened
  await workspace.parley([
    "set-status",
    String(
      workspace.rows<{ id: string }>(
        "SELECT id FROM conversations WHERE connection = 'salon' AND remote_status = 'active'"
      )[0]?.id
    ),
    "completed"
  ])
  const id = String(
    workspace.rows<{ id: string }>("SELECT id FROM conversations ORDER BY stored_messages DESC LIMIT 1")[0]
      ?.id
  )
  const found: Array<string> = []
  const check = async (where: string) => {
    await page.waitForTimeout(300)
    await page.evaluate(axe)
    const { violations } = (await page.evaluate("axe.run({ iframes: false })")) as {
      readonly violations: ReadonlyArray<Violation>
    }
    for (const { id: rule, impact, nodes } of violations) {
      if (impact === "serious" || impact === "critical") found.push(`${where}: ${rule}: ${nodes[0]?.html}`)
    }
    const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if (Number(over) > 0) found.push(`${where}: ${over} pixels wider than the window`)
  }
  for (const path of [...paths, `c/${id}`]) {
    await page.goto(`${origin}/${path}`)
    await page.getByRole("heading").first().waitFor()
    if (path === "query") await page.getByRole("button", { name: "Run" }).click()
    await check(`/${path}`)
  }
  await page.getByLabel("Status", { exact: true }).selectOption({ index: 1 })
  await page.getByRole("button", { name: "Review" }).click()
  await page.getByRole("button", { name: "Send" }).waitFor()
  await check("review")
  await page.keyboard.press("Escape")
  await opened.close()
  expect(found).toEqual([])
  expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
})
