import { once } from "node:events"
import { connect } from "node:net"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { listening, makeServer } from "../../src/files/listening.ts"

for (const [what, begun] of [
  ["its headers", "POST / HTTP/1.1\r\nHost: a\r\n"],
  ["its body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"]
] as const) {
  it.scopedLive(
    `lets a client go that takes too long for ${what}`,
    () =>
      Effect.gen(function* () {
        const server = makeServer({ headers: 200, request: 200 }, {}, () => undefined)
        const { host, port } = yield* listening(server, { host: "127.0.0.1", port: 0 }, "")
        const socket = connect({ host, port })
        socket.write(begun)
        socket.resume()
        yield* Effect.promise(() => once(socket, "close"))
      }),
    // Node by itself takes 30 seconds.
    20_000
  )
}
