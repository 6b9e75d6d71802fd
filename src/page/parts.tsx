import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { atomsOf, findTerm, type Term } from "../domain/searchText.ts"
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

/** Text with what a search looked for marked, where the search found it. */
export const Marked = ({ terms, text }: { readonly text: string; readonly terms: ReadonlyArray<Term> }) => {
  if (terms.length === 0) return <>{text}</>
  const atoms = atomsOf(text)
  const marks = terms.flatMap((term) => findTerm(text, atoms, term)).sort(([one], [other]) => one - other)
  const pieces: Array<ComponentChildren> = []
  let end = 0
  for (const [from, until] of marks) {
    if (from < end) continue
    pieces.push(text.slice(end, from), <mark key={from}>{text.slice(from, until)}</mark>)
    end = until
  }
  return <>{[...pieces, text.slice(end)]}</>
}

/** JSON as it came, with its lines laid out where it can be read. */
export const laidOut = (json: string): string => {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}
