import { useEffect, useId, useRef, useState } from "preact/hooks"
import { conversationPath } from "./address.ts"
import { type Change, type Connection, Fault, type Plan, post, type Settings } from "./data.ts"
import { allStatuses, counted, statusName } from "./format.ts"
import { Dialog, Problem } from "./parts.tsx"

/*
 * Acting: a status is chosen, reviewed as a plan, and sent. Nothing is requested before it was reviewed.
 */

/** What is to be changed: conversations by their ids, or all that a filter lists. */
export type Target =
  | { readonly ids: ReadonlyArray<string> }
  | { readonly filter: Readonly<Record<string, string>> }

export interface Wanted {
  readonly target: Target
  readonly status: string
  readonly category?: string
  readonly summary?: string
}

const connectionsOf = (target: Target, settings: Settings): ReadonlyArray<Connection> => {
  if ("filter" in target) {
    const { connection } = target.filter
    return settings.connections.filter(({ name }) => connection === undefined || name === connection)
  }
  const names = new Set(target.ids.map((id) => id.slice(0, id.indexOf(":"))))
  return settings.connections.filter(({ name }) => names.has(name))
}

/** The words that all of the conversations' providers take; where no one word suits all, those of any. */
export const writableFor = (target: Target, settings: Settings): ReadonlyArray<string> => {
  const all = connectionsOf(target, settings)
  const shared = allStatuses.filter((status) => all.every(({ writable }) => status in writable))
  return shared.length > 0
    ? shared
    : allStatuses.filter((status) => all.some(({ writable }) => status in writable))
}

export const StatusControl = ({
  now = null,
  review,
  settings,
  target
}: {
  /** The status they have; null: they may differ. */
  readonly now?: string | null
  readonly review: (wanted: Wanted) => void
  readonly settings: Settings
  readonly target: Target
}) => {
  const id = useId()
  const [chosen, setChosen] = useState("")
  const [category, setCategory] = useState("")
  const [summary, setSummary] = useState("")
  const words = writableFor(target, settings)
  const key = JSON.stringify(target)
  useEffect(() => {
    setChosen("")
    setCategory("")
    setSummary("")
  }, [key])
  if (settings.read_only !== null) {
    return <p class="dim">Nothing can be changed here: {settings.read_only}.</p>
  }
  const takers = connectionsOf(target, settings)
  const takes = (field: string) =>
    chosen === "completed" && takers.length > 0 && takers.every(({ fields }) => fields.includes(field))
  return (
    <form
      class="act"
      onSubmit={(event) => {
        event.preventDefault()
        if (chosen === "") return
        review({
          target,
          status: chosen,
          ...(takes("category") && category !== "" ? { category } : {}),
          ...(takes("summary") && summary !== "" ? { summary } : {})
        })
      }}
    >
      <div class="field">
        <label for={id}>Status</label>
        <select id={id} value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
          <option value="">{now === null ? "change to …" : `${statusName(now)}: change to …`}</option>
          {words.map((status) => (
            <option key={status} value={status}>
              {statusName(status)}
            </option>
          ))}
        </select>
      </div>
      {takes("category") ? (
        <label class="field">
          <span>Category</span>
          <input
            value={category}
            maxLength={200}
            onInput={(event) => setCategory(event.currentTarget.value)}
          />
        </label>
      ) : null}
      {takes("summary") && category !== "" ? (
        <label class="field">
          <span>Summary</span>
          <input value={summary} onInput={(event) => setSummary(event.currentTarget.value)} />
        </label>
      ) : null}
      <button type="submit" disabled={chosen === ""}>
        Review
      </button>
    </form>
  )
}

const Steps = ({ plan }: { readonly plan: Plan }) => (
  <table>
    <thead>
      <tr>
        <th scope="col">Connection</th>
        <th scope="col" class="number">
          Conversations
        </th>
        <th scope="col">From</th>
        <th scope="col">To</th>
      </tr>
    </thead>
    <tbody>
      {plan.connections.flatMap(({ name, steps }) =>
        steps.map((step) => (
          <tr key={`${name} ${step.from} ${step.from_provider_status}`}>
            <th scope="row">{name}</th>
            <td class="number">
              {step.conversations === 1 ? (
                <a href={conversationPath(step.example_id)}>1</a>
              ) : (
                step.conversations.toLocaleString("en")
              )}
            </td>
            <td>
              {statusName(step.from)} <span class="dim">{step.from_provider_status ?? "no word"}</span>
              {step.can_be_put_back ? null : <strong class="warn"> cannot be put back</strong>}
            </td>
            <td>
              {statusName(step.to ?? "")} <span class="dim">{step.to_provider_status}</span>
            </td>
          </tr>
        ))
      )}
    </tbody>
  </table>
)

const Asides = ({ plan }: { readonly plan: Plan }) => {
  const sum = (of: (part: Plan["connections"][number]) => number) =>
    plan.connections.reduce((total, part) => total + of(part), 0)
  const lines = [
    [sum((part) => part.nothing_to_do), "already holds it", "already hold it"],
    [sum((part) => part.already_requested), "has the same change open", "have the same change open"],
    [
      sum((part) => part.replaced),
      "has a pending change that is replaced",
      "have pending changes that are replaced"
    ],
    [
      sum((part) => part.never_put_back),
      "can never be put back as it was",
      "can never be put back as they were"
    ]
  ] as const
  const shown = lines.filter(([number]) => number > 0)
  return shown.length === 0 ? null : (
    <ul>
      {shown.map(([number, one, more]) => (
        <li key={one}>
          {counted(number, "conversation")} {number === 1 ? one : more}
        </li>
      ))}
    </ul>
  )
}

