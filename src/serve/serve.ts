import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { join } from "node:path"
import {
  FileSystem,
  HttpApiBuilder,
  HttpApiError,
  type HttpApp,
  HttpIncomingMessage,
  HttpRouter,
  HttpServerError,
  HttpServerResponse,
  OpenApi
} from "@effect/platform"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Cause, Chunk, Context, Effect, Layer, Option } from "effect"
import type { Config, ConnectionConfig } from "../config/Config.ts"
import { Db } from "../store/Db.ts"
import type { StoreError } from "../store/StoreError.ts"
import { storeLayer } from "../sync/layers.ts"
import { Api, Invalid, type Settings } from "./api.ts"
import { makeEvents } from "./events.ts"
import { loopbackSite, proxiedSite } from "./guard.ts"
import { analysis, reportDocument } from "./handlers/analysis.ts"
import { changes } from "./handlers/changes.ts"
import { conversations } from "./handlers/conversations.ts"
import { health } from "./handlers/health.ts"
import { session } from "./handlers/session.ts"
import { listen, maxHeaderSize } from "./listen.ts"
import { makeReader } from "./reader.ts"
import { makeRuns, noRuns } from "./runs.ts"
import { Serving } from "./Serving.ts"
import { makeSessions } from "./sessions.ts"

/** How the page is reached from elsewhere: an address to listen on, the public one, and the token that lets in. */
export interface Elsewhere {
  readonly host: string
  readonly origin: URL
  readonly token: string
}

export interface ServeOptions {
  /** The mirror's file. */
  readonly database: string
  readonly connections: ReadonlyArray<ConnectionConfig>
  readonly notify: Config["notify"]
  readonly settings: Omit<Settings, "time_zone">
  /** 0: any that is free; null: the usual one, or any where another page has it. */
  readonly port: number | null
  /** Null: loopback alone. */
  readonly elsewhere: Elsewhere | null
  /** The folder of the built page. */
  readonly page: string
  /** The built program that reads the mirror in a process of its own. */
  readonly queryProgram: string
}

const usualPort = 8717

/** Bytes of a request's body. */
const mostBytes = 2 ** 20

const types: Readonly<Record<string, string>> = {
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8"
}

