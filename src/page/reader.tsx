import { memo } from "preact/compat"
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import { type Term, termsOf } from "../domain/searchText.ts"
import { ChangeActions, StatusControl, type Wanted } from "./act.tsx"
import { Fault, get, type Head, type Message, part, type Settings, type Why } from "./data.ts"
import {
  clock,
  count,
  counted,
  day,
  moment,
  nameOf,
  roleName,
  span,
  stateName,
  statusName,
  theZone
} from "./format.ts"
import { type Filter, searchOf } from "./list.tsx"
import { useNews } from "./live.ts"
import { laidOut, Marked, Problem, Status, Time } from "./parts.tsx"

/*
 * One conversation. The newest messages come first and are shown at once; the older ones follow by themselves. Every
 * message is in the document, so that the browser's own search, selection and printing work; what is out of sight costs
 * no layout (content-visibility).
 */

const firstPage = 150
const pageSize = 1_000
/** Messages that are fetched without being asked for. */
const mostAtOnce = 20_000

interface Page {
  readonly items: ReadonlyArray<Message>
  readonly earlier: string | null
  readonly later: string | null
}

const MessageView = ({
  message,
  terms
}: {
  readonly message: Message
  readonly terms: ReadonlyArray<Term>
}) => (
  <article data-role={message.role} data-id={message.id}>
    <header>
      <b>{roleName(message.role)}</b>
      {message.sent_at === null ? null : (
        <time dateTime={message.sent_at} title={`${moment(message.sent_at)} ${theZone()}`}>
          {clock(message.sent_at)}
        </time>
      )}
      {message.type === "text" ? null : <span class="dim">{message.type}</span>}
    </header>
    {message.content === null || message.content === "" ? (
      <p class="dim">no text</p>
    ) : (
      <p dir="auto">
        <Marked text={message.content} terms={terms} />
      </p>
    )}
  </article>
)

/** Something that happened between messages. */
interface Mark {
  /** UTC, ISO 8601. */
  readonly at: string
  readonly text: string
}

/** What is known of the times that a conversation was handed to a person, in order. */
const marksOf = (handoffs: Head["handoffs"]): ReadonlyArray<Mark> =>
  handoffs
    .flatMap(({ accepted_at, accepted_by, completed_at, requested_at }) => [
      { at: requested_at, text: "A person was asked for" },
      { at: accepted_at, text: `A person took over${accepted_by === null ? "" : `: ${accepted_by}`}` },
      { at: completed_at, text: "Handed back, or ended" }
    ])
    .filter((mark): mark is Mark => mark.at !== null)
    .sort((one, other) => (one.at < other.at ? -1 : 1))

const noMarks: ReadonlyArray<Mark> = []

/** The marks of each page of messages. What came before the first message that is shown stands among those that are not. */
const marksIn = (
  chunks: ReadonlyArray<ReadonlyArray<Message>>,
  marks: ReadonlyArray<Mark>,
  hasEarlier: boolean
): ReadonlyArray<ReadonlyArray<Mark>> => {
  let from = hasEarlier ? (chunks[0]?.find(({ sent_at }) => sent_at !== null)?.sent_at ?? "") : ""
  return chunks.map((items, index) => {
    const end = items.findLast(({ sent_at }) => sent_at !== null)?.sent_at ?? from
    const own = marks.filter(({ at }) => at > from && (index === chunks.length - 1 || at <= end))
    from = end
    return own.length === 0 ? noMarks : own
  })
}

const MarkView = ({ mark: { at, text } }: { readonly mark: Mark }) => (
  <p class="mark-between" role="note">
    {text} <time dateTime={at}>{clock(at)}</time>
  </p>
)

