import { afterEach, describe, expect, it } from "vitest"
import { type Opened, type OpenOptions, openPage } from "./browser.ts"

/*
 * What a person does: reads, decides, sends, and sees what becomes of it. The page is loaded once in each test.
 */

let opened: Opened | null = null

const open = async (options: OpenOptions = {}): Promise<Opened> => {
  opened = await openPage(options)
  return opened
}

afterEach(async () => {
  const { complaints = [], strangers = [] } = opened ?? {}
  await opened?.close()
  opened = null
  expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
})

/** The one row of a query on the mirror, read anew until `isWanted`. */
const eventually = async <A>(read: () => A, isWanted: (value: A) => boolean): Promise<A> => {
  for (;;) {
    const value = read()
    if (isWanted(value)) return value
    await new Promise((next) => setTimeout(next, 50))
  }
}

/** Marks the document, so that one that was loaded again is noticed. */
const mark = ({ page }: Opened) => page.evaluate("window.isFirst = true")
const isMarked = ({ page }: Opened) => page.evaluate("window.isFirst === true")

describe("the page", () => {
  it("takes a whole triage by keyboard, and shows each change until it is confirmed", async () => {
    const one = await open()
    const { page, workspace } = one
    await page.locator(".list li").first().waitFor()
    await mark(one)
    const completable = "c.remote_status = 'active' AND w.status = 'completed'"
    const [{ connection = "" } = {}] = workspace.rows<{ connection: string }>(
      `SELECT c.connection, count(*) AS n FROM conversations c JOIN writable_statuses w ON w.connection = c.connection
       WHERE ${completable} GROUP BY 1 ORDER BY n DESC LIMIT 1`
    )
    await page.getByLabel("Connection", { exact: true }).selectOption(connection)
    await page.getByLabel("Show", { exact: true }).selectOption("active")
    await page.waitForURL(/status=active/)
    await page.getByLabel("Show", { exact: true }).blur()
    await page.locator('.list ul[aria-busy=false] a[href*="status=active"]').first().waitFor()
    const rows = page.locator(".list li a")
    const hrefs = await rows.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""))
    const ids = hrefs.map((href) => decodeURIComponent(href.slice(3).split("?")[0] ?? ""))
    expect(ids.length).toBeGreaterThan(2)

    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await page.waitForURL((url) => decodeURIComponent(url.pathname) === `/c/${ids[0]}`)
    await page.locator("article[data-role]").first().waitFor()
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.waitForURL((url) => decodeURIComponent(url.pathname) === `/c/${ids[1]}`)
    await page.keyboard.press("x")
    expect(await page.getByRole("region", { name: "Selection" }).textContent()).toContain("2 conversations")
    await page.keyboard.press("e")
    const dialog = page.getByRole("dialog", { name: "Change to Completed" })
    await dialog.getByText("2 changes would be sent").waitFor()
    await page.keyboard.press("Enter")
    await dialog.waitFor({ state: "detached" })

    const states = () =>
      workspace.rows<{ id: string; state: string }>(
        "SELECT conversation_id AS id, state FROM status_changes ORDER BY conversation_id"
      )
    const ended = await eventually(
      states,
      (all) => all.length === 2 && all.every(({ state }) => state === "confirmed")
    )
    expect(ended.map(({ id }) => id)).toEqual([...ids.slice(0, 2)].sort())
    // Of the open one, without a key pressed or anything loaded again.
    await page.locator(".reader header .status.completed").waitFor()
    await page.locator(".details .change .state", { hasText: "confirmed" }).waitFor()
    await page.keyboard.press("/")
    expect(await page.evaluate("document.activeElement.id")).toBe("search")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await page.getByRole("dialog", { name: "Keys" }).waitFor()
    await page.keyboard.press("Escape")

    // And back, as the provider had it.
    await page.getByRole("link", { name: "Runs" }).click()
    await page.locator(".runs > li summary").first().click()
    await page.getByRole("button", { name: "Undo its changes" }).first().click()
    await page.getByRole("dialog").getByText("2 changes would be sent").waitFor()
    await page.getByRole("dialog").getByRole("button", { name: "Send" }).click()
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await eventually(states, (all) => all.length === 4 && all.every(({ state }) => state === "confirmed"))
    expect(
      workspace.rows("SELECT remote_status FROM conversations WHERE id IN (?, ?)", ids[0], ids[1])
    ).toEqual([{ remote_status: "active" }, { remote_status: "active" }])
    expect(await isMarked(one)).toBe(true)
  })

  it("shows a conflict in the provider's words, and resolves it either way", async () => {
    const one = await open({ conversations: 12 })
    const { page, workspace } = one
    const [first, second] = workspace.rows<{ id: string; provider_id: string }>(
      "SELECT id, provider_id FROM conversations WHERE connection = 'salon' AND remote_status = 'active' ORDER BY id LIMIT 2"
    )
    if (first === undefined || second === undefined) throw new Error("too few active conversations")
    const { world } = workspace.simulator.vendors.empfio
    for (const { provider_id } of [first, second]) world.setStatus(provider_id, "escalated", Date.now())

    const change = async (id: string) => {
      await page.goto(`${one.origin}/c/${id}`)
      await page.getByLabel("Status", { exact: true }).selectOption("completed")
      await page.getByRole("button", { name: "Review" }).click()
      await page.getByRole("dialog").getByText("1 change would be sent").waitFor()
      await page.getByRole("button", { name: "Send" }).click()
      await page.locator(".details .change .state", { hasText: "in conflict" }).waitFor()
    }
    await change(first.id)
    await page.getByRole("button", { name: "Keep theirs" }).click()
    await page.getByRole("button", { name: "Keep theirs" }).waitFor({ state: "detached" })
    expect(world.conversations.get(first.provider_id)).toMatchObject({ status: "escalated" })

    await change(second.id)
    await page.getByRole("link", { name: "Changes" }).click()
    await page.getByRole("heading", { name: "Changes" }).waitFor()
    const row = page.locator("tr.conflict", { hasText: second.id })
    await row.waitFor()
    expect(await row.locator(".words").textContent()).toMatch(/escalated/)
    await row.getByRole("button", { name: "Ask again" }).click()
    await eventually(
      () => world.conversations.get(second.provider_id)?.status,
      (status) => status === "completed"
    )
    await page.getByText("No change is open, and none waits for a decision.").waitFor()
  })

  it("asks for the number where more are meant than are sent unconfirmed, and can take changes back", async () => {
    const one = await open({
      conversations: 30,
      configure: (yaml) => yaml.replace(/(- name: salon\n)/, "$1    pushBrake: 2\n")
    })
    const { page, workspace } = one
    await page.goto(`${one.origin}/?connection=salon&status=active`)
    await page.locator(".list li").nth(3).waitFor()
    await page.getByLabel("Select all that are listed here").check()
    await page.getByLabel("Status", { exact: true }).selectOption("completed")
    await page.getByRole("button", { name: "Review" }).click()
    const dialog = page.getByRole("dialog")
    const words = (await dialog.getByText(/Type \d+ to confirm/).textContent()) ?? ""
    const number = /Type (\d+)/.exec(words)?.[1] ?? ""
    expect(Number(number)).toBeGreaterThan(2)
    const send = dialog.getByRole("button", { name: "Send" })
    expect(await send.isDisabled()).toBe(true)
    await dialog.getByRole("textbox").fill("1")
    expect(await send.isDisabled()).toBe(true)
    await dialog.getByRole("textbox").fill(number)
    await send.click()
    await dialog.waitFor({ state: "detached" })
    expect(workspace.rows("SELECT 1 FROM status_changes")).toHaveLength(Number(number))
  })

  it("shows what another process brings, without being loaded again", async () => {
    const one = await open({ conversations: 8 })
    const { page, workspace } = one
    const [{ id = "", provider_id = "" } = {}] = workspace.rows<{ id: string; provider_id: string }>(
      "SELECT id, provider_id FROM conversations WHERE connection = 'salon' ORDER BY id LIMIT 1"
    )
    await page.goto(`${one.origin}/c/${id}`)
    await page.locator("article").first().waitFor()
    await page.locator(".live.on").waitFor()
    await mark(one)
    workspace.simulator.vendors.empfio.world.setStatus(provider_id, "abandoned", Date.now())
    expect((await workspace.parley(["sync", "salon", "--quiet"])).code).toBe(0)
    await page.locator(".reader header .status.abandoned").waitFor()
    await page.getByRole("link", { name: "Runs" }).click()
    await page.locator(".runs > li", { hasText: "sync" }).nth(1).waitFor()
    expect(await isMarked(one)).toBe(true)
  })

  it("shows between the messages when a person was asked for", async () => {
    const { page, origin, workspace } = await open()
    const [handoff] = workspace.rows<{ id: string; requested_at: string; earlier: number }>(
      `SELECT h.conversation_id AS id, h.requested_at,
         (SELECT count(*) FROM messages m WHERE m.conversation_id = h.conversation_id AND m.sent_at < h.requested_at) AS earlier
       FROM handoffs h WHERE h.requested_at IS NOT NULL ORDER BY 1 LIMIT 1`
    )
    if (handoff === undefined) throw new Error("no person was asked for")
    await page.goto(`${origin}/c/${handoff.id}`)
    const mark = page.getByRole("note").filter({ hasText: "A person was asked for" })
    await mark.waitFor()
    expect(await mark.locator("time").getAttribute("datetime")).toBe(handoff.requested_at)
    expect(await page.locator("article:has(~ .mark-between)").count()).toBe(handoff.earlier)
  })

  it("offers nothing to change where it is read-only", async () => {
    const { page, origin } = await open({ conversations: 4, serve: ["--read-only"] })
    await page.locator(".list li a").first().click()
    await page.getByText("Nothing can be changed here").waitFor()
    expect(await page.getByRole("button", { name: "Review" }).count()).toBe(0)
    const status = await page.evaluate(async () => {
      const response = await fetch("/api/runs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}"
      })
      return response.status
    })
    expect([origin, status]).toEqual([origin, 403])
    // The browser says so as well.
    opened = { ...(opened as Opened), complaints: [] }
  })
})
