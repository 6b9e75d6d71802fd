import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import type { Fault } from "./data.ts"
import { ago, moment, stateName, statusName } from "./format.ts"

/*
 * Small things that every page is made of.
 */

export const Time = ({ of }: { readonly of: string | null }) =>
  of === null ? (
    <span class="dim">never</span>
  ) : (
    <time dateTime={of} title={moment(of)}>
      {ago(of)}
    </time>
  )

export const Status = ({
  status,
  wanted = null
}: {
  readonly status: string
  readonly wanted?: string | null
}) => (
  <span class={`status ${status}`}>
    {statusName(status)}
    {wanted === null ? null : <span class="state"> {stateName(wanted)}</span>}
  </span>
)

export const Problem = ({ fault }: { readonly fault: Fault | null }) =>
  fault === null ? null : (
    <p class="problem" role="alert">
      {fault.message}
      {fault.hint === "" ? null : <span class="dim"> {fault.hint}</span>}
    </p>
  )

export const Empty = ({ children }: { readonly children: ComponentChildren }) => (
  <p class="empty">{children}</p>
)

/** A window in front of the page; Escape closes it, and the focus goes back to where it was. */
export const Dialog = ({
  children,
  close,
  title
}: {
  readonly children: ComponentChildren
  readonly close: () => void
  readonly title: string
}) => {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby="dialog-title"
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close()
      }}
    >
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  )
}

/** Text with the words of a search marked. */
export const Marked = ({ text, words }: { readonly text: string; readonly words: RegExp | null }) => {
  if (words === null) return <>{text}</>
  return (
    <>
      {text.split(words).map((piece, index) => (index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece))}
    </>
  )
}

/** JSON as it came, with its lines laid out where it can be read. */
export const laidOut = (json: string): string => {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}
