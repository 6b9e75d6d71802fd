import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { NotifyTarget } from "../../../src/config/notify.ts"
import { type AlertEvent, alertEvents } from "../../../src/config/schema.ts"
import { Db } from "../../../src/store/Db.ts"
import { alert } from "../../../src/sync/alerts/alert.ts"
import { webhookBody } from "../../../src/sync/alerts/messages.ts"
import type { ConnectionReport, RunReport } from "../../../src/sync/run.ts"
import { pullRun } from "../../support/inProcess.ts"
import { syncedWorld } from "../../support/syncedWorld.ts"

const hour = 3_600_000

const target = (to: NotifyTarget["to"], on: ReadonlyArray<AlertEvent> = alertEvents): NotifyTarget => ({
  to,
  on: new Set(on),
  staleMillis: hour
})

/** A program that keeps each event in a file of its own line. */
const recorder = (file: string): NotifyTarget["to"] => ({
  _tag: "Command",
  words: [
    process.execPath,
    "-e",
    `process.stdin.pipe(require("node:fs").createWriteStream(${JSON.stringify(file)}, { flags: "a" }))`
  ]
})

interface Told {
  readonly event: string
  readonly state: string
  readonly connection: string
  readonly text: string
}

const toldIn = (file: string): ReadonlyArray<Told> => {
  try {
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Told)
  } catch {
    return []
  }
}

/** The report of a run that met this fault. */
const failing = (report: RunReport, error: ConnectionReport["error"]): RunReport => ({
  ...report,
  connections: report.connections.map((connection) => ({
    ...connection,
    error,
    outcome: error === null ? ("complete" as const) : ("failed" as const)
  }))
})

const setUp = Effect.gen(function* () {
  const synced = yield* syncedWorld(["empfio"], { conversations: 3 })
  const { report } = yield* pullRun(synced.connections).pipe(Effect.provide(synced.layer))
  const file = join(dirname(synced.database), "told")
  const tell = (notify: ReadonlyArray<NotifyTarget>, error: ConnectionReport["error"]) =>
    alert(notify, failing(report, error)).pipe(Effect.provide(synced.layer), Effect.orDie)
  /** A run that ended so, as it is stored. */
  const record = (lane: string, kind: string | null) =>
    Effect.flatMap(Db, (db) =>
      db.transaction("test.record", ({ prepare }) => {
        const at = new Date().toISOString()
        const id = prepare(
          "INSERT INTO runs (command, started_at, host, pid) VALUES ('x', ?, 'h', 1) RETURNING id"
        )
          .pluck()
          .get(at)
        prepare(
          `INSERT INTO run_connections (run_id, connection, lane, started_at, finished_at, outcome, requests, error_kind)
           VALUES (?, 'salon', ?, ?, ?, ?, 1, ?)`
        ).run(id, lane, at, at, kind === null ? "complete" : "failed", kind)
      })
    ).pipe(Effect.provide(synced.layer), Effect.orDie)
  return { tell, record, file }
})

const refused = { kind: "unauthorized", message: "the vendor said: my phone is +49 30 12345", hint: "?" }

