import type { ChildProcess } from "node:child_process"
import { renameSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * The page's server as a process, asked over raw sockets.
 */

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const parse = (text: string): Answer => {
  const [head = "", ...rest] = text.split("\r\n\r\n")
  const [first = "", ...lines] = head.split("\r\n")
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":")
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
    })
  )
  const sent = rest.join("\r\n\r\n")
  const body = headers["transfer-encoding"] === "chunked" ? sent.replace(/(^|\r\n)[0-9a-f]+\r\n/g, "") : sent
  return { status: Number(first.split(" ")[1]), headers, body }
}

/** Sends text as it is, and reads until the server closes. */
const exchange = (port: number, text: string, host = "127.0.0.1"): Promise<Answer> =>
  new Promise((done, fail) => {
    let received = ""
    const socket: Socket = connect({ port, host }, () => socket.write(text))
    socket.setEncoding("utf8")
    socket.on("data", (piece) => {
      received += piece
    })
    // Of a request that is too long, the rest is not read.
    socket.on("error", (error) => (received === "" ? fail(error) : done(parse(received))))
    socket.on("close", () => done(parse(received)))
  })

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((done, fail) => {
    let text = ""
    let said = ""
    child.stdout?.on("data", (piece) => {
      text += piece
      if (text.includes("\n")) done(text.slice(0, text.indexOf("\n")))
    })
    child.stderr?.on("data", (piece) => {
      said += piece
    })
    child.once("close", (code) => fail(new Error(`ended with ${code}: ${said}`)))
  })

let workspace: Workspace
let server: ChildProcess
let address: URL
let port = 0
let cookie = ""
/** Of a browser that was not let in, and of one that was. */
let before: ReadonlyArray<Answer> = []
let entered: Answer = { status: 0, headers: {}, body: "" }

const tokenOf = (url: URL): string => url.hash.replace("#token=", "")

beforeAll(async () => {
  workspace = await openWorkspace({ conversations: 6 })
  expect((await workspace.parley(["sync", "--quiet"])).code).toBe(0)
  server = workspace.start(["serve", "--port", "0"])
  address = new URL(await firstLine(server))
  port = Number(address.port)
  before = [await get("/api/status"), await post("/api/session", { token: "guessed" })]
  entered = await post("/api/session", { token: tokenOf(address) })
  cookie = entered.headers["set-cookie"]?.split(";")[0] ?? ""
})

afterAll(async () => {
  server.kill("SIGKILL")
  await workspace.close()
})

