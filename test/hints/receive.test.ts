import { createHmac } from "node:crypto"
import { request } from "node:http"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import type { Address } from "../../src/files/listening.ts"
import { listen } from "../../src/hints/listen.ts"
import { makeReceiver } from "../../src/hints/receive.ts"
import type { Db } from "../../src/store/Db.ts"
import type { Hints } from "../../src/store/hints/Hints.ts"
import type { Mirror } from "../../src/store/mirror/Mirror.ts"
import { storeLayer } from "../../src/sync/layers.ts"
import { register } from "../../src/sync/run.ts"
import { makeWorld, rowsOf, temporaryFolder } from "../support/inProcess.ts"

/*
 * The receiver over real HTTP, with the four vendors' own definitions.
 */

interface Post {
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const send = ({ host, port }: Address, { body = "", headers = {}, method = "POST", path }: Post) =>
  Effect.promise(
    () =>
      new Promise<{ status: number; body: string }>((resolve, reject) => {
        const sent = request({ host, port, path, method, headers, agent: false }, (answer) => {
          let text = ""
          answer.on("data", (part: Buffer) => {
            text += part.toString()
          })
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }))
        })
        sent.on("error", reject)
        sent.end(body)
      })
  )

const world = Effect.gen(function* () {
  const { connection } = yield* makeWorld({ conversations: 0 })
  const connections = [connection("convocore"), connection("empfio"), connection("aelyst")] as const
  const second = Redacted.make("a-second-key")
  const keyed = connections.map((config) =>
    config.hints === undefined
      ? config
      : { ...config, hints: { ...config.hints, signingKeys: [second, ...config.hints.signingKeys] } }
  )
  yield* Effect.forEach(keyed, register)
  const address = yield* listen({ host: "127.0.0.1", port: 0 }, yield* makeReceiver(keyed, () => {}))
  const keyOf = (index: number) =>
    Redacted.value(connections[index]?.hints?.signingKeys[0] ?? Redacted.make(""))
  const pathOf = (index: number) =>
    `/hints/${connections[index]?.name}/${Redacted.value(connections[index]?.hints?.path ?? Redacted.make(""))}`
  return { address, keyOf, pathOf }
})

/** What listens is closed before the mirror. */
const within = <A, E>(test: Effect.Effect<A, E, Db | Hints | Mirror | Scope.Scope>) =>
  Effect.flatMap(temporaryFolder, (folder) =>
    Effect.provide(Effect.scoped(test), storeLayer(join(folder, "mirror.db")))
  )

const mac = (key: string, body: string, notation: "hex" | "base64") =>
  createHmac("sha256", key).update(body).digest(notation)

const pending = rowsOf<{ connection: string; subject: string; deliveries: number }>(
  "SELECT connection, subject, deliveries FROM hints ORDER BY connection, subject"
)

it.scopedLive("writes down what a signed webhook names, exactly and once, before it answers", () =>
  within(
    Effect.gen(function* () {
      const { address, keyOf, pathOf } = yield* world
      const aelyst =
        '{"event_type":"message.received","contact":{"id":9007199254740993,"status":"open"},"message":{"text":"my secret words"}}'
      for (const signature of [
        mac(keyOf(2), aelyst, "base64"),
        mac(keyOf(2), aelyst, "hex"),
        mac("a-second-key", aelyst, "base64")
      ]) {
        const answer = yield* send(address, {
          path: pathOf(2),
          body: aelyst,
          headers: { "x-webhook-signature": signature }
        })
        expect(answer).toEqual({ status: 200, body: "" })
      }
      const empfio =
        '{"event":"lead.created","timestamp":"2026-03-09T08:00:00Z","organization_id":"o","data":{"id":"lead-1"}}'
      yield* send(address, {
        path: pathOf(1),
        body: empfio,
        headers: { "x-empfio-signature": mac(keyOf(1), empfio, "hex") }
      })
      const convocore = JSON.stringify({
        type: "conversation_updated",
        payload: { agentId: "agent-1", convoId: "c-1", workspaceSecret: keyOf(0), turns: ["my secret words"] }
      })
      yield* send(address, { path: pathOf(0), body: convocore })
      expect(yield* pending).toEqual([
        {
          connection: "inbox",
          subject: '{"_tag":"Conversation","id":"9007199254740993","agentId":null}',
          deliveries: 3
        },
        { connection: "salon", subject: '{"_tag":"Contact","id":"lead-1"}', deliveries: 1 },
        {
          connection: "support",
          subject: '{"_tag":"Conversation","id":"c-1","agentId":"agent-1"}',
          deliveries: 1
        }
      ])
      const held = JSON.stringify([
        yield* rowsOf("SELECT * FROM hints"),
        yield* rowsOf("SELECT * FROM hint_counts")
      ])
      expect(held).not.toContain("secret words")
      expect(held).not.toContain(keyOf(0))
    })
  )
)

