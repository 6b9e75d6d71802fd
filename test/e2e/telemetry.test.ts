import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { afterEach, describe, expect, it } from "vitest"
import type { RunReport } from "../../src/sync/run.ts"
import { attributeOf, decodeAll, openCollector, type Received, type Span } from "../support/collector.ts"
import { collect as ended, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * What a collector receives from the built command line, read with the published protobuf definitions of OTLP.
 */

const closing: Array<() => void | Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const open = async (...options: Parameters<typeof openWorkspace>): Promise<Workspace> => {
  const workspace = await openWorkspace(...options)
  closing.push(workspace.close)
  return workspace
}

const collect = async (...options: Parameters<typeof openCollector>) => {
  const opened = await openCollector(...options)
  closing.push(opened.close)
  return opened
}

const named = (spans: ReadonlyArray<Span>, name: string) => spans.filter((span) => span.name === name)

/** Nothing that was stored of conversations, and nothing that is secret, is in what was sent. */
const expectNothingPrivate = (
  { environment, rows }: Pick<Workspace, "environment" | "rows">,
  received: ReadonlyArray<Received>
): void => {
  // Times and spans' own ids are digits of any kind.
  const numbers = /"(?:\w*[tT]imeUnixNano|traceId|spanId|parentSpanId)":"[0-9a-f]+"/g
  const posts = received.map(({ text }) => text.replaceAll(numbers, "")).join("\n")
  const kept = rows<{ text: string }>(
    `SELECT content AS text FROM messages UNION SELECT name FROM contacts UNION SELECT email FROM contacts
     UNION SELECT phone FROM contacts UNION SELECT provider_id FROM contacts
     UNION SELECT provider_id FROM conversations UNION SELECT title FROM conversations`
  )
  const words = [...kept.map(({ text }) => text), ...Object.values(environment)].filter(
    (text) => text !== null && text.length >= 5
  )
  expect(words.length).toBeGreaterThan(100)
  expect(words.filter((text) => posts.includes(text))).toEqual([])
  expect(posts).not.toMatch(/@|\+\d{6}|\/conversations/)
}

describe("a collector", () => {
  it("receives a run's spans as a tree and counts that are the ledger's, and nothing that a person wrote", async () => {
    const { endpoint, received } = await collect()
    const { environment, parley, rows } = await open({
      conversations: 30,
      vendors: { naturalead: { rateLimitHeaders: "none" } },
      faults: [
        {
          vendor: "naturalead",
          times: 2,
          effect: { kind: "answer", status: 429, headers: { "retry-after": "1" } }
        },
        { vendor: "aelyst", times: 1, effect: { kind: "answer", status: 503, headers: {} } }
      ]
    })
    const done = await parley(["sync", "--json"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=for%20the%20collector",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=other",
      OTEL_SERVICE_NAME: "mirror"
    })
    expect(done).toMatchObject({ code: 0, stderr: expect.not.stringContaining("traces and metrics") })
    const report = JSON.parse(done.stdout) as RunReport
    for (const { headers } of received) {
      expect(headers).toMatchObject({ "content-type": "application/json", "x-api-key": "for the collector" })
    }
    const { resources, spans, total } = decodeAll(received)
    expect(resources[0]).toMatchObject({
      attributes: expect.arrayContaining([
        { key: "service.name", value: { stringValue: "mirror" } },
        { key: "deployment.environment.name", value: { stringValue: "test" } }
      ])
    })

    const [root] = named(spans, "run")
    expect(named(spans, "run").length).toBe(1)
    expect(root?.parentSpanId).toBeUndefined()
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([root?.traceId]))
    expect(named(spans, "connection").length).toBe(8)
    expect(named(spans, "connection").every(({ parentSpanId }) => parentSpanId === root?.spanId)).toBe(true)
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    for (const span of [...named(spans, "request"), ...named(spans, "commit")]) {
      const parent = byId.get(span.parentSpanId ?? "")
      expect(parent?.name).toBe("connection")
      for (const key of ["parley.connection", "parley.lane"]) {
        expect(attributeOf(span.attributes, key)).toBe(attributeOf(parent?.attributes ?? [], key))
      }
      expect(BigInt(span.startTimeUnixNano)).toBeLessThanOrEqual(BigInt(span.endTimeUnixNano))
    }
    expect(named(spans, "commit").length).toBeGreaterThanOrEqual(4)

    for (const { name, requests, rate_limited, waited_ms, ...own } of report.connections) {
      const having = { "parley.connection": name }
      expect(total("parley.requests", having)).toBe(requests)
      expect(total("parley.refusals", { ...having, "http.response.status_code": "429" })).toBe(rate_limited)
      expect(total("parley.waited", having)).toBe(waited_ms)
      for (const outcome of ["inserted", "updated", "unchanged", "filtered", "quarantined"] as const) {
        expect(total("parley.records", { ...having, "parley.outcome": outcome })).toBe(own[outcome])
      }
      const sent = named(spans, "request").filter(
        ({ attributes }) => attributeOf(attributes, "parley.connection") === name
      )
      expect(sent.length).toBe(requests)
    }
    expect(total("parley.requests", {})).toBe(
      rows<{ n: number }>("SELECT sum(requests) AS n FROM run_connections")[0]?.n
    )
    expect(total("parley.refusals", {})).toBe(2)
    expect(total("parley.run.duration", { "parley.command": "sync", "parley.outcome": "complete" })).toBe(1)
    const again = named(spans, "request").filter(
      ({ attributes }) => attributeOf(attributes, "parley.attempt") === "2"
    )
    expect(again.length).toBeGreaterThanOrEqual(1)

    expectNothingPrivate({ environment, rows }, received)
  })

  it("hears of requests that were told to wait, that broke off, and that were under way when the run was stopped", async () => {
    const { endpoint, received } = await collect()
    const { environment, rows, simulator, start } = await open({
      conversations: 30,
      faults: [
        { vendor: "naturalead", times: 1, effect: { kind: "answer", status: 449 } },
        {
          vendor: "empfio",
          match: { operation: "detail" },
          times: 1,
          effect: { kind: "cut", when: "before" }
        },
        { vendor: "aelyst", match: { operation: "list" }, times: 1, effect: { kind: "cut", when: "body" } },
        { vendor: "convocore", match: { operation: "detail" }, effect: { kind: "hang" } }
      ]
    })
    const child = start(["sync", "--json", "--progress", "json"], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    const told: Array<Readonly<Record<string, unknown>>> = []
    const isTold = (event: string, connection: string) =>
      told.some((one) => one.event === event && one.connection === connection && one.lane === "sync")
    const isStopped = new Promise<void>((stop) => {
      createInterface({ input: child.stderr as Readable }).on("line", (line) => {
        told.push(JSON.parse(line))
        // One waits, one hangs, and the others are through.
        const hangs = simulator.log.some(
          ({ operation, vendor }) => vendor === "convocore" && operation === "detail"
        )
        const isThrough = ["salon", "inbox"].every((name) => isTold("connection_finished", name))
        if (isThrough && hangs && isTold("waiting", "leads")) stop()
      })
    })
    const ending = ended(child)
    await Promise.race([isStopped, ending])
    child.kill("SIGTERM")
    expect((await ending).code).toBe(143)

    const { spans, total } = decodeAll(received)
    const having = (span: Span, wanted: Readonly<Record<string, string>>) =>
      Object.entries(wanted).every(([key, value]) => attributeOf(span.attributes, key) === value)
    const requests = named(spans, "request")
    const unanswered = requests.filter((span) => having(span, { "error.type": "no_answer" }))
    const of = (name: string) => unanswered.filter((span) => having(span, { "parley.connection": name }))
    for (const span of unanswered) expect(span.status).toEqual({ code: 2 })
    expect(requests.filter((span) => having(span, { "http.response.status_code": "449" })).length).toBe(1)
    expect(
      total("parley.refusals", { "parley.connection": "leads", "http.response.status_code": "449" })
    ).toBe(1)
    expect(total("parley.waited", { "parley.connection": "leads" })).toBeGreaterThan(0)
    expect(of("salon").length).toBe(1)
    expect(of("inbox").length).toBe(1)
    expect(of("support").length).toBeGreaterThanOrEqual(1)
    // None is lost on the way: each that was sent has its span.
    for (const name of ["leads", "support", "salon", "inbox"]) {
      const own = { "parley.connection": name }
      expect(requests.filter((span) => having(span, own)).length, name).toBe(total("parley.requests", own))
      expect(total("parley.requests", own), name).toBe(
        rows<{ n: number }>("SELECT sum(requests) AS n FROM run_connections WHERE connection = ?", name)[0]?.n
      )
    }
    const outcomes = (name: string) =>
      named(spans, name).map(({ attributes }) => attributeOf(attributes, "parley.outcome"))
    expect(outcomes("run")).toEqual(["interrupted"])
    expect(outcomes("connection")).toContain("interrupted")
    expect(total("parley.run.duration", { "parley.command": "sync", "parley.outcome": "interrupted" })).toBe(
      1
    )
    expectNothingPrivate({ environment, rows }, received)
  })

  it("that is not there, or does not answer, costs a run one warning and nothing else", async () => {
    const { close, endpoint: gone } = await openCollector()
    close()
    const silent = await collect("is silent")
    const { parley } = await open()
    const told = (stdout: string) => {
      const { connections, outcome } = JSON.parse(stdout) as RunReport
      return { outcome, names: connections.map(({ name }) => name) }
    }
    const args = ["sync", "--pull-only", "--json", "--quiet"]
    const plain = await parley(args)
    expect(plain).toMatchObject({ code: 0, stderr: "" })
    for (const endpoint of [gone, silent.endpoint]) {
      const ended = await parley(args, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
      expect(ended.code).toBe(0)
      expect(told(ended.stdout)).toEqual(told(plain.stdout))
      expect(ended.stderr.trim().split("\n")).toEqual([
        expect.stringContaining(`traces and metrics could not be sent to ${endpoint}`)
      ])
    }
    expect(silent.received.length).toBeGreaterThanOrEqual(1)
  })

  it("hears nothing of verbs that run nothing, and an address that is none is told without it", async () => {
    const { endpoint, received } = await collect()
    const { parley } = await open()
    expect(
      (
        await parley(["sync", "leads", "--quiet"], {
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
          OTEL_SDK_DISABLED: "true"
        })
      ).code
    ).toBe(0)
    expect((await parley(["status", "--json"], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).code).toBe(0)
    expect(received).toEqual([])
    const ended = await parley(["sync", "leads", "--quiet"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:hunter22@localhost:4318"
    })
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain("OTEL_EXPORTER_OTLP_HEADERS")
    expect(ended.stderr).not.toContain("hunter22")
  })
})
