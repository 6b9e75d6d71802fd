import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import { escapeKinds } from "../support/hostileText.ts"
import { openPage } from "./browser.ts"

/*
 * Whatever a customer or a provider writes is shown as text: nothing of it runs, and nothing is requested elsewhere.
 */

const evil = "https://evil.example"

const markups = [
  (id: number) => `<img src=x onerror="window.ran=${id}">`,
  (id: number) => `<script>window.ran=${id}</script>`,
  (id: number) => `<svg/onload=window.ran=${id}>`,
  (id: number) => `"><iframe src="${evil}/${id}"></iframe>`,
  (id: number) => `<link rel=stylesheet href=${evil}/${id}.css>`,
  (id: number) => `<style>@import "${evil}/${id}";</style>`,
  (id: number) => `<base href="${evil}/"><a href="/c/${id}">x</a>`,
  (id: number) => `<meta http-equiv=refresh content="0;url=${evil}/${id}">`,
  (id: number) => `javascript:window.ran=${id}`,
  (id: number) => `' onmouseover='window.ran=${id}`,
  (id: number) => `</textarea></pre></dialog><body onload=window.ran=${id}>`,
  (id: number) => `{{constructor.constructor('window.ran=${id}')()}}`,
  (id: number) => `<math><mtext><img src=${evil}/${id} onerror=window.ran=${id}>`,
  (id: number) => `<object data=${evil}/${id}></object><embed src=${evil}/${id}>`,
  (id: number) => `<form action=${evil}/${id}><button>go</button></form>`
]

const wraps = [
  (text: string) => text,
  (text: string) => `a ${text} b`,
  (text: string) => text.toUpperCase(),
  (text: string) => text.replaceAll("<", "\u003c\u0000").replaceAll("=", " = "),
  (text: string) => encodeURIComponent(text),
  (text: string) => text.replaceAll("<", "&lt;").replaceAll(">", "&#62;"),
  (text: string) => `\u202e${text}\u2066`,
  (text: string) => `${"long".repeat(2_000)}${text}`,
  (text: string) => `\ud800${text}\uffff`,
  (text: string) => `__proto__ constructor ${text}`
]

const texts = [
  ...markups.flatMap((markup, one) => wraps.map((wrap, other) => wrap(markup(one * wraps.length + other)))),
  ...Object.values(escapeKinds).flatMap((kind, index) =>
    markups.slice(0, 5).map((markup) => `${kind}${markup(index)}`)
  )
].slice(0, 300)

/** Names whose values the page compares or computes with; every other text is replaced. */
const kept = /^(next|earlier|later|cursor|time_zone|.*_at|at|until|.*_until|database)$/

/** The same answer with a hostile text in every field; ids stay different from each other. */
const spoil = (value: unknown, draw: () => string, name = ""): unknown => {
  if (typeof value === "string") return kept.test(name) ? value : draw()
  if (Array.isArray(value)) return value.map((one) => spoil(one, draw, name))
  if (typeof value !== "object" || value === null) return value === null && !kept.test(name) ? draw() : value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoil(one, draw, key)]))
}

/** What an attribute must never lead to. */
const dangerous = `[...document.querySelectorAll("[href], [src], [action], [formaction], [data]")].filter((element) =>
  ["href", "src", "action", "formaction", "data"].some((name) => {
    const value = element.getAttribute(name)
    if (value === null || value.startsWith("data:image/svg+xml,")) return false
    return new URL(value, location.href).origin !== location.origin
  })
).map((element) => element.outerHTML)`

const handlers = `[...document.querySelectorAll("*")].filter((element) =>
  [...element.attributes].some(({ name }) => name.startsWith("on"))
).map((element) => element.outerHTML)`

const look = async (page: Page) => {
  await page.waitForTimeout(150)
  expect(await page.evaluate("window.ran")).toBeUndefined()
  expect(await page.evaluate(dangerous)).toEqual([])
  expect(await page.evaluate(handlers)).toEqual([])
  expect(await page.locator("script").count()).toBe(1)
}

it("shows 300 hostile texts in every field of every page as text", async () => {
  expect(texts.length).toBe(300)
  const opened = await openPage({ conversations: 10, serve: ["--watch", "1h"] })
  const { origin, page, strangers, workspace } = opened
  const id = String(workspace.rows<{ id: string }>("SELECT id FROM conversations LIMIT 1")[0]?.id)
  const dialogs: Array<string> = []
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  let drawn = 0
  const draw = () => `${texts[drawn++ % texts.length]}`
  await page.route(/\/api\/(?!events|settings|session)/, async (route) => {
    try {
      const response = await route.fetch()
      await route.fulfill({ response, json: spoil(await response.json(), draw) })
    } catch {
      // The page has gone on to another address meanwhile.
    }
  })
  for (const path of ["", `c/${id}`, "?q=img", "?waiting=1", "changes", "runs", "quarantine", "query"]) {
    await page.goto(`${origin}/${path}`)
    await page.getByRole("heading", { level: 1 }).first().waitFor()
    await look(page)
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    if (path === "query") await page.getByRole("button", { name: "Run", exact: true }).click()
    await look(page)
  }
  // Each of them was shown by the page at least once, in a message.
  let shown = 0
  await page.unroute(/\/api\/(?!events|settings|session)/)
  await page.route(/\/messages/, (route) =>
    route.fulfill({
      json: {
        items: texts.map((content, position) => ({
          ...{ id: `m${position}`, position, role: "customer", provider_role: content, type: content },
          ...{ content, sent_at: null, attributes: {} }
        })),
        earlier: null,
        later: null
      }
    })
  )
  await page.goto(`${origin}/c/${id}?q=window`)
  await page.locator("article").nth(299).waitFor({ state: "attached" })
  const contents = await page.locator("article p").allTextContents()
  for (const [index, text] of texts.entries())
    if (contents[index] === text.replaceAll("\r", "\n") || contents[index] === text) shown += 1
  expect(shown).toBe(300)
  await look(page)
  expect({ strangers, dialogs }).toEqual({ strangers: [], dialogs: [] })
  expect(drawn).toBeGreaterThan(300)
  await opened.close()
})
