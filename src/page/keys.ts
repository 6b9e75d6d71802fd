import { useEffect, useRef } from "preact/hooks"

/** Whether a key is meant for a field, a window in front, or the browser. */
const isTyping = (event: KeyboardEvent): boolean => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true
  if (document.querySelector("dialog[open]") !== null) return true
  const { target } = event
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && target.type !== "checkbox"))
  )
}

/**
 * Handles keys that are meant for the page, by the newest render: a listener that an effect replaces would still act on the
 * state before a key that was pressed a moment ago.
 */
export const useKeys = (handle: (event: KeyboardEvent) => void): void => {
  const newest = useRef(handle)
  newest.current = handle
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (!isTyping(event)) newest.current(event)
    }
    addEventListener("keydown", listener)
    return () => removeEventListener("keydown", listener)
  }, [])
}
