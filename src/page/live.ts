import { useEffect, useRef, useState } from "preact/hooks"
import type { Running } from "./data.ts"

/*
 * What the server says by itself.
 */

interface News {
  readonly conversations: { readonly ids: ReadonlyArray<string> | null }
  readonly changes: {
    readonly items: ReadonlyArray<{
      readonly id: number
      readonly conversation_id: string
      readonly state: string
      readonly last_error: string | null
    }>
  }
  readonly runs: { readonly running: ReadonlyArray<Running> }
  readonly waiting: { readonly connection: string; readonly until: string; readonly reason: string }
  readonly notice: { readonly connection: string; readonly message: string; readonly hint: string }
  /** The connection to the server was lost, and is there again: what was said meanwhile was missed. */
  readonly again: Record<string, never>
}

type Listener = (data: never) => void

const listeners = new Map<keyof News, Set<Listener>>()

const tell = (name: keyof News, data: unknown): void => {
  for (const listener of listeners.get(name) ?? []) listener(data as never)
}

let isConnected = false
const connectionListeners = new Set<(is: boolean) => void>()

const connected = (is: boolean): void => {
  isConnected = is
  for (const listener of connectionListeners) listener(is)
}

/** Listens for as long as the page is open. */
export const listen = (): void => {
  const source = new EventSource("/api/events")
  let wasLost = false
  for (const name of ["conversations", "changes", "runs", "waiting", "notice"] as const) {
    source.addEventListener(name, (event) => tell(name, JSON.parse((event as MessageEvent).data)))
  }
  source.addEventListener("open", () => {
    connected(true)
    if (wasLost) tell("again", {})
    wasLost = false
  })
  source.addEventListener("error", () => {
    wasLost = true
    connected(false)
  })
}

/** Whether the server is there. */
export const useConnected = (): boolean => {
  const [is, set] = useState(isConnected)
  useEffect(() => {
    connectionListeners.add(set)
    // It may have opened since the first render.
    set(isConnected)
    return () => {
      connectionListeners.delete(set)
    }
  }, [])
  return is
}

/** Calls `handle` with each event of a kind, as it is in the newest render. */
export const useNews = <Name extends keyof News>(name: Name, handle: (data: News[Name]) => void): void => {
  const newest = useRef(handle)
  newest.current = handle
  useEffect(() => {
    const listener = (data: never) => newest.current(data)
    const all = listeners.get(name) ?? new Set()
    listeners.set(name, all.add(listener))
    return () => {
      all.delete(listener)
    }
  }, [name])
}
