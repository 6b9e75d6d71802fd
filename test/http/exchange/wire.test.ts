import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { type Chunk, Effect, Layer, Stream } from "effect"
import { undiciTransport } from "../../../src/http/exchange/undici.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { list, testClient } from "../support/client.ts"
import { httpServer, tcpServer } from "../support/server.ts"

const live = Layer.merge(undiciTransport, Governor.alone)

const bodyOf = (pieces: Chunk.Chunk<Uint8Array>): string =>
  Buffer.concat([...pieces].map((piece) => Buffer.from(piece))).toString("utf8")

describe("client on a real connection", () => {
  it.scopedLive("reads a compressed answer and signs the request", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const baseUrl = yield* httpServer((request, response) => {
        seen.push(request.url, request.headers.authorization, request.headers["accept-encoding"])
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
        response.end(gzipSync('{"name":"Zoë"}'))
      })
      const { client } = yield* testClient({ baseUrl: `${baseUrl}/api/` })
      const answer = yield* client.read({ ...list, query: { page: 2, q: "a b", none: undefined } })
      assert.strictEqual(answer.text, '{"name":"Zoë"}')
      assert.strictEqual(answer.exchange.bytes, 15)
      assert.deepStrictEqual(seen, ["/api/conversations?page=2&q=a+b", "Bearer very-secret-token", "gzip"])
      assert.strictEqual(answer.exchange.path, "/api/conversations?page=2&q=a+b")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("asks for what no cache on the way has kept", () =>
    Effect.gen(function* () {
      const asked: Array<string | undefined> = []
      const baseUrl = yield* httpServer((request, response) => {
        asked.push(request.headers["cache-control"])
        response.writeHead(200, { "content-type": "application/json" })
        response.end("{}")
      })
      const { client } = yield* testClient({ baseUrl })
      yield* client.read(list)
      assert.deepStrictEqual(asked, ["no-cache"])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("streams a compressed body and knows the exchange at its end", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ index })))
      const baseUrl = yield* httpServer((_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
        response.end(gzipSync(text))
      })
      const { client } = yield* testClient({ baseUrl })
      const answer = yield* client.stream(list)
      const pieces = yield* Stream.runCollect(answer.body)
      assert.strictEqual(bodyOf(pieces), text)
      assert.strictEqual((yield* answer.exchange).bytes, text.length)
    }).pipe(Effect.provide(live))
  )

  for (const [what, headers, body] of [
    ["UTF-16", {}, (text: string) => Buffer.from(text, "utf16le")],
    [
      "ISO-8859-1, packed",
      { "content-type": "application/json; charset=iso-8859-1", "content-encoding": "gzip" },
      (text: string) => gzipSync(Buffer.from(text, "latin1"))
    ]
  ] as const) {
    it.scopedLive(`reads what is in another charset, whole and in pieces: ${what}`, () =>
      Effect.gen(function* () {
        const text = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ index, name: "Zoë" })))
        const baseUrl = yield* httpServer((_, response) => {
          response.writeHead(200, { "content-type": "application/json", ...headers })
          response.end(body(text))
        })
        const { client } = yield* testClient({ baseUrl })
        assert.strictEqual((yield* client.read(list)).text, text)
        const pieces = yield* Stream.runCollect((yield* client.stream(list)).body)
        assert.strictEqual(bodyOf(pieces), text)
      }).pipe(Effect.provide(live))
    )
  }

  it.scopedLive("takes a large body at its reader's pace, and to its end", () =>
    Effect.gen(function* () {
      const piece = Buffer.alloc(1 << 20, "x")
      let sent = 0
      const baseUrl = yield* httpServer((_, response) => {
        response.writeHead(200, { "content-type": "application/json" })
        const send = (): void => {
          while (sent < 64) {
            sent += 1
            if (!response.write(piece)) return void response.once("drain", send)
          }
          response.end()
        }
        send()
      })
      const { client } = yield* testClient({ baseUrl })
      const answer = yield* client.stream(list)
      let bytes = 0
      let ahead = 0
      /** Until the server can send no more. */
      const stuck: Effect.Effect<void> = Effect.suspend(() => {
        const before = sent
        return Effect.flatMap(Effect.sleep(200), () => (sent === before ? Effect.void : stuck))
      })
      yield* Stream.runForEach(answer.body, (part) => {
        const isFirst = bytes === 0
        bytes += part.byteLength
        return isFirst
          ? Effect.map(stuck, () => {
              ahead = sent
            })
          : Effect.void
      })
      assert.strictEqual(bytes, 64 * piece.byteLength)
      assert.isBelow(ahead, 64)
    }).pipe(Effect.provide(live))
  )

  for (const [name, head] of [
    [
      "content-length",
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n[1,2,3"
    ],
    ["chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n[1,2,3\r\n"]
  ] as const) {
    it.scopedLive(`tells a body cut in the middle (${name}) from a whole one`, () =>
      Effect.gen(function* () {
        const baseUrl = yield* tcpServer((socket) => socket.end(head))
        const { client } = yield* testClient({ baseUrl })
        const answer = yield* client.stream(list)
        const error = yield* Effect.flip(Stream.runDrain(answer.body))
        assert.strictEqual(error._tag, "Unavailable")
        assert.include(error.message, "cut after 6 bytes")
        const written = yield* Effect.flip(client.write({ ...list, method: "POST" }))
        assert.strictEqual(written._tag, "Unavailable")
        assert.include(written.message, "cut after")
      }).pipe(Effect.provide(live))
    )
  }
})
