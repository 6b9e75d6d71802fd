import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable, Writable } from "node:stream"
import { Effect } from "effect"

/** The name of a browser on this machine that is a Chromium; null: there is none. */
export const chromium: string | null =
  ["chromium", "chromium-browser", "google-chrome"].find(
    (name) => spawnSync(name, ["--version"], { timeout: 20_000 }).status === 0
  ) ?? null

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** A page in a browser without a window, spoken to over Chromium's own protocol. */
export interface Tab {
  readonly send: (method: string, params?: object) => Promise<unknown>
  /** What the browser said by itself, by method. */
  readonly heard: (method: string) => ReadonlyArray<Record<string, unknown>>
  /** Resolves once the browser has said this. */
  readonly until: (method: string) => Promise<void>
  /** The value of an expression in the page. */
  readonly evaluate: <A>(expression: string) => Promise<A>
}

const connect = (browser: ChildProcess) => {
  const input = browser.stdio[3] as Writable
  const output = browser.stdio[4] as Readable
  const waiting = new Map<number, (reply: Reply) => void>()
  const said: Array<Reply> = []
  const listeners = new Set<() => void>()
  let rest = ""
  output.setEncoding("utf8")
  output.on("data", (text: string) => {
    const messages = (rest + text).split("\0")
    rest = messages.pop() ?? ""
    for (const message of messages) {
      const reply = JSON.parse(message) as Reply
      if (reply.id === undefined) said.push(reply)
      else waiting.get(reply.id)?.(reply)
    }
    for (const listener of listeners) listener()
  })
  let last = 0
  const send = (method: string, params: object = {}, sessionId?: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, ({ error, result }) =>
        error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`))
      )
      input.write(`${JSON.stringify({ id: last, method, params, ...(sessionId ? { sessionId } : {}) })}\0`)
    })
  return { send, said, listeners }
}

const openTab = async (browser: ChildProcess): Promise<Tab> => {
  const { listeners, said, send } = connect(browser)
  const { targetId } = (await send("Target.createTarget", { url: "about:blank" })) as { targetId: string }
  const { sessionId } = (await send("Target.attachToTarget", { targetId, flatten: true })) as {
    sessionId: string
  }
  const inTab = (method: string, params?: object) => send(method, params, sessionId)
  for (const domain of ["Runtime", "Log", "Network", "Page"]) await inTab(`${domain}.enable`)
  const heard = (method: string) =>
    said.flatMap((reply) => (reply.method === method ? [reply.params as Record<string, unknown>] : []))
  return {
    send: inTab,
    heard,
    until: (method) =>
      new Promise((resolve) => {
        const look = () => {
          if (heard(method).length === 0) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
      }),
    evaluate: async <A>(expression: string) => {
      const answer = (await inTab("Runtime.evaluate", { expression, returnByValue: true })) as {
        readonly result: { readonly value: A }
        readonly exceptionDetails?: { readonly text: string }
      }
      if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails))
      return answer.result.value
    }
  }
}

/** A fresh browser for as long as the scope. */
export const tabOf = (name: string) =>
  Effect.gen(function* () {
    const profile = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-browser-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
    )
    const browser = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          name,
          [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-pipe",
            `--user-data-dir=${profile}`
          ],
          { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] }
        )
      ),
      (process) =>
        Effect.async<void>((resume) => {
          process.once("exit", () => resume(Effect.void))
          process.kill("SIGKILL")
        })
    )
    return yield* Effect.promise(() => openTab(browser))
  })
