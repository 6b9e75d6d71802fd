import type { ChildProcess } from "node:child_process"
import { chromium, type Page } from "playwright-core"
import { openWorkspace, type Workspace, type WorkspaceOptions } from "../support/parley.ts"

/*
 * The built page in Debian's Chromium (or $CHROMIUM), served by the built command line over a mirror of simulated vendors.
 */

export interface Opened {
  readonly workspace: Workspace
  readonly page: Page
  readonly origin: string
  /** Addresses that were requested elsewhere, and what the page said on its console as an error. */
  readonly strangers: ReadonlyArray<string>
  readonly complaints: ReadonlyArray<string>
  /** Closes the browser and ends the server. */
  readonly close: () => Promise<void>
}

/** The first line that a process prints. */
export const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((done, fail) => {
    let text = ""
    let said = ""
    child.stdout?.on("data", (piece) => {
      text += piece
      const end = text.indexOf("\n")
      if (end >= 0) done(text.slice(0, end))
    })
    child.stderr?.on("data", (piece) => {
      said += piece
    })
    child.once("close", (code) => fail(new Error(`it ended with ${code}: ${said}`)))
  })

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
  })

export interface OpenOptions extends WorkspaceOptions {
  /** Options of `parley serve`. */
  readonly serve?: ReadonlyArray<string>
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
  /** What is done with the mirror before it is served; left out: one sync. */
  readonly before?: (workspace: Workspace) => Promise<unknown>
}

export const openPage = async ({
  before = (workspace) => workspace.parley(["sync"]),
  dark = false,
  height = 900,
  serve = [],
  width = 1280,
  ...options
}: OpenOptions = {}): Promise<Opened> => {
  const workspace = await openWorkspace(options)
  await before(workspace)
  const server = workspace.start(["serve", "--port", "0", ...serve])
  const address = await firstLine(server)
  const { origin } = new URL(address)
  const browser = await launch()
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light"
  })
  const page = await context.newPage()
  const strangers: Array<string> = []
  const complaints: Array<string> = []
  page.on("request", (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:") && !url.startsWith("blob:"))
      strangers.push(url)
  })
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  await page.goto(address)
  await page.getByRole("heading", { level: 1 }).first().waitFor()
  return {
    workspace,
    page,
    origin,
    strangers,
    complaints,
    close: async () => {
      await browser.close()
      const ended = new Promise((done) => server.once("close", done))
      server.kill("SIGTERM")
      await ended
      await workspace.close()
    }
  }
}