const lines = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body = ""
): string => {
  const all = {
    host: `127.0.0.1:${port}`,
    connection: "close",
    ...(body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    ...headers
  }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${head.join("")}\r\n${body}`
}

const get = (target: string, headers: Readonly<Record<string, string>> = {}) =>
  exchange(port, lines("GET", target, { cookie, ...headers }))

const post = (target: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  exchange(
    port,
    lines(
      "POST",
      target,
      { cookie, origin: address.origin, "content-type": "application/json", ...headers },
      typeof body === "string" ? body : JSON.stringify(body)
    )
  )

describe("the page's server", () => {
  it("prints one line with the address and a token, which works once and becomes a strict cookie", async () => {
    expect(address.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/)
    expect(before.map(({ status }) => status)).toEqual([401, 409])
    expect(entered.status).toBe(200)
    const set = entered.headers["set-cookie"] ?? ""
    expect(set).toMatch(new RegExp(`^parley-${port}=[\\w-]{43};`))
    expect(set).toContain("HttpOnly")
    expect(set).toContain("SameSite=Strict")
    expect((await post("/api/session", { token: tokenOf(address) })).status).toBe(409)
    expect((await get("/api/status")).status).toBe(200)
  })

  it("answers at both loopback addresses and at no other of this machine", async () => {
    const other = await exchange(
      port,
      lines("GET", "/api/status", { cookie, host: `[::1]:${port}` }),
      "::1"
    ).catch((error: NodeJS.ErrnoException) => error.code)
    expect([200, "EADDRNOTAVAIL", "ENETUNREACH"]).toContain(typeof other === "object" ? other.status : other)
    await expect(exchange(port, lines("GET", "/", {}), "127.0.0.2")).rejects.toThrow(/ECONNREFUSED/)
  })

  it("turns away foreign hosts, foreign and missing origins, other pages and what is not JSON", async () => {
    const status = "/api/status"
    expect((await get(status, { host: `evil.example:${port}` })).status).toBe(403)
    expect((await get("/", { host: `evil.example:${port}` })).status).toBe(403)
    expect((await exchange(port, `GET ${status} HTTP/1.0\r\ncookie: ${cookie}\r\n\r\n`)).status).toBe(403)
    expect((await get(status, { origin: "http://evil.example" })).status).toBe(403)
    expect((await get(status, { "sec-fetch-site": "same-site" })).status).toBe(403)
    const change = { ids: ["leads:x"], status: "completed", plan: false }
    expect((await post("/api/changes", change, { origin: "http://evil.example" })).status).toBe(403)
    expect(
      (
        await exchange(
          port,
          lines("POST", "/api/changes", { cookie, "content-type": "application/json" }, "{}")
        )
      ).status
    ).toBe(403)
    expect((await post("/api/changes", change, { "content-type": "text/plain" })).status).toBe(415)
    expect((await post("/api/changes", change, { cookie: "" })).status).toBe(401)
    expect(workspace.rows("SELECT * FROM status_changes")).toEqual([])
  })

  it("names no other origin in a header, and no source but itself in its policy", async () => {
    for (const target of ["/", "/page.js", "/c/leads:1", "/api/status", "/api/nothing", "/report"]) {
      const { headers } = await get(target)
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([])
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'/)
      expect(headers["x-content-type-options"]).toBe("nosniff")
      expect(headers["referrer-policy"]).toBe("no-referrer")
    }
    const preflight = await exchange(
      port,
      lines("OPTIONS", "/api/changes", {
        origin: "http://evil.example",
        "access-control-request-method": "POST"
      })
    )
    expect(preflight.status).toBe(405)
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith("access-control"))).toEqual([])
    expect((await get("/api/status")).headers["cache-control"]).toBe("no-store")
  })

  it("describes its API", async () => {
    const { body } = await get("/api/openapi.json")
    const { paths } = JSON.parse(body) as { readonly paths: Record<string, object> }
    for (const path of [
      "conversations",
      "search",
      "status",
      "runs",
      "quarantine",
      "changes",
      "report",
      "query",
      "events"
    ]) {
      expect(Object.keys(paths)).toContain(`/api/${path}`)
    }
  })

  it("has no GET that changes anything", async () => {
    const { body } = await get("/api/openapi.json")
    const { paths } = JSON.parse(body) as { readonly paths: Record<string, object> }
    const [{ id = "" } = {}] = workspace.rows<{ id: string }>("SELECT id FROM conversations LIMIT 1")
    const before = workspace.rows(
      "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM status_changes), (SELECT max(seq) FROM conversations)"
    )
    for (const path of Object.keys(paths)) {
      if (path.endsWith("/events")) continue
      await get(path.replace("{id}", encodeURIComponent(id)).replace("{action}", "cancel"))
      await get(`${path.replace("{id}", "1").replace("{action}", "cancel")}?q=a&plan=false&status=completed`)
    }
    expect(
      workspace.rows(
        "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM status_changes), (SELECT max(seq) FROM conversations)"
      )
    ).toEqual(before)
  })

  it("lists conversations page by page, each once, whatever the size of a page", async () => {
    const expected = workspace
      .rows<{ id: string }>(
        "SELECT id FROM conversations WHERE deleted_at IS NULL AND merged_into IS NULL ORDER BY last_message_at DESC, id DESC"
      )
      .map(({ id }) => id)
    for (const limit of [1, 5, 200]) {
      const ids: Array<string> = []
      let cursor = ""
      for (;;) {
        const page = JSON.parse((await get(`/api/conversations?limit=${limit}&cursor=${cursor}`)).body) as {
          readonly items: ReadonlyArray<{ readonly id: string }>
          readonly next: string | null
        }
        ids.push(...page.items.map(({ id }) => id))
        if (page.next === null) break
        cursor = page.next
      }
      expect(ids).toEqual(expected)
    }
  })

  it("says what is wrong with a request, where, and what to write", async () => {
    const wrong = async (target: string) => {
      const { body, status } = await get(target)
      return { status, ...(JSON.parse(body) as { message: string; hint?: string }) }
    }
    expect(await wrong("/api/conversations?since=soon")).toMatchObject({
      status: 400,
      message: 'since: "soon" is not a time'
    })
    expect(await wrong("/api/conversations?cursor=%21")).toMatchObject({ status: 400 })
    expect(await wrong("/api/conversations?limit=0")).toMatchObject({ status: 400 })
    expect(await wrong("/api/conversations/leads%3Anone")).toMatchObject({ status: 404 })
    expect(await wrong("/api/nothing")).toMatchObject({ status: 404 })
    expect((await post("/api/query", '{"sql":')).status).toBe(400)
    // What is too long is not read: the connection ends, with or without a word.
    const long = post("/api/query", JSON.stringify({ sql: "x".repeat(2 ** 21) }))
    expect([400, "ECONNRESET", "EPIPE"]).toContain(
      await long.then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code
      )
    )
    expect((await post("/api/changes", { ids: [], status: "done", plan: true })).body).toContain(
      "there is no status"
    )
    expect((await post("/api/changes", { status: "completed", plan: true })).status).toBe(400)
  })

  it("refuses a name, a connection, a status or a day that it does not know, rather than mean everything or nothing", async () => {
    const said = async (asked: Promise<Answer>) => {
      const { body, status } = await asked
      return [status, (JSON.parse(body) as { message: string }).message]
    }
    const change = { status: "completed", plan: true }
    expect(await said(post("/api/changes", { ...change, filter: { conection: "leads" } }))).toEqual([
      400,
      expect.stringMatching(/^filter\.conection: is unexpected/)
    ])
    expect(await said(post("/api/changes", { ...change, ids: [], Plan: true }))).toEqual([
      400,
      expect.stringMatching(/^Plan: is unexpected/)
    ])
    expect(await said(post("/api/runs", { connection: ["leads"] }))).toEqual([
      400,
      expect.stringMatching(/^connection: is unexpected/)
    ])
    expect(await said(get("/api/conversations?conection=leads"))).toEqual([
      400,
      expect.stringMatching(/^conection: is unexpected/)
    ])
    expect(await said(get("/api/conversations?limit=0"))).toEqual([
      400,
      "limit: Expected a number between 1 and 200, actual 0"
    ])
    const noConnection = [400, 'there is no connection "leds"']
    for (const path of ["conversations", "search?q=a", "changes", "quarantine", "report"]) {
      const target = `/api/${path}${path.includes("?") ? "&" : "?"}connection=leds`
      expect(await said(get(target))).toEqual(noConnection)
    }
    expect(await said(get("/api/conversations?status=open"))).toEqual([400, 'there is no status "open"'])
    expect(await said(get("/api/report?since=2026-02-30"))).toEqual([
      400,
      'since: "2026-02-30" is not a time'
    ])
    expect(workspace.rows("SELECT * FROM status_changes")).toEqual([])
  })

  it("finds a conversation by its id however long the id is", async () => {
    const id = `leads:${"y".repeat(4_000)}`
    for (const rest of ["", "/messages", "/why", "/raw"]) {
      const { body } = await get(`/api/conversations/${id}${rest}`)
      expect(body).toContain(`there is no conversation \`${id}\``)
    }
  })

  it("answers questions read-only, with at most 1,000 rows", async () => {
    const ask = async (sql: string) => {
      const { body, status } = await post("/api/query", { sql })
      return { status, body: JSON.parse(body) as Record<string, unknown> }
    }
    const numbers = await ask(
      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    )
    expect(numbers).toMatchObject({ status: 200, body: { more: true, columns: ["x"] } })
    expect((numbers.body.rows as ReadonlyArray<unknown>).length).toBe(1_000)
    expect((await ask("SELECT 9007199254740993 AS big, x'00ff' AS bytes")).body.rows).toEqual([
      ["9007199254740993", "x'00ff'"]
    ])
    for (const sql of [
      "DELETE FROM messages",
      "PRAGMA journal_mode = DELETE",
      "ATTACH 'x' AS y",
      "SELECT 1; SELECT 2",
      "nonsense"
    ]) {
      expect((await ask(sql)).status).toBe(400)
    }
  })

  it("goes on answering while a question takes long", async () => {
    const slow = post("/api/query", {
      sql: "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3000000) SELECT sum(x) FROM n"
    })
    expect((await get("/api/status")).status).toBe(200)
    expect((await slow).status).toBe(200)
  })
})