describe("an alert", () => {
  it.scopedLive("is told once when a state begins and once when it ends, whatever runs come between", () =>
    Effect.gen(function* () {
      const { file, tell } = yield* setUp
      const notify = [target(recorder(file))]
      yield* tell(notify, null)
      expect(toldIn(file)).toEqual([])
      yield* tell(notify, refused)
      yield* tell(notify, refused)
      expect(toldIn(file)).toMatchObject([{ event: "failed", state: "failed", connection: "salon" }])
      yield* tell(notify, null)
      yield* tell(notify, null)
      expect(toldIn(file).map(({ event, state }) => `${event} ${state}`)).toEqual([
        "failed failed",
        "recovered failed"
      ])
      yield* tell(notify, { kind: "brake", message: "", hint: "" })
      expect(toldIn(file).at(-1)).toMatchObject({ event: "brake" })
      yield* tell(notify, refused)
      expect(
        toldIn(file)
          .slice(3)
          .map(({ event, state }) => `${event} ${state}`)
          .sort()
      ).toEqual(["failed failed", "recovered brake"])
      // No word of the vendor's, which may be a customer's.
      expect(readFileSync(file, "utf8")).not.toContain("phone is")
      expect(toldIn(file)[0]?.text).toMatch(
        /salon \(empfio\) fails: the provider refuses the credentials\. Next: parley check salon$/
      )
    })
  )

  it.scopedLive(
    "is told to those who want to hear of it, and says nothing where another run had the connection",
    () =>
      Effect.gen(function* () {
        const { file, tell } = yield* setUp
        const notify = [target(recorder(file), ["conflict", "recovered"])]
        yield* tell(notify, refused)
        yield* tell(notify, null)
        expect(toldIn(file)).toEqual([])
        const all = [target(recorder(file))]
        yield* tell(all, { kind: "busy", message: "", hint: "" })
        yield* tell(all, { kind: "rate_limited", message: "", hint: "" })
        expect(toldIn(file)).toEqual([])
      })
  )

  it.scopedLive(
    "is posted as chats show it, retried while a server fails, and kept for the next run where it did not arrive",
    () =>
      Effect.gen(function* () {
        const { tell } = yield* setUp
        const bodies: Array<{ readonly text: string; readonly content: string; readonly event: Told }> = []
        const statuses: Array<number> = [503, 200]
        const server = createServer((request, response) => {
          let body = ""
          request.on("data", (piece) => {
            body += piece
          })
          request.on("end", () => {
            bodies.push(JSON.parse(body))
            const status = statuses.shift() ?? 200
            response.writeHead(status, { location: "/elsewhere" })
            // Some servers never end what they answer.
            if (status === 200) response.write("ok")
            else response.end()
          })
        })
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))),
          () =>
            Effect.sync(() => {
              server.closeAllConnections()
              server.close()
            })
        )
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=secret`
        const notify = [target({ _tag: "Url", url: Redacted.make(url), variable: "HOOK" })]
        yield* tell(notify, refused)
        expect(bodies.length).toBe(2)
        expect(bodies[1]).toMatchObject({ event: { event: "failed" } })
        expect(bodies[1]?.text).toBe(bodies[1]?.content)
        expect(bodies[1]?.event.text).toBe(bodies[1]?.text)
        statuses.push(404)
        yield* tell(notify, null)
        expect(bodies.length).toBe(3)
        yield* tell(notify, null)
        expect(bodies.at(-1)).toMatchObject({ event: { event: "recovered" } })
        yield* tell(notify, null)
        expect(bodies.length).toBe(4)
      })
  )

  it.scopedLive("of a failed sync does not end with a push, which says nothing about it", () =>
    Effect.gen(function* () {
      const { file, record, tell } = yield* setUp
      const notify = [target(recorder(file))]
      yield* record("sync", "unauthorized")
      yield* tell(notify, refused)
      yield* record("push", null)
      yield* tell(notify, null)
      expect(toldIn(file)).toMatchObject([{ event: "failed" }])
      yield* record("push", "brake")
      yield* tell(notify, { ...refused, kind: "brake" })
      expect(toldIn(file)).toMatchObject([{ event: "failed" }, { event: "brake" }])
      yield* record("push", null)
      yield* record("sync", null)
      yield* tell(notify, null)
      const ended = toldIn(file).slice(2)
      expect(ended.map(({ event, state }) => [event, state]).sort()).toEqual([
        ["recovered", "brake"],
        ["recovered", "failed"]
      ])
    })
  )

  it.scopedLive("that cannot be told fails nothing", () =>
    Effect.gen(function* () {
      const { file, tell } = yield* setUp
      const broken = [
        target({ _tag: "Command", words: ["/no/such/program"] }),
        target({ _tag: "Command", words: [process.execPath, "-e", "process.exit(3)"] }),
        target({ _tag: "Url", url: Redacted.make("http://127.0.0.1:9/"), variable: "HOOK" })
      ]
      writeFileSync(file, "")
      yield* tell([...broken, target(recorder(file))], refused)
      expect(toldIn(file)).toMatchObject([{ event: "failed" }])
    })
  )

  it("is a card where Teams takes nothing else", () => {
    const document = { text: "salon fails" } as Parameters<typeof webhookBody>[0]
    expect(webhookBody(document, "hooks.slack.com")).toEqual({
      text: "salon fails",
      content: "salon fails",
      event: document
    })
    expect(webhookBody(document, "prod-1.westeurope.logic.azure.com")).toMatchObject({
      type: "message",
      attachments: [{ content: { body: [{ text: "salon fails" }] } }]
    })
  })
})
