import { join } from "node:path"
import { Effect } from "effect"
import type { ConnectionConfig } from "../../src/config/Config.ts"
import type { Simulator, VendorId } from "../../src/simulator/index.ts"
import { run } from "../../src/sync/run.ts"
import { type Verdict, verify } from "../../src/sync/verify.ts"
import { inProcess, makeWorld, type PullRun, pullRun, temporaryFolder } from "./inProcess.ts"

export type Handle = Simulator["handle"]

/** One vendor with a few conversations, and a mirror of it. `instead` may alter what is asked, and what is answered. */
export const opened = (vendor: VendorId, options: object = {}, conversations = 4) =>
  Effect.gen(function* () {
    const simulated = yield* makeWorld({
      conversations: { [vendor]: conversations },
      vendors: { [vendor]: options }
    })
    const { simulator } = simulated
    const { handle } = simulator
    const folder = yield* temporaryFolder
    const connection = simulated.connection(vendor)
    const instead: { answer: Handle } = { answer: handle }
    Object.assign(simulator, { handle: (...input: Parameters<Handle>) => instead.answer(...input) })
    const mirror = inProcess(join(folder, "mirror.db"), simulator)
    const verdicts: Array<Verdict> = []
    const pulledBy = (one: ConnectionConfig, how: PullRun = {}) =>
      Effect.map(pullRun([one], how), ({ report }) => report.connections[0])
    const pulled = (how: PullRun) => pulledBy(connection, how)
    return {
      connection,
      simulator,
      world: simulator.vendors[vendor].world,
      /** The honest vendor. */
      handle,
      instead,
      provided: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.provide(work, mirror),
      pulled,
      /** The same, with other settings. */
      pulledBy,
      sync: (full = false) => pulled({ full }),
      verify: Effect.map(
        run({
          command: "verify",
          connections: [connection],
          maxWaitMillis: 1_000,
          lanes: [
            {
              lane: "verify",
              work: (one, runId) =>
                Effect.map(verify(one, runId, null), (verdict) => {
                  verdicts.push(verdict)
                  return { fault: verdict.stopped }
                })
            }
          ]
        }),
        ({ report }) => ({ ...report.connections[0], verdict: verdicts.at(-1) })
      )
    }
  })

/** An answer with a text of its body in the place of another. */
export const replacing = (handle: Handle, path: RegExp, change: (body: string) => string): Handle => {
  return (vendor, request, now) => {
    const answer = handle(vendor, request, now)
    const text = typeof answer.body === "string" ? answer.body : [...answer.body].join("")
    return { ...answer, body: path.test(request.url) ? change(text) : text }
  }
}
