import { useEffect, useState } from "preact/hooks"

/*
 * The address says what is shown: a page, a conversation, and the filters of the list.
 */

export interface Address {
  readonly path: string
  readonly query: URLSearchParams
}

const here = (): Address => ({ path: location.pathname, query: new URLSearchParams(location.search) })

const changed = "parley:address"

export const go = (to: string, replace = false): void => {
  if (to === location.pathname + location.search) return
  history[replace ? "replaceState" : "pushState"](null, "", to)
  dispatchEvent(new Event(changed))
}

export const useAddress = (): Address => {
  const [address, set] = useState(here)
  useEffect(() => {
    const update = () => set(here())
    addEventListener("popstate", update)
    addEventListener(changed, update)
    return () => {
      removeEventListener("popstate", update)
      removeEventListener(changed, update)
    }
  }, [])
  return address
}

/** Follows links of this page without loading it again. */
export const followLinks = (): void => {
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null
    if (link === null || event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}

/** Where a conversation is shown. */
export const conversationPath = (id: string): string =>
  `/c/${encodeURIComponent(id).replaceAll("%3A", ":").replaceAll("%40", "@")}`

/** The conversation that a path shows; null: none. */
export const conversationIn = (path: string): string | null => {
  if (!path.startsWith("/c/")) return null
  try {
    return decodeURIComponent(path.slice(3))
  } catch {
    return null
  }
}
