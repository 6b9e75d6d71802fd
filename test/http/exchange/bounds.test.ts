import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import { Agent } from "@effect/platform-node/Undici"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Stream } from "effect"
import { boundsOf, makePace } from "../../../src/http/exchange/bounds.ts"
import { Connection, makeDeadlines } from "../../../src/http/exchange/connection.ts"
import { undiciDispatch, undiciTransport } from "../../../src/http/exchange/undici.ts"
import { type Patience, WholeBody } from "../../../src/http/exchange/whole.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { makeTimer } from "../../../src/http/limits/timer.ts"
import { list, testClient } from "../support/client.ts"
import { httpServer, tcpServer } from "../support/server.ts"

const live = Layer.merge(undiciTransport, Governor.alone)
const megabyte = 1 << 20
const json = { "content-type": "application/json" }

/** What reading one answer of this server comes to: whole, and streamed. */
const outcomes = (baseUrl: string, maxAnswerBytes: number) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl, maxAnswerBytes })
    const whole = yield* Effect.either(Effect.asVoid(client.read(list)))
    const streamed = yield* Effect.either(
      Effect.flatMap(client.stream(list), ({ body }) => Stream.runDrain(body))
    )
    return { whole, streamed }
  })

const endless = Buffer.alloc(100_000, "[1,2,3],")

