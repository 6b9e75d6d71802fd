import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Stream } from "effect"
import { makeAgents } from "../../../src/http/exchange/agents.ts"
import { type Environment, ProxyFault, proxyFor } from "../../../src/http/exchange/proxy.ts"
import { Transport } from "../../../src/http/exchange/transport.ts"
import { undiciDispatch } from "../../../src/http/exchange/undici.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { list, testClient } from "../support/client.ts"
import { httpServer } from "../support/server.ts"

const proxy = "http://proxy.example:3128"
const vendor = "https://api.vendor.example"

describe("the proxy for an origin", () => {
  for (const [environment, origin, name] of [
    [{}, vendor, null],
    [{ HTTPS_PROXY: proxy }, vendor, "proxy.example:3128"],
    [{ https_proxy: proxy }, vendor, "proxy.example:3128"],
    [{ https_proxy: "http://lower:1", HTTPS_PROXY: proxy }, vendor, "lower:1"],
    [{ https_proxy: "", HTTPS_PROXY: proxy }, vendor, null],
    [{ HTTP_PROXY: proxy }, vendor, null],
    [{ HTTP_PROXY: proxy }, "http://api.vendor.example", "proxy.example:3128"],
    [{ ALL_PROXY: proxy }, vendor, "proxy.example:3128"],
    [{ HTTPS_PROXY: "proxy.example:3128" }, vendor, "proxy.example:3128"],
    [{ HTTPS_PROXY: "http://[2001:db8::1]:3128" }, vendor, "[2001:db8::1]:3128"],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "*" }, vendor, null],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "vendor.example" }, vendor, null],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "other.example, .VENDOR.example" }, vendor, null],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "*.vendor.example" }, vendor, null],
    [{ HTTPS_PROXY: proxy, no_proxy: "api.vendor.example:443" }, vendor, null],
    [{ HTTPS_PROXY: proxy, no_proxy: "api.vendor.example:8443" }, vendor, "proxy.example:3128"],
    [{ HTTPS_PROXY: proxy, no_proxy: "dor.example" }, vendor, "proxy.example:3128"],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "10.0.0.0/8" }, "https://10.1.2.3", null],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "10.0.0.0/8" }, "https://11.1.2.3", "proxy.example:3128"],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "10.0.0.0/99, /8, :, [" }, "https://10.1.2.3", "proxy.example:3128"],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "2001:db8::1" }, "https://[2001:db8:0::1]", null],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "[2001:db8::1]:8443" }, "https://[2001:db8::1]:8443", null],
    [{ HTTPS_PROXY: proxy, NO_PROXY: "2001:db8::/32" }, "https://[2001:db8:5::1]", null],
    [{ HTTP_PROXY: proxy }, "http://127.0.0.1:4000", null],
    [{ HTTP_PROXY: proxy }, "http://[::1]:4000", null],
    [{ HTTP_PROXY: proxy }, "http://localhost:4000", null],
    [{ HTTP_PROXY: proxy, PARLEY_PROXY_LOOPBACK: "1" }, "http://127.0.0.1:4000", "proxy.example:3128"]
  ] as ReadonlyArray<readonly [Environment, string, string | null]>) {
    it(`of ${JSON.stringify(environment)} is ${name ?? "none"} for ${origin}`, () => {
      assert.strictEqual(proxyFor(origin, environment)?.name ?? null, name)
    })
  }

  it("has the credentials of its address, decoded, and nothing of them in its name", () => {
    const found = proxyFor(vendor, { HTTPS_PROXY: "http://me:p%40ss%3A@proxy.example:3128" })
    assert.strictEqual(found?.authorization, `Basic ${Buffer.from("me:p@ss:").toString("base64")}`)
    assert.strictEqual(found?.url, proxy)
    assert.strictEqual(
      proxyFor(vendor, { HTTPS_PROXY: "http://me@proxy.example" })?.authorization,
      `Basic ${Buffer.from("me:").toString("base64")}`
    )
  })

  it("is a fault in words where the variable names none", () => {
    for (const value of ["ftp://secret@proxy.example", "http://", "http://secret@:::"]) {
      let fault: unknown = null
      try {
        proxyFor(vendor, { HTTPS_PROXY: value })
      } catch (cause) {
        fault = cause
      }
      assert.instanceOf(fault, ProxyFault)
      assert.notInclude(String(fault), "secret")
    }
  })
})