it.scopedLive("answers a forged webhook with 200, and writes nothing down", () =>
  within(
    Effect.gen(function* () {
      const { address, keyOf, pathOf } = yield* world
      const body = '{"event_type":"message.received","contact":{"id":5}}'
      const right = mac(keyOf(2), body, "base64")
      const signatures = [
        "",
        "x",
        right.slice(1),
        mac("wrong", body, "base64"),
        mac("wrong", body, "hex"),
        `${right}${right}`
      ]
      for (const signature of signatures) {
        const { status } = yield* send(address, {
          path: pathOf(2),
          body,
          headers: { "x-webhook-signature": signature }
        })
        expect(status).toBe(200)
      }
      // Signed, and changed afterwards.
      yield* send(address, {
        path: pathOf(2),
        body: body.replace("5", "6"),
        headers: { "x-webhook-signature": right }
      })
      const stolen = JSON.stringify({
        type: "message_received",
        payload: { convoId: "c-1", workspaceSecret: "wrong" }
      })
      yield* send(address, { path: pathOf(0), body: stolen })
      expect(yield* pending).toEqual([])
      yield* Effect.sleep(50)
      const refused = yield* rowsOf(
        "SELECT connection, refused, received FROM hint_counts ORDER BY connection"
      )
      expect(refused.length).toBeGreaterThan(0)
    })
  )
)

it.scopedLive("takes what is signed and says nothing for a test, whatever its shape", () =>
  within(
    Effect.gen(function* () {
      const { address, keyOf, pathOf } = yield* world
      for (const body of [
        "",
        "{}",
        "null",
        "[]",
        "not JSON",
        '{"event_type":7,"contact":[]}',
        `{"contact":{"id":".."}}`,
        "{".repeat(5_000)
      ]) {
        const headers = { "x-webhook-signature": mac(keyOf(2), body, "base64") }
        expect((yield* send(address, { path: pathOf(2), body, headers })).status).toBe(200)
      }
      expect(yield* pending).toEqual([])
    })
  )
)

it.scopedLive("says nothing of what is not there, takes nothing but POST, and no more than a megabyte", () =>
  within(
    Effect.gen(function* () {
      const { address, pathOf } = yield* world
      const path = pathOf(2)
      for (const wrong of [
        "/",
        "/hints",
        "/hints/inbox",
        `${path.slice(0, -1)}`,
        `${path}/more`,
        path.replace("inbox", "salon"),
        path.replace("inbox", "nobody")
      ]) {
        expect(yield* send(address, { path: wrong })).toEqual({ status: 404, body: "" })
      }
      expect((yield* send(address, { path, method: "GET" })).status).toBe(405)
      const large = { "content-length": String(1024 * 1024 + 1) }
      const refused = yield* send(address, {
        path,
        body: Buffer.alloc(1024 * 1024 + 1),
        headers: large
      }).pipe(
        Effect.map(({ status }) => status),
        Effect.catchAllDefect(() => Effect.succeed(413))
      )
      expect(refused).toBe(413)
      expect(yield* pending).toEqual([])
    })
  )
)
