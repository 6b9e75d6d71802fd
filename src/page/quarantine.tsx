import { useEffect, useState } from "preact/hooks"
import { type Address, conversationPath } from "./address.ts"
import { Fault, get, post, type Quarantined, type Settings } from "./data.ts"
import { counted } from "./format.ts"
import { useNews } from "./live.ts"
import { Empty, laidOut, Problem, Time } from "./parts.tsx"

interface Page {
  readonly items: ReadonlyArray<Quarantined>
  readonly total: number
}

const Payload = ({ id }: { readonly id: number }) => {
  const [record, setRecord] = useState<Quarantined | null>(null)
  useEffect(() => {
    get<Quarantined>(`/quarantine/${id}`).then(setRecord, () => undefined)
  }, [id])
  return <pre tabIndex={0}>{record?.payload === undefined ? "…" : laidOut(record.payload)}</pre>
}

const Record = ({
  dismiss,
  isOpen,
  record,
  settings
}: {
  readonly dismiss: (id: number) => void
  readonly isOpen: boolean
  readonly record: Quarantined
  readonly settings: Settings
}) => {
  const [open, setOpen] = useState(isOpen)
  const conversation = record.conversation_provider_id
  return (
    <li>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <b>
            {record.connection} {record.kind}
          </b>{" "}
          {record.reason} <code>{record.path}</code>{" "}
          <span class="dim">
            <Time of={record.last_seen_at} />
            {record.seen > 1 ? `, ${record.seen} times` : ""}
            {record.dismissed_at === null ? "" : ", dismissed"}
            {record.resolved_at === null ? "" : ", resolved"}
          </span>
        </summary>
        {conversation === null ? null : (
          <p>
            Of conversation{" "}
            <a href={conversationPath(`${record.connection}:${conversation}`)}>
              {record.connection}:{conversation}
            </a>
          </p>
        )}
        {open ? <Payload id={record.id} /> : null}
        {settings.read_only === null && record.dismissed_at === null && record.resolved_at === null ? (
          <button type="button" class="plain" onClick={() => dismiss(record.id)}>
            Dismiss
          </button>
        ) : null}
      </details>
    </li>
  )
}

export const Quarantine = ({
  address,
  settings
}: {
  readonly address: Address
  readonly settings: Settings
}) => {
  const [page, setPage] = useState<Page | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const [isBusy, setBusy] = useState(false)
  const connection = address.query.get("connection")
  const read = (): void => {
    get<Page>("/quarantine", { connection, limit: 200 })
      .then(setPage)
      .catch((cause) => setFault(cause instanceof Fault ? cause : null))
  }
  useEffect(read, [connection])
  useNews("runs", read)
  const act = (path: string, body: object): void => {
    setBusy(true)
    setFault(null)
    post(path, body)
      .catch((cause) => setFault(cause instanceof Fault ? cause : null))
      .finally(() => {
        setBusy(false)
        read()
      })
  }
  return (
    <main class="page">
      <header>
        <h1>Quarantine</h1>
        {settings.read_only === null && page !== null && page.total > 0 ? (
          <button type="button" class="plain" disabled={isBusy} onClick={() => act("/quarantine/retry", {})}>
            Read them again
          </button>
        ) : null}
      </header>
      <p class="lead">
        Records that could not be read. They are kept whole, and are read again whenever they come.
      </p>
      <Problem fault={fault} />
      {page?.items.length === 0 ? (
        <Empty>Nothing is in quarantine: every record that came could be read.</Empty>
      ) : null}
      <ol class="runs">
        {page?.items.map((record) => (
          <Record
            key={record.id}
            record={record}
            settings={settings}
            isOpen={address.query.get("id") === String(record.id)}
            dismiss={(id) => act("/quarantine/dismiss", { ids: [id] })}
          />
        ))}
      </ol>
      {page !== null && page.total > page.items.length ? (
        <p class="dim">
          The newest {page.items.length} of {counted(page.total, "record")}.
        </p>
      ) : null}
    </main>
  )
}
