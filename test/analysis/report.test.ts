import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { fillMirror, madeUpDialogues } from "../../bench/support/largeMirror.ts"
import { type Bounds, everything, type ReportScope, readReport } from "../../src/analysis/report/data.ts"
import { periodsOf } from "../../src/analysis/report/periods.ts"
import { writeReport } from "../../src/analysis/report.ts"
import { Db, type Session } from "../../src/store/Db.ts"
import { temporaryFile, temporaryFolder } from "../store/fixtures.ts"
import { chromium, type Tab, tabOf } from "./browser.ts"
import { at, mirrorFile, run, talk } from "./smallMirror.ts"

const writing = (mirror: string, out: string, overwrite = false) =>
  Effect.provide(writeReport(out, overwrite), Db.layer(mirror, { readOnly: true }))

const pageOf = (fill: (session: Session) => void) =>
  Effect.gen(function* () {
    const mirror = yield* mirrorFile(fill)
    const out = join(yield* temporaryFolder, "report.html")
    yield* writing(mirror, out)
    return readFileSync(out, "utf8")
  })

/** A mirror in which every plot has something to show. */
const fullMirror = Effect.tap(temporaryFile, (path) =>
  Effect.provide(
    Effect.flatMap(Db, (db) =>
      db.transaction("test", (session) => {
        fillMirror(session, {
          messages: 6_000,
          dialogues: madeUpDialogues,
          now: Date.UTC(2026, 2, 7, 8),
          days: 60
        })
        for (const [index, outcome] of ["partial", "failed", "interrupted"].entries()) {
          run(session, at(index * 100))
          session.prepare("UPDATE runs SET outcome = ? WHERE id = (SELECT max(id) FROM runs)").run(outcome)
        }
        session.database.exec(
          "UPDATE run_connections SET outcome = 'failed', error_message = 'the key <b>is not</b> accepted' WHERE run_id = 4 AND connection = 'leads'"
        )
      })
    ),
    Db.layer(path)
  )
)

const titles = [
  "Waiting for a person",
  /^Conversations started each (day|week)$/,
  "Channels",
  "Agent against person",
  "How conversations stand",
  "Completed, handed off, abandoned",
  "Qualified leads",
  "Time to the first answer",
  "Time to the first answer, by channel",
  "When customers write",
  "Latest runs"
]