const toFault = (cause: unknown): Fault => (cause instanceof Fault ? cause : new Fault(String(cause), "", 0))

/**
 * The end of a dialog that shows a plan: the number that has to be typed where it is more than is sent unconfirmed, and the
 * button that sends. @param send resolves once it is requested
 */
export const Sending = ({
  close,
  isRefused = false,
  plan,
  send
}: {
  readonly close: () => void
  readonly isRefused?: boolean
  /** Null: it is not known yet what would be sent. */
  readonly plan: { readonly total: number; readonly confirm: number | null } | null
  readonly send: (confirmation: { readonly confirm?: number }) => Promise<void>
}) => {
  const [fault, setFault] = useState<Fault | null>(null)
  const [typed, setTyped] = useState("")
  const [isSending, setSending] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const confirm = plan?.confirm ?? null
  const canSend =
    plan !== null && plan.total > 0 && !isRefused && (confirm === null || Number(typed) === confirm)
  useEffect(() => {
    if (plan !== null && confirm === null) button.current?.focus()
  }, [plan])
  return (
    <>
      {confirm === null ? null : (
        <label class="field">
          <span>These are more than are sent unconfirmed. Type {confirm} to confirm.</span>
          <input inputMode="numeric" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
      )}
      <Problem fault={fault} />
      <footer>
        <button type="button" class="plain" onClick={close}>
          Not now
        </button>
        <button
          type="button"
          class="main"
          ref={button}
          disabled={!canSend || isSending}
          onClick={() => {
            setSending(true)
            setFault(null)
            send(confirm === null ? {} : { confirm })
              .catch((cause) => setFault(toFault(cause)))
              .finally(() => setSending(false))
          }}
        >
          Send
        </button>
      </footer>
    </>
  )
}

/** Shows what would be sent, and sends it. */
export const Review = ({
  close,
  sent,
  wanted
}: {
  readonly close: () => void
  readonly sent: (plan: Plan) => void
  readonly wanted: Wanted
}) => {
  const [left, setLeft] = useState(wanted.target)
  const [plan, setPlan] = useState<Plan | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const { status, category, summary } = wanted
  const request = { ...left, status, category, summary }

  useEffect(() => {
    setPlan(null)
    post<Plan>("/changes", { ...request, plan: true }).then(setPlan, (cause) => setFault(toFault(cause)))
  }, [left])

  const faulty = plan?.faults.reduce((sum, one) => sum + one.count, 0) ?? 0
  const without = (): void => {
    if (!("ids" in left) || plan === null) return
    const bad = new Set(plan.faults.flatMap(({ ids }) => ids))
    setLeft({ ids: left.ids.filter((id) => !bad.has(id)) })
  }
  return (
    <Dialog title={`Change to ${statusName(status)}`} close={close}>
      {plan === null && fault === null ? <p class="dim">Looking at what would be sent …</p> : null}
      {plan === null ? null : (
        <>
          <p>
            {plan.total === 0
              ? "Nothing would be sent."
              : `${counted(plan.total, "change")} would be sent${wanted.category === undefined ? "" : `, with the category “${wanted.category}”`}.`}
          </p>
          {plan.total === 0 ? null : <Steps plan={plan} />}
          <Asides plan={plan} />
          {plan.faults.map((one) => (
            <p class="problem" key={one.message}>
              {one.message}
              {one.count === 1 ? "" : ` (${one.count})`} <span class="dim">{one.hint}</span>
            </p>
          ))}
          {faulty > 0 && "ids" in left && left.ids.length > faulty ? (
            <button type="button" class="link" onClick={without}>
              leave {faulty === 1 ? "it" : "these"} out
            </button>
          ) : null}
        </>
      )}
      <Problem fault={fault} />
      <Sending
        close={close}
        isRefused={(plan?.faults.length ?? 0) > 0}
        plan={plan}
        send={(confirmation) =>
          post<Plan>("/changes", { ...request, plan: false, ...confirmation }).then(sent)
        }
      />
    </Dialog>
  )
}

/** What can be done about a change. */
export const ChangeActions = ({
  change,
  done
}: {
  readonly change: Change
  readonly done: (fault: Fault | null) => void
}) => {
  const [isBusy, setBusy] = useState(false)
  const act =
    (action: string, body: object = {}) =>
    () => {
      setBusy(true)
      post(`/changes/${change.id}/${action}`, body)
        .then(() => done(null))
        .catch((cause) => done(toFault(cause)))
        .finally(() => setBusy(false))
    }
  const button = (label: string, action: string, body?: object) => (
    <button type="button" class="plain" disabled={isBusy} onClick={act(action, body)}>
      {label}
    </button>
  )
  const isDecided = change.resolved_at !== null
  switch (change.state) {
    case "proposed":
      return (
        <>
          {button("Approve", "approve")}
          {button("Cancel", "cancel")}
        </>
      )
    case "pending":
      return (
        <>
          {button("Try now", "retry")}
          {button("Cancel", "cancel")}
        </>
      )
    case "queued":
      return button("Try now", "retry")
    case "conflict":
      return isDecided ? null : (
        <>
          {button("Keep theirs", "resolve", { keep: "remote" })}
          {button("Ask again", "resolve", { keep: "local" })}
        </>
      )
    case "rejected":
      return isDecided ? null : (
        <>
          {button("Let it be", "resolve", { keep: "remote" })}
          {button("Ask again", "retry")}
        </>
      )
    default:
      return null
  }
}
