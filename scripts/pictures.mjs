/*
 * The two pictures of the README, from the demo: npm run pictures. Needs Chromium (`chromium`, or $CHROMIUM).
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

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
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