describe("a report", () => {
  it.scoped("says so where there is nothing to draw", () =>
    Effect.gen(function* () {
      const page = yield* pageOf(() => undefined)
      expect(page).toContain("There are no conversations in the mirror yet")
      expect(page).toContain("<h2>Freshness and health</h2>")
    })
  )

  it.scoped("escapes what providers and users call things", () =>
    Effect.gen(function* () {
      const page = yield* pageOf((session) => {
        talk(session, {
          id: "a",
          channel: `<script>alert("1")</script>'&`,
          lines: [
            ["customer", 0],
            ["agent", 1]
          ]
        })
      })
      expect(page).not.toContain("<script")
      expect(page).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;")
    })
  )

  it.scoped("holds nothing that was said, and nobody's name, address, number or id", () =>
    Effect.gen(function* () {
      const page = yield* pageOf((session) => {
        talk(session, {
          id: "+15555550177",
          title: "Title-word",
          status: "handed_off",
          lines: [
            ["customer", 0, "Content-word"],
            ["agent", 1, "Answer-word"]
          ]
        })
        session.database.exec(`
          UPDATE remote_contacts SET name = 'Name-word', email = 'mail-word@example.com', phone = '+15555550188';
          UPDATE remote_conversations SET summary = 'Summary-word', qualified = 1, qualification_reason = 'Reason-word';
          UPDATE conversations SET status = 'completed'`)
      })
      expect(page).not.toMatch(/5555550177|5555550188|-word/)
    })
  )

  it.scoped("replaces an earlier report, and no other file unless it is told to", () =>
    Effect.gen(function* () {
      const mirror = yield* mirrorFile(() => undefined)
      const folder = yield* temporaryFolder
      const out = join(folder, "report.html")
      yield* writing(mirror, out)
      yield* writing(mirror, out)
      expect(statSync(out).mode & 0o777).toBe(0o600)
      writeFileSync(out, "mine")
      const error = yield* Effect.flip(writing(mirror, out))
      expect(error).toMatchObject({
        kind: "refused",
        message: `${out} exists already, and is not a report of Parley's`
      })
      expect(readFileSync(out, "utf8")).toBe("mine")
      yield* writing(mirror, out, true)
      expect(readFileSync(out, "utf8")).toMatch(/^<!doctype html>/)
      const nowhere = yield* Effect.flip(writing(mirror, join(folder, "none", "report.html")))
      expect(nowhere.message).toBe(
        `${join(folder, "none", "report.html")} cannot be written: its folder does not exist`
      )
      expect(existsSync(join(folder, "none"))).toBe(false)
    })
  )

  it.scoped("has a name for every plot and its numbers in a table behind it", () =>
    Effect.gen(function* () {
      const out = join(yield* temporaryFolder, "report.html")
      yield* writing(yield* fullMirror, out)
      const page = readFileSync(out, "utf8")
      const figures = page.match(/<figure.*?<\/figure>/gs) ?? []
      const named = figures.map((figure) => /<h3>(.*?)<\/h3>/.exec(figure)?.[1])
      expect(named).toEqual(
        titles.map((title) => (typeof title === "string" ? title : expect.stringMatching(title)))
      )
      for (const figure of figures) {
        expect(figure.match(/<svg [^>]*role="img" aria-label="[^"]+"/g)).toHaveLength(2)
        expect(figure).toMatch(
          /<details><summary>.+<\/summary>.*<caption>.+<th scope="col">.+<th scope="row">/s
        )
        expect(figure).not.toMatch(/NaN|Infinity|undefined|null/)
      }
      expect(page).not.toMatch(/https?:\/\/|<script|@import|url\(/)
    })
  )
})

describe("the numbers of a report", () => {
  const day = 86_400
  const fill = (session: Session): void => {
    for (const [id, start, answer] of [
      ["a", 0, 10],
      ["b", day, 30],
      ["c", 2 * day, 20],
      ["d", 3 * day, 90]
    ] as const) {
      const lines = [
        ["customer", start],
        ["agent", start + answer]
      ] as const
      talk(session, { id, startedAt: at(start), status: id === "d" ? "abandoned" : "completed", lines })
    }
    talk(session, { connection: "salon", id: "s", startedAt: at(2 * day), lines: [["customer", 2 * day]] })
    talk(session, { id: "old", startedAt: "1970-01-01T00:00:00.000Z" })
    talk(session, { id: "far", startedAt: "2031-01-01T00:00:00.000Z", status: "handed_off" })
    session.database.exec(`INSERT INTO readable_statuses VALUES ('salon', 'active'), ('salon', 'completed');
      UPDATE conversations SET status = 'completed' WHERE id = 'leads:d'`)
  }
  const now = at(4 * day)
  const report = (scope: Partial<ReportScope>) =>
    Effect.flatMap(mirrorFile(fill), (path) =>
      Effect.provide(
        Effect.flatMap(Db, (db) =>
          db.use("test", (session) => readReport(session, now, { ...everything, ...scope }))
        ),
        Db.layer(path, { readOnly: true })
      )
    )

  it.scoped("count what the providers hold, each rate of those that can say it", () =>
    Effect.gen(function* () {
      const { longest, totals, undated, volume, weeks } = yield* report({})
      expect(totals).toMatchObject({
        conversations: 7,
        answers: { median: 20, p90: 90, of: 4 },
        completed: { share: 3 / 7, of: 7 },
        abandoned: { share: 1 / 6, of: 6 },
        waiting: 1,
        changesRequested: 1
      })
      // One date of 1970, or of 2031, does not make the plot decades long.
      expect(undated).toBe(2)
      expect(volume.map((row) => row.day)).toEqual([
        "2026-03-07",
        "2026-03-08",
        "2026-03-09",
        "2026-03-09",
        "2026-03-10"
      ])
      expect(weeks.map(({ conversations, week }) => [week, conversations])).toEqual([
        ["2026-03-02", 2],
        ["2026-03-09", 3]
      ])
      expect(longest).toHaveLength(1)
    })
  )

  it.scoped("are those of the period and the connection, with the period before beside them", () =>
    Effect.gen(function* () {
      const { before, bounds, totals, waiting } = yield* report({
        since: at(2 * day),
        until: at(4 * day),
        connection: "leads",
        compare: true
      })
      expect(totals).toMatchObject({ conversations: 2, answers: { median: 20, of: 2 } })
      expect(before).toMatchObject({
        conversations: 2,
        answers: { median: 10, of: 2 },
        completed: { share: 1, of: 2 }
      })
      expect(bounds).toEqual({ first: "2026-03-09", firstIsPart: true, last: "2026-03-11", lastIsPart: true })
      // Who waits does so now, whenever it began.
      expect(waiting.map(({ connection }) => connection)).toEqual(["leads"])
    })
  )

  it("mark the first and the last period where they are counted in part", () => {
    const counted = ["2026-03-07", "2026-03-08", "2026-03-09"].map((each) => ({
      day: each,
      series: 0,
      count: 1
    }))
    const bounds = { first: "2026-03-07", firstIsPart: true, last: "2026-03-09", lastIsPart: false }
    expect(periodsOf(counted, 1, bounds).periods.map(({ isPartial }) => isPartial)).toEqual([
      true,
      false,
      false
    ])
    expect(periodsOf(counted, 1, bounds).periods[0]?.label).toBe("7 Mar 2026 (in part)")
    const still = { ...bounds, firstIsPart: false, lastIsPart: true }
    expect(periodsOf(counted, 1, still).periods.map(({ isPartial }) => isPartial)).toEqual([
      false,
      false,
      true
    ])
  })
})

describe("the days of a report", () => {
  const open: Bounds = { first: null, firstIsPart: false, last: "2026-12-31", lastIsPart: false }

  it("are all there, also those on which nothing began", () => {
    const { periods, step } = periodsOf(
      [
        { day: "2026-03-01", series: 0, count: 2 },
        { day: "2026-03-04", series: 1, count: 3 }
      ],
      2,
      open
    )
    expect(step).toBe("day")
    expect(periods.map(({ values }) => values)).toEqual([
      [2, 0],
      [0, 0],
      [0, 0],
      [0, 3]
    ])
  })

  it("become weeks, months and years before they are too many to see", () => {
    const stepOf = (from: string, to: string) => {
      const counted = [from, to].map((day) => ({ day, series: 0, count: 1 }))
      const { periods, step } = periodsOf(counted, 1, open)
      expect(periods.length).toBeLessThan(130)
      expect(periods.reduce((sum, { values }) => sum + (values[0] ?? 0), 0)).toBe(2)
      return step
    }
    expect(stepOf("2026-01-01", "2026-04-01")).toBe("day")
    expect(stepOf("2025-01-01", "2026-04-01")).toBe("week")
    expect(stepOf("2021-01-30", "2026-04-01")).toBe("month")
    expect(stepOf("1990-01-01", "2026-04-01")).toBe("year")
  })
})

/** For every text that is shown: how much it stands out against what is behind it, where that is too little. */
const faintTexts = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number)
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = (element) => {
    if (element.classList.contains("inside")) return parse(getComputedStyle(element.previousElementSibling).fill)
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor)
      if (color.length === 3 || color[3] > 0) return color
    }
    return [255, 255, 255]
  }
  return [...document.querySelectorAll("h1, h2, h3, p, dt, dd span, li, td, th, caption, summary, footer, small, svg text")]
    .filter((element) => element.getClientRects().length > 0 && element.textContent.trim() !== "")
    .map((element) => {
      const style = getComputedStyle(element)
      const [a, b] = [light(parse(element.tagName === "text" ? style.fill : style.color)), light(behind(element))]
      return { text: element.textContent.slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) }
    })
    .filter(({ ratio }) => ratio < 4.5)
})()`

/** Labels of plots that reach out of the page, or lie on each other. */
const badLabels = `(() => {
  const wrong = []
  for (const svg of document.querySelectorAll("svg")) {
    if (svg.getClientRects().length === 0) continue
    const frame = svg.getBoundingClientRect()
    const boxes = [...svg.querySelectorAll("text")].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }))
    for (const { box, text } of boxes) if (box.left < frame.left - 3 || box.right > frame.right + 3) wrong.push(svg.getAttribute("aria-label") + ": " + text)
    for (const [i, one] of boxes.entries()) for (const other of boxes.slice(i + 1)) {
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left)
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top)
      if (wide > 2 && high > 4) wrong.push(svg.getAttribute("aria-label") + ": " + one.text + " / " + other.text)
    }
  }
  return wrong
})()`

const resize = (tab: Tab, width: number) =>
  tab.send("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false })

describe.skipIf(chromium === null)("a report in a browser", () => {
  it.scopedLive(
    "asks for nothing, complains about nothing, and can be read in light, dark, print and narrow windows",
    () =>
      Effect.gen(function* () {
        const out = join(yield* temporaryFolder, "report.html")
        yield* writing(yield* fullMirror, out)
        const url = pathToFileURL(out).href
        const tab = yield* tabOf(chromium ?? "")
        yield* Effect.promise(async () => {
          await tab.send("Page.navigate", { url })
          await tab.until("Page.loadEventFired")
          for (const [width, media, scheme] of [
            [1200, "screen", "light"],
            [1200, "screen", "dark"],
            [360, "screen", "light"],
            [720, "print", "dark"]
          ] as const) {
            const where = `${width} ${media} ${scheme}`
            await resize(tab, width)
            await tab.send("Emulation.setEmulatedMedia", {
              media,
              features: [{ name: "prefers-color-scheme", value: scheme }]
            })
            expect(
              await tab.evaluate(
                "[...document.querySelectorAll('.plot')].filter((p) => p.getClientRects().length > 0).length"
              ),
              where
            ).toBe(titles.length)
            expect(
              await tab.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
              ),
              where
            ).toBeLessThanOrEqual(0)
            expect(await tab.evaluate(faintTexts), where).toEqual([])
            expect(await tab.evaluate(badLabels), where).toEqual([])
          }
          expect(await tab.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(
            "rgb(255, 255, 255)"
          )
          await tab.send("Emulation.setEmulatedMedia", {
            media: "screen",
            features: [{ name: "prefers-color-scheme", value: "dark" }]
          })
          expect(await tab.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(
            "rgb(20, 22, 26)"
          )
          expect(await tab.evaluate("document.querySelector('.fault').textContent")).toBe(
            "the key <b>is not</b> accepted"
          )
        })
        const requests = tab
          .heard("Network.requestWillBeSent")
          .map(({ request }) => (request as { url: string }).url)
        expect(requests.filter((each) => each !== url && !each.startsWith("data:"))).toEqual([])
        expect(tab.heard("Log.entryAdded")).toEqual([])
        expect(tab.heard("Runtime.consoleAPICalled")).toEqual([])
        expect(tab.heard("Runtime.exceptionThrown")).toEqual([])
      })
  )
})