/** A real proxy on loopback that opens tunnels, or answers every CONNECT with a status. */
const tunnels = (status = 200) =>
  Effect.acquireRelease(
    Effect.async<{
      readonly port: number
      readonly asked: ReadonlyArray<string>
      readonly close: () => void
    }>((resume) => {
      const asked: Array<string> = []
      const server = createServer()
      server.on("connect", (request, socket, head) => {
        asked.push(`${request.url} ${request.headers["proxy-authorization"] ?? "-"}`)
        socket.on("error", () => {})
        if (status !== 200) return socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
        const [host, port] = (request.url ?? "").split(":")
        const onward = connect(Number(port), host, () => {
          socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
          onward.write(head)
          onward.pipe(socket)
          socket.pipe(onward)
        })
        onward.on("error", () => socket.destroy())
      })
      server.listen(0, "127.0.0.1", () => {
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ port: (server.address() as AddressInfo).port, asked, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const throughProxy = (environment: Environment) =>
  Layer.merge(
    Layer.scoped(
      Transport,
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => makeAgents({ PARLEY_PROXY_LOOPBACK: "1", ...environment })),
          (opened) => Effect.promise(() => opened.destroy())
        ),
        (agents) => ({ dispatch: undiciDispatch(agents) })
      )
    ),
    Governor.alone
  )

const answering = httpServer((_, response) => {
  response.writeHead(200, { "content-type": "application/json" })
  response.end('["served"]')
})

const reading = (baseUrl: string, environment: Environment) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl })
    const whole = yield* Effect.either(client.read(list))
    const streamed = yield* Effect.either(
      Effect.flatMap(client.stream(list), ({ body }) => Stream.runDrain(body))
    )
    return { whole, streamed }
  }).pipe(Effect.scoped, Effect.provide(throughProxy(environment)))

describe("a connection through a proxy", () => {
  it.scopedLive("is a tunnel that is asked for with the proxy's credentials, whole and streamed", () =>
    Effect.gen(function* () {
      const baseUrl = yield* answering
      const { asked, port } = yield* tunnels()
      const { streamed, whole } = yield* reading(baseUrl, {
        HTTP_PROXY: `http://me:secret@127.0.0.1:${port}`
      })
      assert.strictEqual(Either.isRight(whole) && whole.right.text, '["served"]')
      assert.isTrue(Either.isRight(streamed))
      const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`
      assert.deepStrictEqual([...new Set(asked)], [`${new URL(baseUrl).host} ${authorization}`])
    })
  )

  it.scopedLive("is not made where NO_PROXY names the host", () =>
    Effect.gen(function* () {
      const baseUrl = yield* answering
      const { asked, port } = yield* tunnels()
      const { whole } = yield* reading(baseUrl, {
        HTTP_PROXY: `http://127.0.0.1:${port}`,
        NO_PROXY: "127.0.0.0/8"
      })
      assert.isTrue(Either.isRight(whole))
      assert.deepStrictEqual(asked, [])
    })
  )

  for (const [status, words, attempts] of [
    [407, /the proxy asks for credentials, or refuses those that it was given \(407\)/, 1],
    [403, /the proxy answered 403/, 1]
  ] as const) {
    it.scopedLive(`fails at once, in words, where the proxy answers ${status}`, () =>
      Effect.gen(function* () {
        const baseUrl = yield* answering
        const { asked, port } = yield* tunnels(status)
        const { whole } = yield* reading(baseUrl, { HTTP_PROXY: `http://me:secret@127.0.0.1:${port}` })
        const error = Either.isLeft(whole) ? whole.left : null
        assert.strictEqual(error?._tag, "Unavailable")
        assert.match(error?.message ?? "", words)
        assert.notInclude(JSON.stringify(error), "secret")
        // Once for the whole answer and once for the streamed one.
        assert.strictEqual(asked.length, 2 * attempts)
      })
    )
  }

  it.scopedLive("is no failure of the process where the variable names no proxy", () =>
    Effect.gen(function* () {
      const { whole } = yield* reading(yield* answering, { HTTP_PROXY: "socks9://secret@x:1" })
      const error = Either.isLeft(whole) ? whole.left : null
      assert.include(error?.message ?? "", "HTTP_PROXY names a proxy of a kind that is not supported")
      assert.notInclude(JSON.stringify(error), "secret")
    })
  )
})
