/*
 * The pictures of the README, from the demo and from simulated providers: npm run pictures. Needs Chromium (`chromium`, or $CHROMIUM).
 */
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { chromium } from "playwright-core"

const pictures = resolve("docs/images")
const scratch = mkdtempSync(join(tmpdir(), "parley-pictures-"))
const parley = (...words) =>
  execFileSync(process.execPath, [resolve("dist/parley.js"), ...words], {
    cwd: scratch,
    encoding: "utf8",
    env: { ...process.env, COLUMNS: "110" }
  })

const shoot = (page, picture, width, height) => {
  const { status, stderr } = spawnSync(
    process.env.CHROMIUM ?? "chromium",
    [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--hide-scrollbars",
      `--user-data-dir=${join(scratch, "profile")}`,
      `--window-size=${width},${height}`,
      `--screenshot=${join(pictures, picture)}`,
      `file://${join(scratch, page)}`
    ],
    { encoding: "utf8" }
  )
  if (status !== 0) throw new Error(`Chromium ended with ${status}: ${stderr}`)
}

/** Starts `parley` and waits until it has printed what `end` matches. */
const start = (words, end, environment = {}) => {
  const child = spawn(process.execPath, [resolve("dist/parley.js"), ...words], {
    cwd: scratch,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"]
  })
  return new Promise((done, fail) => {
    let text = ""
    child.stdout.on("data", (piece) => {
      text += piece
      if (end.test(text)) done({ child, text })
    })
    child.once("close", (code) => fail(new Error(`${words[0]} ended with ${code}`)))
  })
}

/** The page: a conversation in light colours, and what would be sent in dark ones. */
const shootPage = async () => {
  const simulated = await start(
    ["simulate", "--conversations", "60", "--seed", "3"],
    /(export \w+='[^']*'\n?){4,}$/
  )
  const secrets = Object.fromEntries(
    [...simulated.text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value])
  )
  const yaml = simulated.text.slice(0, simulated.text.indexOf("# and set in the shell"))
  mkdirSync(join(scratch, "config"))
  writeFileSync(join(scratch, "config/parley.yaml"), yaml)
  execFileSync(process.execPath, [resolve("dist/parley.js"), "sync", "--quiet"], {
    cwd: scratch,
    env: { ...process.env, ...secrets }
  })
  const served = await start(["serve", "--port", "0"], /\n/, secrets)
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"]
  })
  try {
    const page = await browser.newPage({ viewport: { width: 1160, height: 640 } })
    await page.goto(served.text.trim())
    await page.locator(".list li a").nth(2).click()
    await page.locator("article").nth(4).waitFor()
    await page.mouse.move(640, 5)
    await page.waitForTimeout(500)
    await page.screenshot({ path: join(pictures, "page.png") })
    await page.emulateMedia({ colorScheme: "dark" })
    for (const row of [0, 1, 2, 4]) await page.locator(".list li input").nth(row).check()
    const status = page.getByRole("region", { name: "Selection" }).getByRole("combobox")
    await status.selectOption({ index: 1 })
    await page.getByRole("button", { name: "Review" }).click()
    await page.getByRole("dialog").locator("table").waitFor()
    await page.waitForTimeout(300)
    await page.screenshot({ path: join(pictures, "review.png") })
  } finally {
    await browser.close()
    served.child.removeAllListeners("close")
    simulated.child.removeAllListeners("close")
    served.child.kill()
    simulated.child.kill()
  }
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
const commands = [
  ["demo", "--quiet"],
  ["status", "--db", "parley-demo.db"]
]

try {
  mkdirSync(pictures, { recursive: true })
  const shown = commands.map((words) => {
    const output = parley(...words)
      .trim()
      .split("\n3. ")[0]
      .trim()
    return `<b>$ parley ${escaped(words.join(" "))}</b>\n${escaped(output)}\n`
  })
  writeFileSync(
    join(scratch, "terminal.html"),
    `<!doctype html><meta charset="utf-8"><style>
      body { margin: 0; padding: 18px 22px; background: #14181f; color: #d5dae2; }
      pre { margin: 0; font: 13px/1.4 "DejaVu Sans Mono", monospace; } b { color: #7fc8a9; }
    </style><pre>${shown.join("\n")}</pre>`
  )
  const lines = shown.join("\n").split("\n").length
  shoot("terminal.html", "terminal.png", 1080, Math.ceil(lines * 18.2) + 40)
  parley("report", "--db", "parley-demo.db", "--out", "report.html")
  shoot("report.html", "report.png", 1000, 1150)
  await shootPage()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