/** A page of messages; drawn once, whatever comes before or after it. */
const Chunk = memo(
  ({
    before,
    items,
    marks,
    terms
  }: {
    /** The day of the message before; null: there is none, or it is not known. */
    readonly before: string | null
    readonly items: ReadonlyArray<Message>
    /** Those that stand among these messages or behind them. */
    readonly marks: ReadonlyArray<Mark>
    readonly terms: ReadonlyArray<Term>
  }) => {
    let last = before
    let left = marks
    const marksUntil = (until: string) => {
      const own = left.filter(({ at }) => at <= until)
      left = left.slice(own.length)
      return own.map((mark) => <MarkView key={`${mark.at} ${mark.text}`} mark={mark} />)
    }
    return (
      <>
        {items.flatMap((message) => {
          const own = message.sent_at === null ? last : day(message.sent_at)
          const isNewDay = own !== last && own !== null
          last = own
          return [
            ...(message.sent_at === null ? [] : marksUntil(message.sent_at)),
            ...(isNewDay
              ? [
                  <h3 class="day" key={`day ${message.id}`}>
                    {own}
                  </h3>
                ]
              : []),
            <MessageView key={message.id} message={message} terms={terms} />
          ]
        })}
        {left.map((mark) => (
          <MarkView key={`${mark.at} ${mark.text}`} mark={mark} />
        ))}
      </>
    )
  }
)

const useMessages = (id: string) => {
  const [chunks, setChunks] = useState<ReadonlyArray<ReadonlyArray<Message>>>([])
  const [earlier, setEarlier] = useState<string | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const newest = useRef(chunks)
  newest.current = chunks

  useEffect(() => {
    const abort = new AbortController()
    setChunks([])
    setFault(null)
    const read = async (): Promise<void> => {
      const path = `/conversations/${part(id)}/messages`
      let page = await get<Page>(path, { limit: firstPage }, abort.signal)
      setChunks([page.items])
      setEarlier(page.earlier)
      let total = page.items.length
      while (page.earlier !== null && total < mostAtOnce) {
        page = await get<Page>(path, { limit: pageSize, cursor: page.earlier }, abort.signal)
        const { earlier: cursor, items } = page
        total += items.length
        setChunks((all) => [items, ...all])
        setEarlier(cursor)
        // One page a frame: scrolling goes on meanwhile.
        await new Promise((next) => requestAnimationFrame(next))
      }
    }
    read().catch((cause) => {
      if (cause instanceof Fault) setFault(cause)
    })
    return () => abort.abort()
  }, [id])

  /** What has come since. */
  const later = async (): Promise<void> => {
    const last = newest.current.at(-1)?.at(-1)?.position ?? -1
    const page = await get<Page>(`/conversations/${part(id)}/messages`, {
      cursor: `after:${last}`,
      limit: pageSize
    })
    const known = new Set(newest.current.at(-1)?.map((message) => message.id))
    const fresh = page.items.filter((message) => !known.has(message.id))
    if (fresh.length > 0) setChunks((all) => [...all, fresh])
  }

  const older = async (): Promise<void> => {
    if (earlier === null) return
    const page = await get<Page>(`/conversations/${part(id)}/messages`, { limit: pageSize, cursor: earlier })
    setChunks((all) => [page.items, ...all])
    setEarlier(page.earlier)
  }
  return { chunks, earlier, fault, later, older }
}

const Messages = ({
  id,
  marks,
  terms
}: {
  readonly id: string
  readonly marks: ReadonlyArray<Mark>
  readonly terms: ReadonlyArray<Term>
}) => {
  const { chunks, earlier, fault, later, older } = useMessages(id)
  const marked = marksIn(chunks, marks, earlier !== null)
  const scroller = useRef<HTMLDivElement>(null)
  const shown = useRef<{ id: string; hit: boolean }>({ id: "", hit: false })
  const atEnd = useRef(true)
  useNews("conversations", ({ ids }) => {
    if (ids === null || ids.includes(id)) later().catch(() => undefined)
  })
  useNews("again", () => void later().catch(() => undefined))

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null || chunks.length === 0) return
    const isFirst = shown.current.id !== id
    if (isFirst) shown.current = { id, hit: false }
    const hit = shown.current.hit ? null : element.querySelector("mark")
    if (hit !== null) {
      shown.current.hit = true
      atEnd.current = false
      hit.scrollIntoView({ block: "center" })
    } else if (isFirst || atEnd.current) element.scrollTop = element.scrollHeight
  }, [id, chunks])

  return (
    <div
      class="messages"
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label="Messages"
      onScroll={({ currentTarget }) => {
        const { clientHeight, scrollHeight, scrollTop } = currentTarget
        atEnd.current = scrollHeight - scrollTop - clientHeight < 40
      }}
    >
      <Problem fault={fault} />
      {earlier === null ? null : (
        <button type="button" class="link" onClick={() => void older().catch(() => undefined)}>
          older messages
        </button>
      )}
      {chunks.map((items, index) => {
        const before = chunks[index - 1]?.at(-1)?.sent_at ?? null
        return (
          <Chunk
            key={items[0]?.position ?? "empty"}
            items={items}
            terms={terms}
            before={before === null ? null : day(before)}
            marks={marked[index] ?? noMarks}
          />
        )
      })}
      {chunks.length > 0 && chunks.every((items) => items.length === 0) ? (
        <p class="empty">No messages are stored of this conversation.</p>
      ) : null}
    </div>
  )
}