describe("parley serve", () => {
  it("refuses to listen elsewhere without a proxy and a token, and says why", async () => {
    const ended = await workspace.parley(["serve", "--host", "0.0.0.0"])
    expect([ended.code, ended.stdout]).toEqual([2, ""])
    expect(ended.stderr).toContain("--behind-proxy")
    const tokenless = await workspace.parley([
      "serve",
      "--host",
      "0.0.0.0",
      "--behind-proxy",
      "https://parley.example"
    ])
    expect(tokenless.code).toBe(2)
    expect(tokenless.stderr).toContain("PARLEY_SERVE_TOKEN")
  })

  it("says that a port is taken", async () => {
    const ended = await workspace.parley(["serve", "--port", String(port)])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain(`port ${port} of 127.0.0.1 is in use`)
  })

  it("ends with 1 once its mirror is replaced by another file, rather than show and change one that no one finds", async () => {
    const own = await openWorkspace({ conversations: 2 })
    try {
      expect((await own.parley(["sync", "--quiet"])).code).toBe(0)
      const child = own.start(["serve", "--port", "0"])
      let said = ""
      child.stderr?.on("data", (piece) => {
        said += piece
      })
      await firstLine(child)
      const ended = new Promise<number | null>((done) => child.once("close", done))
      renameSync(own.database, `${own.database}.away`)
      expect(await ended).toBe(1)
      expect(said).toContain(`the mirror at ${own.database} was renamed or deleted`)
    } finally {
      await own.close()
    }
  })

  it("ends at once and cleanly with SIGTERM, also while someone listens", async () => {
    const events = exchange(port, lines("GET", "/api/events", { cookie }))
    const ended = new Promise<number | null>((done) => server.once("close", done))
    server.kill("SIGTERM")
    expect(await ended).toBe(143)
    expect((await events).status).toBe(200)
  })
})
