/*
 * The page over a large mirror: how long answers take, and how long a browser waits for what it shows.
 *   npm run build && npm run bench page [messages]
 * The mirror is kept in the folder for temporary files and used again. Needs Chromium (`chromium`, or $CHROMIUM).
 */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, renameSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { Effect, Layer } from "effect"
import { chromium } from "playwright-core"
import type { Message } from "../src/domain/Conversation.ts"
import { now } from "../src/domain/Timestamp.ts"
import type { Page, Sighting } from "../src/providers/Provider.ts"
import { Db } from "../src/store/Db.ts"
import { Ledger } from "../src/store/ledger/Ledger.ts"
import { migrations } from "../src/store/migrations/index.ts"
import { Mirror } from "../src/store/mirror/Mirror.ts"
import { madeUpDialogues } from "./support/largeMirror.ts"

const messages = Number(process.argv[2] ?? 1_000_000)
const path = join(tmpdir(), `parley-page-${messages}-${migrations.length}.db`)
const runs = 15

const print = (line: string) => process.stdout.write(`${line}\n`)

const connections = ["leads", "support", "salon", "inbox"]
const statuses = [
  "active",
  "active",
  "completed",
  "completed",
  "completed",
  "handed_off",
  "abandoned"
] as const
const channels = ["web", "whatsapp", "messenger", "voice"]
const end = Date.UTC(2026, 2, 7, 8)

const turn = (id: string, position: number, at: number, customer: boolean, content: string): Message => ({
  messageId: `${id}-${position}`,
  providerId: `${id}-${position}`,
  role: customer ? "customer" : "agent",
  providerRole: customer ? "user" : "assistant",
  type: "text",
  content,
  sentAt: now(at),
  sentAtSource: "timestamp",
  attributes: {}
})

const sightingOf = (index: number, length: number | null): Sighting => {
  const id =
    length === null ? `conv_${((index * 2654435761) % 4294967296).toString(16)}_${index}` : `long_${index}`
  const began = end - index * 97_000
  const dialogue = madeUpDialogues[index % madeUpDialogues.length] ?? []
  const turns =
    length === null
      ? dialogue
      : Array.from({ length }, (_, at) => dialogue[at % dialogue.length] ?? ([true, "hello"] as const))
  const items = turns.map(([customer, content], position) =>
    turn(id, position, began + position * 1_000, customer, content)
  )
  const status = statuses[index % statuses.length] ?? "active"
  return {
    _tag: "Sighting",
    conversation: {
      ...{
        providerId: id,
        contactId: `person_${index}`,
        channel: channels[index % 4] ?? "web",
        providerChannel: null
      },
      ...{ status, providerStatus: status, agentId: null, campaignId: null, title: null, summary: null },
      ...{
        qualified: null,
        qualificationReason: null,
        tags: [],
        attributes: {},
        declaredMessages: items.length
      },
      ...{ startedAt: now(began), lastMessageAt: now(began + items.length * 1_000), updatedAt: now(began) }
    },
    contact: {
      ...{ providerId: `person_${index}`, name: `Person ${index}`, email: `person${index}@example.com` },
      ...{ phone: null, attributes: {} }
    },
    messages: { extent: "whole", items },
    unreadable: [],
    raw: [],
    fingerprint: null
  }
}

const pageOf = (items: Page["items"], at: number): Page => ({
  exchange: {
    ...{ operation: "list", method: "GET", path: "/conversations", status: 200 },
    ...{ requestedAt: at, receivedAt: at + 9, bytes: 100_000 }
  },
  items,
  cursor: null,
  end: null,
  notices: [],
  learned: {}
})

const fill = Effect.gen(function* () {
  const mirror = yield* Mirror
  const ledger = yield* Ledger
  for (const name of connections) {
    yield* mirror.register({
      name,
      provider: "made-up",
      conflictPolicy: "manual",
      writable: { completed: "done" }
    })
  }
  const runId = yield* ledger.startRun("bench")
  for (const connection of connections) yield* ledger.startConnection({ runId, connection, lane: "sync" })
  let stored = 0
  for (let index = 0; stored < messages; index += 40) {
    const items = Array.from({ length: 40 }, (_, at) => sightingOf(index + at, null))
    if (index === 0) items.push(sightingOf(1, 5_000))
    stored += items.reduce((sum, item) => sum + (item.messages?.items.length ?? 0), 0)
    yield* mirror.commit({
      ...{
        runId,
        connection: connections[(index / 40) % connections.length] ?? "leads",
        lane: "sync" as const
      },
      ...{
        pages: [pageOf(items, end + index)],
        scan: null,
        keepRaw: "newest" as const,
        seen: null,
        overwrites: true
      }
    })
  }
  yield* ledger.finishRun({ runId, outcome: "complete", exitCode: 0 })
  const db = yield* Db
  yield* db.use("bench.checkpoint", ({ database }) => database.pragma("wal_checkpoint(TRUNCATE)"))
}).pipe(Effect.scoped)

