import { spawn } from "node:child_process"
import { Context, Data, Effect, Layer, Redacted, Schedule } from "effect"
import type { NotifyTarget } from "../../config/notify.ts"
import { postJson } from "../../http/exchange/postJson.ts"
import { Transport } from "../../http/exchange/transport.ts"
import { type AlertEventDocument, webhookBody } from "./messages.ts"

/** Milliseconds that one attempt may take, and how often it is tried. */
const attemptMillis = 10_000
const attempts = 3

/** Why someone was not told. `isPassing`: another attempt may do. Never holds an address. */
class NotTold extends Data.TaggedError("NotTold")<{
  readonly message: string
  readonly isPassing: boolean
}> {}

/** A program of the user's: the event on stdin. Ended, with what it started, where it takes too long. */
const runCommand = (words: readonly [string, ...Array<string>], document: AlertEventDocument) =>
  Effect.async<void, NotTold>((resume) => {
    const [program, ...args] = words
    const child = spawn(program, args, {
      stdio: ["pipe", "ignore", "ignore"],
      detached: process.platform !== "win32"
    })
    const fail = (message: string) => resume(new NotTold({ message, isPassing: false }))
    child.on("error", (error: NodeJS.ErrnoException) =>
      fail(error.code === "ENOENT" ? `there is no program ${program}` : `${program} could not be started`)
    )
    child.on("close", (code, signal) => {
      if (code === 0) resume(Effect.void)
      else fail(`${program} ended with ${signal ?? `exit code ${code}`}`)
    })
    // One that does not read its input has still been started.
    child.stdin.on("error", () => undefined)
    child.stdin.end(`${JSON.stringify(document)}\n`)
    return Effect.sync(() => {
      const { pid } = child
      if (pid === undefined) return
      try {
        process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL")
      } catch {
        // It has ended in this moment.
      }
    })
  })

const postTo = (url: string, document: AlertEventDocument) =>
  Effect.gen(function* () {
    const { undiciTransport } = yield* Effect.promise(() => import("../../http/exchange/undici.ts"))
    const { dispatch } = Context.get(yield* Layer.build(undiciTransport), Transport)
    const status = yield* postJson(dispatch, url, {}, webhookBody(document, new URL(url).hostname)).pipe(
      Effect.mapError(() => new NotTold({ message: "no answer came", isPassing: true }))
    )
    if (status >= 200 && status < 300) return
    return yield* new NotTold({
      message: `it answered ${status}`,
      isPassing: status === 429 || status >= 500
    })
  }).pipe(Effect.scoped)

const attempt = ({ to }: NotifyTarget, document: AlertEventDocument) =>
  (to._tag === "Command" ? runCommand(to.words, document) : postTo(Redacted.value(to.url), document)).pipe(
    Effect.timeoutFail({
      duration: attemptMillis,
      onTimeout: () =>
        new NotTold({ message: `it took more than ${attemptMillis / 1000} s`, isPassing: to._tag === "Url" })
    })
  )

const nameOf = ({ to }: NotifyTarget): string =>
  to._tag === "Command" ? `the command ${to.words[0]}` : `the address in ${to.variable}`

/** Tells one of them; false: it did not arrive, which is logged and no more. */
export const deliver = (target: NotifyTarget, document: AlertEventDocument): Effect.Effect<boolean> =>
  attempt(target, document).pipe(
    Effect.retry({
      schedule: Schedule.intersect(Schedule.exponential(1000, 3), Schedule.recurs(attempts - 1)),
      while: ({ isPassing }) => isPassing
    }),
    Effect.as(true),
    Effect.catchAll(({ message }) =>
      Effect.as(
        Effect.logWarning(
          `notify: ${nameOf(target)} could not be told (${message}); the next run tries again`
        ),
        false
      )
    )
  )
