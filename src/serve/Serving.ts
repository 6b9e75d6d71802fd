import { Context, Effect } from "effect"
import type { ConnectionConfig } from "../config/Config.ts"
import { Db, type Session } from "../store/Db.ts"
import { type Broken, Refused, type Settings, toBroken } from "./api.ts"
import type { Events } from "./events.ts"
import type { Runs, Store } from "./runs.ts"
import type { Sessions } from "./sessions.ts"

/** What requests are answered with. */
export class Serving extends Context.Tag("parley/Serving")<
  Serving,
  {
    readonly settings: Settings
    readonly connections: ReadonlyArray<ConnectionConfig>
    readonly sessions: Sessions
    /** The cookie that lets a browser in. */
    readonly cookie: { readonly name: string; readonly secure: boolean }
    /** The built program that reads the mirror in a process of its own. */
    readonly queryProgram: string
    /** The mirror, read-only. */
    readonly reader: Context.Context<Db>
    /** Null: nothing can be changed here. */
    readonly writer: Context.Context<Store> | null
    readonly runs: Runs
    readonly events: Events
  }
>() {}

/** Reads the mirror. */
export const reading = <A>(f: (session: Session) => A): Effect.Effect<A, Broken, Serving> =>
  Effect.flatMap(Serving, ({ reader }) => Effect.mapError(Context.get(reader, Db).use("serve", f), toBroken))

/** Works on the mirror that is open for writing. */
export const writing = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Refused, Exclude<R, Store> | Serving> =>
  Effect.flatMap(
    Serving,
    ({ settings, writer }): Effect.Effect<A, E | Refused, Exclude<R, Store>> =>
      writer === null
        ? new Refused({ message: "nothing can be changed here", hint: settings.read_only ?? "" })
        : Effect.provide(effect, writer)
  )
