import { request as httpRequest } from "node:http"
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { configuration } from "../../src/simulator/configuration.ts"
import type { Fault } from "../../src/simulator/faults.ts"
import { serve } from "../../src/simulator/serve.ts"
import { makeSimulator, vendorIds } from "../../src/simulator/simulator.ts"
import { now } from "./support.ts"

const start = (faults: ReadonlyArray<Fault> = [], conversations = 40) => {
  const simulator = makeSimulator({ seed: 8, conversations, now, faults })
  return serve(simulator, { now: () => now })
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const fetched = (url: string, init: RequestInit = {}): Effect.Effect<Reply, Error> =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(url, init)
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text: await response.text()
      }
    },
    catch: (cause) => (cause instanceof Error ? cause : new Error(String(cause)))
  })

const post = (url: string, body: unknown) => fetched(url, { method: "POST", body: JSON.stringify(body) })

type Served = Effect.Effect.Success<ReturnType<typeof start>>

const contacts = ({ simulator, origins }: Served) => {
  const [id] = simulator.vendors.aelyst.world.conversations.keys()
  const headers = { authorization: `Bearer ${simulator.vendors.aelyst.options.token}` }
  return {
    world: simulator.vendors.aelyst.world,
    close: fetched(`${origins.aelyst}/v1/contact/id:${id}/conversation/status`, {
      method: "POST",
      headers,
      body: JSON.stringify({ status: "close" })
    }),
    list: fetched(`${origins.aelyst}/v1/contact/list?limit=50`, { method: "POST", headers, body: "{}" })
  }
}

const leads = ({ simulator, origins }: Served) =>
  fetched(`${origins.naturalead}/api/conversations`, {
    headers: { "x-api-key": simulator.vendors.naturalead.options.apiKey }
  })

