import { Cause, Effect } from "effect"
import type { Dispatch } from "./transport.ts"

/** Posts one JSON document, follows no redirect, and gives the status of the answer, whose end is not waited for. */
export const postJson = (
  dispatch: Dispatch,
  url: string,
  headers: Readonly<Record<string, string>>,
  document: object
): Effect.Effect<number, Cause.UnknownException> =>
  Effect.async((resume) => {
    const { origin, pathname, search } = new URL(url)
    const { abort } = dispatch(
      {
        origin,
        path: pathname + search,
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(document)
      },
      {
        started: (status) => resume(Effect.succeed(status)),
        data: () => {},
        ended: () => {},
        failed: (cause) => resume(Effect.fail(new Cause.UnknownException(cause)))
      }
    )
    return Effect.sync(abort)
  })
