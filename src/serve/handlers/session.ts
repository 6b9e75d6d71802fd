import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Effect, Schedule, Stream } from "effect"
import { Api, Refused } from "../api.ts"
import type { ServeEvent } from "../events.ts"
import { Serving } from "../Serving.ts"

/** Milliseconds between two signs of life. */
const pulseEvery = 15_000

const pieceOf = ({ event, ...data }: ServeEvent): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

export const session = HttpApiBuilder.group(Api, "session", (handlers) =>
  handlers
    .handle("enter", ({ payload: { token } }) =>
      Effect.gen(function* () {
        const { cookie, sessions } = yield* Serving
        const value = sessions.enter(token)
        if (value === null) {
          return yield* new Refused({
            message: "this address was used already, or is not the one that was printed",
            hint: "start `parley serve` again: it prints a new one"
          })
        }
        return HttpServerResponse.unsafeJson({ entered: true }).pipe(
          HttpServerResponse.unsafeSetCookie(cookie.name, value, {
            httpOnly: true,
            sameSite: "strict",
            path: "/",
            secure: cookie.secure
          })
        )
      })
    )
    .handle("settings", () => Effect.map(Serving, ({ settings }) => settings))
    .handle("events", () =>
      Effect.gen(function* () {
        const { events } = yield* Serving
        const stream = yield* events.listen
        if (stream === null) {
          return yield* new Refused({ message: "too many pages are open", hint: "close some of them" })
        }
        const pulse = Stream.fromSchedule(Schedule.spaced(pulseEvery)).pipe(
          Stream.map(() => ": still here\n\n")
        )
        return HttpServerResponse.stream(
          Stream.make("retry: 2000\n\n").pipe(
            Stream.concat(Stream.merge(Stream.map(stream, pieceOf), pulse)),
            Stream.encodeText
          ),
          { contentType: "text/event-stream", headers: { "cache-control": "no-store" } }
        )
      })
    )
)