describe("the served vendors", () => {
  it.scopedLive("answer on origins of their own as they do in process", () =>
    Effect.gen(function* () {
      const served = yield* start()
      expect(new Set(Object.values(served.origins)).size).toBe(4)
      const { status, text, headers } = yield* leads(served)
      expect(status).toBe(200)
      expect(headers["ratelimit-remaining"]).toBe("499")
      expect(JSON.parse(text)).toHaveLength(40)
      const missing = yield* fetched(`${served.origins.aelyst}/v1/contact/id:1`)
      expect(missing).toMatchObject({ status: 401, text: '{"code":401,"message":"UN_AUTHORIZED"}' })
    })
  )

  it.scopedLive("keep a connection open for the next request", () =>
    Effect.gen(function* () {
      const { origins } = yield* start()
      const { Agent } = yield* Effect.promise(() => import("node:http"))
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
      const port = () =>
        Effect.async<number | undefined>((resume) => {
          const sent = httpRequest(`${origins.empfio}/api/v1/auth/me`, { agent }, (response) => {
            const { localPort } = response.socket
            response.resume().on("end", () => resume(Effect.succeed(localPort)))
          })
          sent.end()
        })
      const first = yield* port()
      expect(yield* port()).toBe(first)
    })
  )

  it.scopedLive("cut the connection before a write is carried out, and after it", () =>
    Effect.gen(function* () {
      const served = yield* start([
        { times: 1, effect: { kind: "cut", when: "before" } },
        { times: 1, effect: { kind: "cut", when: "after" } }
      ])
      const { world, close } = contacts(served)
      expect((yield* Effect.flip(close)).message).toContain("fetch failed")
      expect(world.effects).toHaveLength(0)
      expect((yield* Effect.flip(close)).message).toContain("fetch failed")
      expect(world.effects).toHaveLength(1)
      expect((yield* close).status).toBe(200)
    })
  )

  it.scopedLive("cut a short body and a streamed one in the middle", () =>
    Effect.gen(function* () {
      const served = yield* start([{ times: 2, effect: { kind: "cut", when: "body", afterCharacters: 300 } }])
      const received = (url: string, headers: Record<string, string>, method: string) =>
        Effect.async<{ text: string; whole: boolean }>((resume) => {
          const sent = httpRequest(url, { method, headers }, (response) => {
            let text = ""
            response.setEncoding("utf8")
            response.on("data", (piece) => {
              text += piece
            })
            response.on("error", () => {})
            response.on("close", () => resume(Effect.succeed({ text, whole: response.complete })))
          })
          sent.end(method === "POST" ? "{}" : undefined)
        })
      const { naturalead, aelyst } = served.simulator.vendors
      const streamed = yield* received(
        `${served.origins.naturalead}/api/conversations`,
        { "x-api-key": naturalead.options.apiKey },
        "GET"
      )
      expect(streamed.whole).toBe(false)
      expect(streamed.text).toHaveLength(300)
      const short = yield* received(
        `${served.origins.aelyst}/v1/contact/list`,
        { authorization: `Bearer ${aelyst.options.token}` },
        "POST"
      )
      expect(short.whole).toBe(false)
      expect(short.text).toHaveLength(300)
      expect((yield* leads(served)).status).toBe(200)
    })
  )

  it.scopedLive("hang without an answer until the other side gives up", () =>
    Effect.gen(function* () {
      const served = yield* start([{ times: 1, effect: { kind: "hang" } }])
      const gaveUp = yield* Effect.flip(
        fetched(`${served.origins.empfio}/api/v1/auth/me`, { signal: AbortSignal.timeout(50) })
      )
      expect(gaveUp.name).toBe("TimeoutError")
      expect(served.simulator.log[0]?.fate).toBe("hung")
    })
  )

  it.scopedLive("show their worlds, change them and take faults from other processes", () =>
    Effect.gen(function* () {
      const served = yield* start()
      const { control, simulator } = served
      const { world } = simulator.vendors.empfio
      const [id = ""] = world.conversations.keys()
      const said = yield* post(`${control}/mutate`, {
        action: "addMessage",
        vendor: "empfio",
        id,
        text: "From outside"
      })
      expect(JSON.parse(said.text).changes[0].messages).toEqual([id])
      const state = JSON.parse((yield* fetched(`${control}/state/empfio`)).text)
      expect(state.conversations).toHaveLength(40)
      expect(state.conversations[0].messages.at(-1).content).toBe("From outside")

      yield* post(`${control}/faults`, {
        vendor: "aelyst",
        times: 1,
        effect: { kind: "answer", status: 503 }
      })
      const { list, close } = contacts(served)
      expect([(yield* list).status, (yield* list).status]).toEqual([503, 200])
      yield* post(`${control}/faults`, { preset: "harsh" })
      yield* fetched(`${control}/faults`, { method: "DELETE" })
      expect(simulator.faults.list()).toEqual([])

      yield* close
      const effects = JSON.parse((yield* fetched(`${control}/state/aelyst?messages=0`)).text).effects
      expect(effects).toHaveLength(1)
      const log = JSON.parse((yield* fetched(`${control}/log`)).text)
      expect(log.map((entry: { status: number }) => entry.status)).toEqual([503, 200, 200])

      yield* post(`${control}/options`, { vendor: "aelyst", options: { messageList: "absent" } })
      expect(simulator.vendors.aelyst.options.messageList).toBe("absent")
    })
  )

  it.scopedLive("say what is wrong with an order they do not understand", () =>
    Effect.gen(function* () {
      const { control } = yield* start()
      const fault = yield* post(`${control}/faults`, {
        match: { path: "(" },
        effect: { kind: "answer", status: 503 }
      })
      expect(fault.status).toBe(400)
      expect(fault.text).toContain("not a regular expression")
      expect((yield* post(`${control}/faults`, { preset: "gentle" })).text).toContain("mild")
      expect((yield* post(`${control}/mutate`, { action: "explode" })).status).toBe(400)
      const unknown = { action: "remove", vendor: "empfio", id: "nobody" }
      expect((yield* post(`${control}/mutate`, unknown)).status).toBe(404)
      expect((yield* fetched(`${control}/state/nobody`)).status).toBe(404)
    })
  )

  it.scopedLive("propose a configuration that names where they are and holds no secret", () =>
    Effect.gen(function* () {
      const { simulator, origins } = yield* start()
      const { yaml, environment } = configuration(simulator, origins)
      for (const url of [
        `${origins.naturalead}/api`,
        `${origins.convocore}/v3`,
        origins.empfio,
        `${origins.aelyst}/v1`
      ]) {
        expect(yaml).toContain(`baseUrl: ${url}\n`)
      }
      for (const id of vendorIds) expect(yaml).toContain(`provider: ${id}\n`)
      for (const [name, value] of Object.entries(environment)) {
        expect(yaml).toContain(`\${${name}}`)
        expect(yaml).not.toContain(value)
      }
    })
  )

  it.effect("free their ports when they are no longer needed", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(
        Effect.map(start(), ({ origins }) => Number(new URL(origins.empfio).port))
      )
      const simulator = makeSimulator({ seed: 1, conversations: 0, now })
      yield* Effect.scoped(serve(simulator, { ports: { naturalead: port } }))
      const taken = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* serve(simulator, { ports: { aelyst: port } })
          return yield* Effect.flip(serve(simulator, { ports: { control: port } }))
        })
      )
      expect(taken.message).toContain(String(port))
    })
  )
})