const Fact = ({ children, name }: { readonly name: string; readonly children: preact.ComponentChildren }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
)

const Raw = ({ id }: { readonly id: string }) => {
  const [items, setItems] = useState<ReadonlyArray<{
    readonly kind: string
    readonly provider_id: string
    readonly observed_at: string
    readonly payload: string
  }> | null>(null)
  return (
    <details
      onToggle={(event) => {
        if (!event.currentTarget.open || items !== null) return
        get<{ items: NonNullable<typeof items> }>(`/conversations/${part(id)}/raw`)
          .then((page) => setItems(page.items))
          .catch(() => setItems([]))
      }}
    >
      <summary>Raw payloads</summary>
      {items?.length === 0 ? <p class="dim">None is kept.</p> : null}
      {items?.map((item) => (
        <section key={`${item.kind} ${item.provider_id}`}>
          <h4>
            {item.kind} <span class="dim">{moment(item.observed_at)}</span>
          </h4>
          <pre tabIndex={0}>{laidOut(item.payload)}</pre>
        </section>
      ))}
    </details>
  )
}

const Details = ({
  head,
  reload,
  why
}: {
  readonly head: Head
  readonly reload: () => void
  readonly why: Why | null
}) => {
  const [fault, setFault] = useState<Fault | null>(null)
  const { contact } = head
  return (
    <aside class="details" aria-label="Details">
      <h3>Contact</h3>
      <dl>
        <Fact name="Name">{contact?.name ?? "–"}</Fact>
        {contact?.email == null ? null : <Fact name="E-mail">{contact.email}</Fact>}
        {contact?.phone == null ? null : <Fact name="Phone">{contact.phone}</Fact>}
      </dl>
      <h3>Conversation</h3>
      <dl>
        <Fact name="Id">
          <code>{head.id}</code>
        </Fact>
        {head.title === null ? null : <Fact name="Title">{head.title}</Fact>}
        {head.summary === null ? null : <Fact name="Summary">{head.summary}</Fact>}
        {head.tags.length === 0 ? null : <Fact name="Tags">{head.tags.join(", ")}</Fact>}
        <Fact name="There">
          {statusName(head.remote_status)} <span class="dim">{head.provider_status}</span>
        </Fact>
        <Fact name="Messages">
          {count(head.stored_messages)}
          {head.declared_messages !== null &&
          head.declared_messages > head.stored_messages + head.expired_messages
            ? ` of ${count(head.declared_messages)}`
            : ""}
        </Fact>
        {head.started_at === null ? null : (
          <Fact name="Began">
            <Time of={head.started_at} />
          </Fact>
        )}
        <Fact name="Last seen">
          <Time of={head.last_seen_at} />
        </Fact>
      </dl>
      {head.sessions.length < 2 ? null : (
        <>
          <h3>Sessions</h3>
          <ol class="story">
            {head.sessions.map((session) => (
              <li key={session.number}>
                {session.started_at === null ? `${session.number}` : moment(session.started_at)}{" "}
                <span class="dim">
                  {counted(session.messages, "message")}
                  {session.first_answer_seconds === null
                    ? ", not answered"
                    : `, answered in ${span(session.first_answer_seconds * 1_000)} by ${roleName(session.first_answer_by ?? "unknown").toLowerCase()}`}
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
      {why === null ? null : (
        <>
          {why.changes.length === 0 ? null : (
            <>
              <h3>Changes</h3>
              <Problem fault={fault} />
              <ol class="story">
                {why.changes.map((change) => (
                  <li key={change.id} class={`change ${change.state}`}>
                    <b>{change.to_status === null ? "fields" : statusName(change.to_status)}</b>{" "}
                    <span class="state">{stateName(change.state)}</span>
                    <span class="dim">
                      {" "}
                      <Time of={change.requested_at} />
                    </span>
                    {change.last_error === null ? null : <p>{change.last_error}</p>}
                    <div class="buttons">
                      <ChangeActions
                        change={change}
                        done={(what) => {
                          setFault(what)
                          reload()
                        }}
                      />
                    </div>
                  </li>
                ))}
              </ol>
            </>
          )}
          <h3>History</h3>
          <ol class="story">
            {why.history.map((step) => (
              <li key={`${step.observed_at} ${step.to_status}`}>
                {statusName(step.to_status)} <span class="dim">{step.provider_status}</span>
                <span class="dim">
                  {" "}
                  <Time of={step.observed_at} />
                  {step.origin === "local" ? ", from here" : ""}
                </span>
              </li>
            ))}
          </ol>
          <details>
            <summary>Why it is as it is</summary>
            {why.last_request === null ? null : (
              <p>
                Run {why.last_request.run_id} ({why.last_request.command}) read it{" "}
                <Time of={why.last_request.received_at} />:{" "}
                <code>
                  {why.last_request.method} {why.last_request.path}
                </code>
                , status {why.last_request.status}.
              </p>
            )}
            {why.quarantine.map((record) => (
              <p key={record.id}>
                <a href={`/quarantine?id=${record.id}`}>In quarantine</a>: {record.reason}{" "}
                <code>{record.path}</code>
              </p>
            ))}
            <ul>
              {why.next.map((next) => (
                <li key={next.what}>
                  Next: {next.what}
                  {next.at === null ? "" : `, from ${moment(next.at)} on`}.
                </li>
              ))}
            </ul>
          </details>
        </>
      )}
      <Raw id={head.id} />
    </aside>
  )
}

export const Reader = ({
  canAct,
  filter,
  id,
  review,
  settings
}: {
  /** Several are chosen in the list: these are acted on instead. */
  readonly canAct: boolean
  readonly filter: Filter
  readonly id: string
  readonly review: (wanted: Wanted) => void
  readonly settings: Settings
}) => {
  const [head, setHead] = useState<Head | null>(null)
  const [why, setWhy] = useState<Why | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const terms = useMemo(() => termsOf(filter.q ?? ""), [filter.q])
  const newestId = useRef(id)
  newestId.current = id

  const read = (): void => {
    const isStill = () => newestId.current === id
    get<Head>(`/conversations/${part(id)}`)
      .then((value) => isStill() && setHead(value))
      .catch((cause) => isStill() && cause instanceof Fault && setFault(cause))
    get<Why>(`/conversations/${part(id)}/why`)
      .then((value) => isStill() && setWhy(value))
      .catch(() => undefined)
  }
  useEffect(() => {
    setFault(null)
    setWhy(null)
    read()
  }, [id])
  useNews("conversations", ({ ids }) => {
    if (ids === null || ids.includes(id)) read()
  })
  useNews("again", read)

  const known = head !== null && head.id === id ? head : null
  // Read again, the same hand-offs draw nothing again.
  const handoffs = JSON.stringify(known?.handoffs ?? [])
  const marks = useMemo(() => marksOf(JSON.parse(handoffs)), [handoffs])
  return (
    <section class="reader" aria-labelledby="reader-title">
      <header>
        <a class="back" href={`/${searchOf(filter)}`}>
          ‹ All
        </a>
        <h2 id="reader-title">
          {known === null ? (fault === null ? "…" : "No such conversation") : nameOf(known)}
        </h2>
        {known === null ? null : <Status status={known.status} wanted={known.change_state} />}
        <span class="dim where">
          {known === null ? "" : `${known.connection}${known.channel === null ? "" : ` · ${known.channel}`}`}
        </span>
        {known === null || !canAct || known.deleted_at !== null || known.merged_into !== null ? null : (
          <StatusControl target={{ ids: [id] }} now={known.status} settings={settings} review={review} />
        )}
      </header>
      {known?.deleted_at == null ? null : (
        <p class="problem">It no longer exists at the provider, since {moment(known.deleted_at)}.</p>
      )}
      <Problem fault={fault} />
      <Messages id={id} marks={marks} terms={terms} />
      {known === null ? <aside class="details" /> : <Details head={known} why={why} reload={read} />}
    </section>
  )
}