/** Answers with the built page: its script, its style, and at any other address the document that loads them. */
const pageIn = (folder: string) => {
  const read = (name: string, type: string) => {
    const body = readFileSync(join(folder, name))
    return { body, type, tag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` }
  }
  const document = read("index.html", "text/html; charset=utf-8")
  const files = new Map(Object.entries(types).map(([name, type]) => [`/${name}`, read(name, type)]))
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/"
    const { body, tag, type } = files.get(path) ?? document
    response.setHeader("cache-control", "no-cache")
    response.setHeader("etag", tag)
    if (request.headers["if-none-match"] === tag) {
      response.writeHead(304).end()
      return
    }
    response.writeHead(200, { "content-type": type, "content-length": body.length })
    response.end(request.method === "HEAD" ? undefined : body)
  }
}

const badBody = HttpServerResponse.unsafeJson(
  {
    _tag: "Invalid",
    message: `what was sent is not JSON, or is more than ${mostBytes / 2 ** 20} MB`,
    hint: "send a JSON document"
  },
  { status: 400 }
)

const nothingThere = HttpServerResponse.unsafeJson(
  {
    _tag: "Missing",
    message: "there is nothing at this address",
    hint: "GET /api/openapi.json lists what there is"
  },
  { status: 404 }
)

const unexpected = HttpServerResponse.unsafeJson(
  {
    _tag: "Unexpected",
    message: "something that should not happen did",
    hint: "start `parley serve` with --log-level debug to see what"
  },
  { status: 500 }
)

const answerOf = (cause: Cause.Cause<unknown>) => {
  const faults = [
    ...Chunk.toReadonlyArray(Cause.failures(cause)),
    ...Chunk.toReadonlyArray(Cause.defects(cause))
  ]
  if (faults.some((fault) => fault instanceof HttpServerError.RequestError)) return Effect.succeed(badBody)
  if (faults.some((fault) => fault instanceof HttpServerError.RouteNotFound))
    return Effect.succeed(nothingThere)
  if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
  return Effect.as(Effect.logError("a request failed", cause), unexpected)
}

/** What is wrong with what was asked, of the first name in it that something is wrong with. */
const explained = ({ issues }: HttpApiError.HttpApiDecodeError): Invalid => {
  const where = issues[0]?.path.join(".") ?? ""
  const said = issues.flatMap(({ message, path }) => (path.join(".") === where ? [message] : []))
  // What may be left out may also be undefined, which no request can say.
  const what = said.filter((message, index) => index === 0 || !message.startsWith("Expected undefined,"))
  return new Invalid({
    message: `${where === "" ? "what was sent" : where}: ${[...new Set(what)].join("; ")}`,
    hint: "GET /api/openapi.json says what is understood"
  })
}

const explaining = HttpApiBuilder.middleware(Api, (app) =>
  Effect.mapError(app, (error: unknown) =>
    error instanceof HttpApiError.HttpApiDecodeError ? explained(error) : (error as never)
  )
)

const apiLayer = Layer.mergeAll(HttpApiBuilder.api(Api), explaining).pipe(
  Layer.provide([session, conversations, changes, health, analysis])
)

/** Answers requests of the API, whose makers are let in already. */
const makeApi = (serving: Serving["Type"]) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      Layer.mergeAll(apiLayer, HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer).pipe(
        Layer.provideMerge(NodeHttpServer.layerContext),
        Layer.provideMerge(Layer.succeed(Serving, serving))
      )
    )
    const app = yield* HttpApiBuilder.httpApp.pipe(
      Effect.provide(context),
      // An id may be as long as a request's head can be.
      HttpRouter.withRouterConfig({ maxParamLength: maxHeaderSize })
    )
    const answering = <E, R>(answer: HttpApp.Default<E, R>) =>
      NodeHttpServer.makeHandler(
        Effect.catchAllCause(answer, answerOf).pipe(
          Effect.provide(context),
          Effect.provideService(HttpIncomingMessage.MaxBodySize, Option.some(FileSystem.Size(mostBytes)))
        )
      )
    const answer = yield* answering(app)
    const report = yield* answering(reportDocument)
    const openApi = JSON.stringify(OpenApi.fromApi(Api.annotate(OpenApi.Version, serving.settings.version)))
    return (request: IncomingMessage, response: ServerResponse): void => {
      if (request.method === "GET" && request.url === "/api/openapi.json") {
        response.writeHead(200, { "content-type": "application/json" }).end(openApi)
      } else if (request.url?.startsWith("/api/") === true) answer(request, response)
      else report(request, response)
    }
  })

/** The zone of the mirror's days and hours. */
const timeZoneOf = (db: Db) =>
  db.use("serve.timeZone", ({ prepare }) =>
    String(prepare("SELECT time_zone FROM analysis_clock").pluck().get() ?? "UTC")
  )

/** Fails once the file that changes are written to is no longer where it was: no one would find them. */
const untilMoved = (db: Db): Effect.Effect<never, StoreError> =>
  Effect.forever(Effect.zipRight(Effect.sleep("1 second"), db.stillThere("serve", { atOnce: true })))

/**
 * Serves the page and its API for as long as the scope. Returns the address that lets a browser in, the runs that can be
 * made beside it, and what fails where it cannot go on.
 */
export const serve = Effect.fn("serve")(function* (options: ServeOptions) {
  const { connections, database, elsewhere } = options
  const writer = options.settings.read_only === null ? yield* Layer.build(storeLayer(database)) : null
  const mirror = yield* makeReader(database)
  const settings: Settings = { ...options.settings, time_zone: yield* timeZoneOf(mirror) }
  const events = yield* makeEvents(mirror)
  const runs = writer === null ? noRuns : yield* makeRuns(writer, options, events)
  const sessions = makeSessions(elsewhere?.token ?? null)
  const page = pageIn(options.page)
  const cookies = { name: "", secure: false }
  const serving: Serving["Type"] = {
    settings,
    connections,
    sessions,
    cookie: cookies,
    queryProgram: options.queryProgram,
    reader: Context.make(Db, mirror),
    writer,
    runs,
    events
  }
  const api = yield* makeApi(serving)
  const listenOn = (wanted: number) =>
    listen(elsewhere?.host ?? null, wanted, (bound) => {
      const site =
        elsewhere === null
          ? loopbackSite(bound, settings.read_only)
          : proxiedSite(elsewhere.origin, bound, settings.read_only)
      cookies.name = site.cookie
      cookies.secure = site.isSecure
      return { site, isKnown: sessions.isKnown, api, page }
    })
  const port =
    options.port === null
      ? yield* Effect.catchTag(listenOn(usualPort), "CannotListen", () => listenOn(0))
      : yield* listenOn(options.port)
  const origin = elsewhere === null ? `http://127.0.0.1:${port}` : elsewhere.origin.origin
  // A fixed token is in a variable already, and is not printed.
  return {
    address: elsewhere === null ? `${origin}/#token=${sessions.token}` : `${origin}/`,
    runs,
    port,
    ended: writer === null ? Effect.never : untilMoved(Context.get(writer, Db))
  }
})
