import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import { undiciTransport } from "../../../src/http/exchange/undici.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { list, testClient } from "../support/client.ts"
import { tcpServer } from "../support/server.ts"

const json = (status: string, body: string, headers = "") =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`

/** What came over the wire, what it means (the status, or the kind of failure), and what is reported after `Sent`. */
const answers: Readonly<
  Record<string, readonly [wire: string, means: number | string, reported?: ReadonlyArray<string>]>
> = {
  "a success": [json("200 OK", '{"name":"Zoë"}', "vary: a\r\nvary: b\r\n"), 200],
  "a success with a byte order mark": [json("200 OK", '\ufeff{"a":1}'), 200],
  "an early hint before it": [`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${json("200 OK", "{}")}`, 200],
  "nothing in it": ["HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", 204],
  "nothing that says what it is": ["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", 200],
  "a page for people": [
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html></html>",
    "Malformed"
  ],
  "a redirect": [json("302 Found", "{}", "location: /elsewhere\r\n"), "Rejected"],
  "a wrong request": [json("400 Bad Request", '{"message":"no"}'), "Rejected"],
  "a wrong credential": [json("401 Unauthorized", '{"message":"no"}'), "Unauthorized"],
  "nothing there": [json("404 Not Found", "{}"), 404],
  "nobody there": [
    "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n404 page not found",
    "Malformed"
  ],
  "too many requests": [
    json("429 Too Many Requests", "{}", "retry-after: 7\r\nvary: a\r\nvary: b\r\n"),
    "RateLimited",
    ["RateLimited", "Answered"]
  ],
  "a queue": [json("449 Retry With", "{}"), "Queued", ["Answered", "RateLimited"]],
  "a fault": [json("503 Service Unavailable", "{}", "retry-after: 7\r\n"), "Unavailable"],
  "a body that is cut": ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1,", "Unavailable", ["Unanswered"]],
  "a compressed body that is none": [
    "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\nconnection: close\r\n\r\n\x1f\x8bxx",
    "Unavailable",
    ["Unanswered"]
  ],
  "no HTTP": ["hello\r\n\r\n", "Unavailable", ["Unanswered"]],
  "nothing at all": ["", "Unavailable", ["Unanswered"]]
}

/** What a write comes to, and what is reported of it. */
const outcomeOf = (answer: string) =>
  Effect.gen(function* () {
    const baseUrl = yield* tcpServer((socket) =>
      socket.end(Buffer.from(answer, answer.includes("\x1f") ? "latin1" : "utf8"))
    )
    const { client, events } = yield* testClient({ baseUrl })
    const result = yield* Effect.either(
      client.write({ ...list, method: "PATCH", body: { a: 1 }, mayBeMissing: true })
    )
    return {
      means: Either.match(result, { onLeft: ({ _tag }) => _tag, onRight: ({ status }) => status }),
      events: events.map(({ _tag }) => _tag)
    }
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(undiciTransport, Governor.alone)))

describe("an answer as it comes over the wire", () => {
  for (const [name, [answer, means, reported = ["Answered"]]] of Object.entries(answers)) {
    it.live(`means ${means}: ${name}`, () =>
      Effect.gen(function* () {
        const outcome = yield* outcomeOf(answer)
        assert.strictEqual(outcome.means, means)
        assert.deepStrictEqual(outcome.events, ["Sent", ...reported])
      })
    )
  }
})