describe("an answer that is larger than is read", () => {
  it.scopedLive("fails in words where it never ends, as sent", () =>
    Effect.gen(function* () {
      let sent = 0
      const baseUrl = yield* httpServer((_, response) => {
        response.writeHead(200, json)
        const more = (): void => {
          if (response.destroyed) return
          sent += endless.length
          response.write(endless, more)
        }
        more()
      })
      const { streamed, whole } = yield* outcomes(baseUrl, 100_000)
      for (const result of [whole, streamed]) {
        const error = Either.isLeft(result) ? result.left : null
        assert.strictEqual(error?._tag, "Malformed")
        assert.match(error?.message ?? "", /is larger than the limit: more than (97.7 kB|6.1 MB)/)
        assert.include(error?.hint ?? "", 'maxAnswer of connection "leads"')
      }
      assert.isBelow(sent, 100 * megabyte)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive(
    "fails in words where a small packed one unpacks to more, and is read where it does not",
    () =>
      Effect.gen(function* () {
        const bomb = gzipSync(Buffer.alloc(8 * megabyte, " "))
        const baseUrl = yield* httpServer((_, response) => {
          response.writeHead(200, { ...json, "content-encoding": "gzip" })
          response.end(bomb)
        })
        assert.isBelow(bomb.length, megabyte)
        const { streamed, whole } = yield* outcomes(baseUrl, 100_000)
        assert.strictEqual(Either.isLeft(whole) && whole.left._tag, "Malformed")
        assert.strictEqual(Either.isLeft(streamed) && streamed.left._tag, "Malformed")
        const generous = yield* outcomes(baseUrl, 10 * megabyte)
        assert.isTrue(Either.isRight(generous.whole))
        assert.isTrue(Either.isRight(generous.streamed))
      }).pipe(Effect.provide(live))
  )

  it.scopedLive("is still a refusal, with its first words, where it refuses", () =>
    Effect.gen(function* () {
      for (const packed of [false, true]) {
        const body = Buffer.from(`no such plan ${"x ".repeat(4 * megabyte)}`)
        const baseUrl = yield* httpServer((_, response) => {
          response.writeHead(402, packed ? { "content-encoding": "gzip" } : {})
          response.end(packed ? gzipSync(body) : body)
        })
        const { streamed, whole } = yield* outcomes(baseUrl, 64 * megabyte)
        for (const result of [whole, streamed]) {
          const error = Either.isLeft(result) ? result.left : null
          assert.strictEqual(error?._tag, "Rejected")
          assert.include(error?.message ?? "", "(402)")
          if (!packed) assert.include(error?.message ?? "", "no such plan x x")
        }
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive(
    "is still a refusal where the refusal never ends, and a failure where nothing but packing comes",
    () =>
      Effect.gen(function* () {
        const empty = gzipSync("")
        const members = Buffer.concat(Array.from({ length: 5000 }, () => empty))
        for (const [status, piece, tag] of [
          [402, endless, "Rejected"],
          [200, members, "Malformed"]
        ] as const) {
          const baseUrl = yield* httpServer((_, response) => {
            response.writeHead(status, status === 200 ? { ...json, "content-encoding": "gzip" } : {})
            const more = (): void => {
              if (!response.destroyed) response.write(piece, () => setImmediate(more))
            }
            more()
          })
          const { streamed, whole } = yield* outcomes(baseUrl, 30_000)
          for (const result of [whole, streamed]) {
            assert.strictEqual(Either.isLeft(result) ? result.left._tag : "", tag)
          }
        }
      }).pipe(Effect.provide(live))
  )

  it.scopedLive("is not unpacked where it is packed in a way that was not asked for", () =>
    Effect.gen(function* () {
      for (const [label, packed, words] of [
        ["br", brotliCompressSync(Buffer.alloc(8 * megabyte, " ")), "compressed with br"],
        ["gzip", deflateSync('{"data":[]}'), "labelled gzip, and packed in another way"],
        [
          "gzip",
          Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00]),
          "labelled gzip, and packed in another way"
        ]
      ] as const) {
        const baseUrl = yield* httpServer((_, response) => {
          response.writeHead(200, { ...json, "content-encoding": label })
          response.end(packed)
        })
        const { client } = yield* testClient({ baseUrl })
        for (const error of [
          yield* Effect.flip(client.read(list)),
          yield* Effect.flip(client.stream(list))
        ]) {
          assert.strictEqual(error._tag, "Malformed")
          assert.include(error.message, words)
        }
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("is not taken for the whole where it says that it is a part (206)", () =>
    Effect.gen(function* () {
      const baseUrl = yield* httpServer((_, response) => {
        response.writeHead(206, { ...json, "content-range": "bytes 0-10/5000" })
        response.end('{"data":[]}')
      })
      const { client } = yield* testClient({ baseUrl })
      for (const error of [yield* Effect.flip(client.read(list)), yield* Effect.flip(client.stream(list))]) {
        assert.strictEqual(error._tag, "Malformed")
        assert.include(error.message, "a part of an answer (206, bytes 0-10/5000)")
      }
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("does not disturb the others, which are answered meanwhile", () =>
    Effect.gen(function* () {
      const bad = yield* httpServer((_, response) => {
        response.writeHead(200, { ...json, "content-encoding": "gzip" })
        response.end(gzipSync(Buffer.alloc(70 * megabyte, " ")))
      })
      const good = yield* httpServer((_, response) => {
        response.writeHead(200, json)
        response.end("{}")
      })
      const one = yield* testClient({ baseUrl: bad, connection: "bad" })
      const other = yield* testClient({ baseUrl: good })
      const [failed, served] = yield* Effect.all(
        [Effect.either(one.client.read(list)), Effect.forEach([1, 2, 3], () => other.client.read(list))],
        { concurrency: 2 }
      )
      assert.isTrue(Either.isLeft(failed))
      assert.deepStrictEqual(
        served.map(({ status }) => status),
        [200, 200, 200]
      )
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("has headers of up to 64 kB, and a hint of its own beyond", () =>
    Effect.gen(function* () {
      const head = (bytes: number) =>
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: ${"c".repeat(bytes)}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`
      const fair = yield* tcpServer((socket) => socket.end(head(60_000)))
      const { client } = yield* testClient({ baseUrl: fair })
      assert.strictEqual((yield* client.read(list)).status, 200)
      const unfair = yield* tcpServer((socket) => socket.end(head(70_000)))
      const error = yield* Effect.flip((yield* testClient({ baseUrl: unfair })).client.read(list))
      assert.include(error.message, "headers of its answer are longer than the 64 kB that are read")
      assert.include(error.hint, "adds headers or cookies")
    }).pipe(Effect.provide(live))
  )
})

describe("the pace of a streamed answer", () => {
  /** What is said of pieces that come after so many milliseconds each, and are then stored for so long. */
  const paced = (pieces: number, size: number, waits: number, storing: number): string | null => {
    let now = 0
    const pace = makePace(() => now)
    for (let index = 0; index < pieces; index += 1) {
      pace.asks()
      now += waits
      const late = pace.got(size)
      if (late !== null) return late
      now += storing
    }
    return null
  }

  it("is too slow where it makes us wait for next to nothing, or for hours in all", () => {
    assert.strictEqual(paced(1000, 1, 1000, 0), "61 bytes in 61 s")
    assert.strictEqual(paced(10_000, 1 << 20, 1000, 0), "120 minutes of waiting")
  })

  it("is quick enough however long it takes to be stored", () => {
    assert.isNull(paced(1000, 1, 50, 600_000))
    assert.isNull(paced(7000, 1000, 1000, 0))
  })
})

/** One answer by a server that speaks bytes, taken with short patience. */
const dispatched = (
  serve: Parameters<typeof tcpServer>[0],
  patience: Patience & { readonly headers: number }
) =>
  Effect.gen(function* () {
    const origin = yield* tcpServer(serve)
    const agent = yield* Effect.acquireRelease(
      Effect.sync(() => new Agent({ headersTimeout: 60_000, bodyTimeout: 60_000 })),
      (opened) => Effect.promise(() => opened.destroy())
    )
    const deadlines = makeDeadlines(yield* makeTimer, 50)
    const started = performance.now()
    const what = yield* Effect.async<string>((resume) => {
      const ended = (body: Buffer) => resume(Effect.succeed(`${body.length} bytes`))
      const failed = (cause: unknown) => {
        const { code, message } = cause as Error & { readonly code?: string }
        resume(Effect.succeed(code ?? message))
      }
      new Connection(
        undiciDispatch(agent),
        deadlines,
        { origin, path: "/", method: "GET", headers: {}, body: null },
        patience.headers,
        {
          started: (status, _, connection) =>
            new WholeBody(connection, status, boundsOf(megabyte), { ended, failed }, patience),
          failed
        }
      )
    }).pipe(
      Effect.timeoutTo({ duration: 20_000, onTimeout: () => "still waiting", onSuccess: (told) => told })
    )
    return { what, millis: performance.now() - started }
  })

describe("an answer that never comes whole", () => {
  for (const status of ["102 Processing", "103 Early Hints"]) {
    it.scopedLive(`is given up where ${status} is sent for ever`, () =>
      Effect.gen(function* () {
        const { what } = yield* dispatched(
          (socket) => {
            const timer = setInterval(() => socket.write(`HTTP/1.1 ${status}\r\nlink: </a>\r\n\r\n`), 20)
            socket.on("close", () => clearInterval(timer))
          },
          { headers: 300, progress: 60_000, inAll: 60_000 }
        )
        assert.strictEqual(what, "UND_ERR_HEADERS_TIMEOUT")
      })
    )
  }

  it.scopedLive("is given up where it trickles, in its body, in a chunk's extension or in trailers", () =>
    Effect.gen(function* () {
      const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
      for (const [start, drop] of [
        ["HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", "x"],
        [chunked, "1\r\nx\r\n"],
        [`${chunked}1;`, "a"],
        [`${chunked}0\r\n`, "a: b\r\n"]
      ] as const) {
        const { what } = yield* dispatched(
          (socket) => {
            socket.write(start)
            const timer = setInterval(() => socket.write(drop), 20)
            socket.on("close", () => clearInterval(timer))
          },
          { headers: 10_000, progress: 300, inAll: 60_000 }
        )
        assert.strictEqual(what, "ANSWER_TOO_SLOW", start)
      }
    })
  )

  it.scopedLive("is given up in the end, however quickly it comes", () =>
    Effect.gen(function* () {
      const { what } = yield* dispatched(
        (socket) => {
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
          const timer = setInterval(() => socket.write(Buffer.alloc(17_000)), 50)
          socket.on("close", () => clearInterval(timer))
        },
        { headers: 10_000, progress: 200, inAll: 600 }
      )
      assert.strictEqual(what, "ANSWER_TOO_SLOW")
    })
  )
})