if (!existsSync(path)) {
  print(`building ${path} …`)
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}.part${suffix}`, { force: true })
  const store = Layer.mergeAll(Mirror.Default, Ledger.Default).pipe(
    Layer.provideMerge(Db.layer(`${path}.part`))
  )
  await Effect.runPromise(Effect.provide(fill, store))
  renameSync(`${path}.part`, path)
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((done, fail) => {
    child.stdout?.once("data", (piece) => done(String(piece).trim()))
    child.once("close", (code) => fail(new Error(`serve ended with ${code}`)))
  })

const server = spawn(
  process.execPath,
  [resolve("dist/parley.js"), "serve", "--read-only", "--port", "0", "--db", path],
  { stdio: ["ignore", "pipe", "inherit"] }
)
const address = new URL(await firstLine(server))
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"]
})

const shown = (times: ReadonlyArray<number>): string => {
  const sorted = [...times].sort((one, other) => one - other)
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return `${(sorted[0] ?? Number.NaN).toFixed(0).padStart(6)} ${median.toFixed(0).padStart(6)} ${(sorted.at(-1) ?? Number.NaN).toFixed(0).padStart(6)} ms`
}

try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.goto(address.href)
  await page.locator(".list li a").first().waitFor()
  const { origin } = address
  print(
    `${messages} messages, ${Math.round(statSync(path).size / 1e6)} MB: best, median and worst of ${runs}\n`
  )

  const ask = async (name: string, target: string) => {
    const times: Array<number> = []
    let rows = 0
    for (let run = 0; run < runs; run += 1) {
      const [millis, count] = (await page.evaluate(`(async () => {
        const began = performance.now()
        const response = await fetch(${JSON.stringify(target)})
        const { items } = await response.json()
        return [performance.now() - began, items?.length ?? -response.status]
      })()`)) as [number, number]
      times.push(millis)
      rows = count
    }
    print(`${name.padEnd(44)}${shown(times)} ${String(rows).padStart(5)} rows`)
  }
  print("Answers")
  await ask("first rows", "/api/conversations?limit=60")
  for (const status of ["active", "abandoned", "unknown"]) {
    await ask(`first rows, ${status}`, `/api/conversations?limit=60&status=${status}`)
  }
  await ask("first rows, one connection", "/api/conversations?limit=60&connection=salon")
  await ask("first rows, a channel", "/api/conversations?limit=60&channel=voice")
  await ask("first rows, a period", "/api/conversations?limit=60&since=2026-01-10&until=2026-01-11")
  await ask("who waits", "/api/conversations?limit=60&waiting=1")
  const words = (madeUpDialogues[5]?.[0]?.[1] ?? "table").split(" ").slice(0, 4)
  await ask("search: a common word", `/api/search?q=${words[1]}`)
  await ask("search: several words", `/api/search?q=${encodeURIComponent(words.join(" "))}`)
  await ask("search: a word that is not there", "/api/search?q=zyxwv")
  await ask("list of what a common word finds", `/api/conversations?limit=60&q=${words[1]}`)
  await ask("list of what a name finds", "/api/conversations?limit=60&q=Person%204242")
  await ask("5,000 messages: the newest 150", "/api/conversations/leads%3Along_1/messages?limit=150")
  await ask("5,000 messages: a page of 1,000", "/api/conversations/leads%3Along_1/messages?limit=1000")
  await ask("status of all connections", "/api/status")

  print("\nIn the browser")
  const view = async (name: string, begin: () => Promise<unknown>, end: string) => {
    const times: Array<number> = []
    for (let run = 0; run < runs; run += 1) {
      await begin()
      times.push(Number(await page.evaluate(end)))
    }
    print(`${name.padEnd(44)}${shown(times)}`)
  }
  const until = (condition: string) => `new Promise((done) => {
    const look = () => (${condition}) ? done(performance.now() - window.began) : requestAnimationFrame(look)
    look()
  })`
  await view(
    "from nothing to the first rows",
    () => page.goto(`${origin}/`, { waitUntil: "commit" }),
    `window.began = 0; ${until(`document.querySelector(".list li a") !== null`)}`
  )
  await view(
    "open 5,000 messages: the newest are shown",
    async () => {
      await page.goto(`${origin}/`)
      await page.locator(".list li a").first().waitFor()
      await page.evaluate(
        `window.began = performance.now(); history.pushState(null, "", "/c/leads:long_1"); dispatchEvent(new Event("parley:address"))`
      )
    },
    until(`document.querySelector("article") !== null`)
  )
  await view(
    "open 5,000 messages: all are there",
    async () => {
      await page.goto(`${origin}/`)
      await page.locator(".list li a").first().waitFor()
      await page.evaluate(
        `window.began = performance.now(); history.pushState(null, "", "/c/leads:long_1"); dispatchEvent(new Event("parley:address"))`
      )
    },
    until(`document.querySelectorAll("article").length === 5000`)
  )
  const gaps = await page.evaluate(`(async () => {
    const scroller = document.querySelector(".messages")
    let gaps = 0
    for (let top = scroller.scrollHeight; top > 0; top -= 3000) {
      scroller.scrollTop = top
      await new Promise((next) => requestAnimationFrame(next))
      const box = scroller.getBoundingClientRect()
      let filled = 0
      for (let y = box.top + 20; y < box.bottom; y += 60) {
        const at = document.elementsFromPoint(box.left + box.width / 2, y)
        if (at.some((element) => element.closest(".messages") !== null)) filled += 1
      }
      const inView = [...scroller.querySelectorAll("article")].some((one) => {
        const { bottom, top: edge } = one.getBoundingClientRect()
        return bottom > box.top && edge < box.bottom && one.checkVisibility()
      })
      if (filled === 0 || !inView) gaps += 1
    }
    return gaps
  })()`)
  print(`scrolled through 5,000 messages, frames without one    ${gaps}`)
} finally {
  await browser.close()
  server.kill("SIGTERM")
}
