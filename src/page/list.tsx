import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import { type Term, termsOf } from "../domain/searchText.ts"
import { type Address, conversationPath, go } from "./address.ts"
import { Fault, get, part, type Row, type Settings } from "./data.ts"
import { ago, allStatuses, count, nameOf, roleName, span, statusName } from "./format.ts"
import { useKeys } from "./keys.ts"
import { useNews } from "./live.ts"
import { Empty, Marked, Problem, Status } from "./parts.tsx"

/*
 * The list of conversations. Rows have one height, so that only those in view are drawn, however many were read.
 */

const rowHeight = 76
const pageSize = 60
const beyond = 8

/** Filters of the list, as they stand in the address. */
const filterNames = ["q", "connection", "status", "channel", "waiting", "since", "until"] as const

export type Filter = Partial<Record<(typeof filterNames)[number], string>>

export const filterIn = ({ query }: Address): Filter =>
  Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = query.get(name)
      return value === null || value === "" ? [] : [[name, value]]
    })
  )

export const searchOf = (filter: Filter): string => {
  const query = new URLSearchParams(Object.entries(filter))
  return query.size === 0 ? "" : `?${query}`
}

interface Page {
  readonly items: ReadonlyArray<Row>
  readonly next: string | null
}

/** Pages of the list, read as they are scrolled to, and kept as they change. */
const useRows = (filter: Filter) => {
  const key = searchOf(filter)
  const [rows, setRows] = useState<ReadonlyArray<Row>>([])
  const [next, setNext] = useState<string | null>(null)
  /** Of the filter that the rows are of. */
  const [readKey, setReadKey] = useState<string | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const [hasNews, setHasNews] = useState(false)
  const isReadingMore = useRef(false)
  const newest = useRef(rows)
  newest.current = rows
  const wantedKey = useRef(key)
  wantedKey.current = key

  const fail = (cause: unknown): void => {
    if (cause instanceof Fault) setFault(cause)
  }

  const begin = useCallback(
    (signal?: AbortSignal) =>
      get<Page>("/conversations", { ...filter, limit: pageSize }, signal)
        .then((page) => {
          if (wantedKey.current !== key) return
          setRows(page.items)
          setNext(page.next)
          setReadKey(key)
          setFault(null)
          setHasNews(false)
        })
        .catch(fail),
    [key]
  )

  useEffect(() => {
    const abort = new AbortController()
    begin(abort.signal)
    return () => abort.abort()
  }, [key])

  const more = (): void => {
    if (next === null || isReadingMore.current) return
    isReadingMore.current = true
    const before = newest.current
    get<Page>("/conversations", { ...filter, limit: 200, cursor: next })
      .then((page) => {
        if (newest.current !== before) return
        const known = new Set(before.map(({ id }) => id))
        setRows([...before, ...page.items.filter(({ id }) => !known.has(id))])
        setNext(page.next)
      })
      .catch(fail)
      .finally(() => {
        isReadingMore.current = false
      })
  }

  /** Reads these rows again where they are. */
  const refresh = (ids: ReadonlyArray<string>): void => {
    for (const id of ids) {
      get<Row>(`/conversations/${part(id)}`)
        .then((row) => setRows((all) => all.map((one) => (one.id === id ? { ...one, ...row } : one))))
        .catch(() => undefined)
    }
  }

  return {
    rows,
    hasMore: next !== null,
    isReading: readKey !== key,
    fault,
    hasNews,
    setHasNews,
    begin,
    more,
    refresh
  }
}

/** What is open, marked and chosen, beside the filters. */
export interface Chosen {
  readonly ids: ReadonlySet<string>
  /** All that the filter lists, read or not. */
  readonly all: boolean
}

export const nothingChosen: Chosen = { ids: new Set(), all: false }

const Filters = ({ filter, settings }: { readonly filter: Filter; readonly settings: Settings }) => {
  const [typed, setTyped] = useState(filter.q ?? "")
  const timer = useRef(0)
  useEffect(() => setTyped(filter.q ?? ""), [filter.q])
  const set = (change: Filter): void => {
    const wanted = { ...filter, ...change }
    const left = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""))
    go(`${location.pathname}${searchOf(left as Filter)}`, true)
  }
  const select = (event: Event) => (event.currentTarget as HTMLSelectElement | HTMLInputElement).value
  return (
    <div class="filters" role="search">
      <label class="field search">
        <span>Search</span>
        <input
          type="search"
          id="search"
          value={typed}
          placeholder="words, a name, an address"
          onInput={(event) => {
            const words = event.currentTarget.value
            setTyped(words)
            clearTimeout(timer.current)
            timer.current = setTimeout(() => set({ q: words.trim() }), 200)
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape" || event.key === "Enter") event.currentTarget.blur()
          }}
        />
      </label>
      <div class="choices">
        <select
          aria-label="Connection"
          value={filter.connection ?? ""}
          onChange={(event) => set({ connection: select(event) })}
        >
          <option value="">All connections</option>
          {settings.connections.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label="Show"
          value={filter.status ?? ""}
          onChange={(event) => set({ status: select(event) })}
        >
          <option value="">Any state</option>
          {allStatuses.map((status) => (
            <option key={status} value={status}>
              {statusName(status)}
            </option>
          ))}
        </select>
        <select
          aria-label="Channel"
          value={filter.channel ?? ""}
          onChange={(event) => set({ channel: select(event) })}
        >
          <option value="">Any channel</option>
          {["web", "whatsapp", "messenger", "instagram", "voice", "sms", "email", "telegram"].map(
            (channel) => (
              <option key={channel} value={channel}>
                {channel}
              </option>
            )
          )}
          {filter.channel === undefined ? null : <option value={filter.channel}>{filter.channel}</option>}
        </select>
        <label class="check">
          <input
            type="checkbox"
            checked={filter.waiting !== undefined}
            onChange={(event) => set({ waiting: event.currentTarget.checked ? "1" : "" })}
          />
          Waiting
        </label>
        <details class="period" open={filter.since !== undefined || filter.until !== undefined}>
          <summary>Period</summary>
          <label>
            From{" "}
            <input
              type="date"
              value={filter.since ?? ""}
              onChange={(event) => set({ since: select(event) })}
            />
          </label>
          <label>
            Before{" "}
            <input
              type="date"
              value={filter.until ?? ""}
              onChange={(event) => set({ until: select(event) })}
            />
          </label>
        </details>
      </div>
    </div>
  )
}

const Line = ({
  canChoose,
  chosen,
  filter,
  isCurrent,
  isOpen,
  row,
  toggle,
  terms
}: {
  readonly canChoose: boolean
  readonly chosen: boolean
  readonly filter: Filter
  readonly isCurrent: boolean
  readonly isOpen: boolean
  readonly row: Row
  readonly toggle: (id: string) => void
  readonly terms: ReadonlyArray<Term>
}) => {
  const name = nameOf(row)
  return (
    <>
      <input
        type="checkbox"
        aria-label={`Select ${name}`}
        checked={chosen}
        disabled={!canChoose}
        onChange={() => toggle(row.id)}
      />
      <a
        href={`${conversationPath(row.id)}${searchOf(filter)}`}
        aria-current={isOpen ? "page" : undefined}
        data-current={isCurrent || undefined}
      >
        <span class="who">
          <b>{name}</b>
          <span class="when">
            {row.waiting_since === null
              ? row.last_message_at === null
                ? ""
                : ago(row.last_message_at)
              : `waits ${span(Date.now() - Date.parse(row.waiting_since))}`}
          </span>
        </span>
        <span class="what">
          {row.last_role === null || terms.length > 0 ? null : (
            <span class="dim">{roleName(row.last_role)}: </span>
          )}
          <Marked text={row.last_words ?? (row.stored_messages === 0 ? "no messages" : "")} terms={terms} />
        </span>
        <span class="which">
          <Status status={row.status} wanted={row.change_state} />
          <span class="dim">
            {row.connection}
            {row.channel === null ? "" : ` · ${row.channel}`}
            {row.complete === 0 ? " · incomplete" : ""}
          </span>
        </span>
      </a>
    </>
  )
}

export const List = ({
  chosen,
  choose,
  filter,
  open,
  settings
}: {
  readonly chosen: Chosen
  readonly choose: (chosen: Chosen) => void
  readonly filter: Filter
  /** The conversation beside the list; null: none is. */
  readonly open: string | null
  readonly settings: Settings
}) => {
  const { begin, fault, hasMore, hasNews, isReading, more, refresh, rows, setHasNews } = useRows(filter)
  const [current, setCurrent] = useState<string | null>(open)
  const [view, setView] = useState({ top: 0, height: 800 })
  const scroller = useRef<HTMLDivElement>(null)
  const terms = useMemo(() => termsOf(filter.q ?? ""), [filter.q])

  useEffect(() => {
    if (open !== null) setCurrent(open)
  }, [open])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight })
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener("scroll", measure, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener("scroll", measure)
    }
  }, [])

  const first = Math.max(0, Math.floor(view.top / rowHeight) - beyond)
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + beyond)

  useEffect(() => {
    if (hasMore && last > rows.length - 40) more()
  }, [last, rows.length, hasMore])

  const pending = useRef({ ids: new Set<string>(), timer: 0 })
  const onNews = (ids: ReadonlyArray<string> | null): void => {
    const held = new Set(rows.map(({ id }) => id))
    for (const id of ids ?? []) if (held.has(id)) pending.current.ids.add(id)
    const isOther = ids === null || ids.some((id) => !held.has(id))
    if (isOther) setHasNews(true)
    if (pending.current.timer !== 0) return
    pending.current.timer = setTimeout(() => {
      pending.current.timer = 0
      refresh([...pending.current.ids].slice(0, 30))
      pending.current.ids.clear()
    }, 120)
  }
  useNews("conversations", ({ ids }) => onNews(ids))
  useNews("again", () => void begin())
  // At the top nothing is being read: what is new is shown at once.
  useEffect(() => {
    if (!hasNews || view.top > rowHeight || filter.q !== undefined) return
    const timer = setTimeout(() => void begin(), 1_000)
    return () => clearTimeout(timer)
  }, [hasNews, view.top])

  const toggle = (id: string): void => {
    const ids = new Set(chosen.all ? rows.map((row) => row.id) : chosen.ids)
    if (!ids.delete(id)) ids.add(id)
    choose({ ids, all: false })
  }

  const reveal = (index: number): void => {
    const element = scroller.current
    if (element === null) return
    const top = index * rowHeight
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight
  }

  // The focus goes along with the keys, so that Enter opens what is read aloud.
  const byKey = useRef(false)
  useLayoutEffect(() => {
    if (!byKey.current) return
    const link = scroller.current?.querySelector<HTMLElement>("a[data-current]")
    if (link == null) return
    byKey.current = false
    link.focus({ preventScroll: true })
  })

  useKeys((event) => {
    const at = rows.findIndex(({ id }) => id === current)
    const move = (to: number): void => {
      const row = rows[Math.max(0, Math.min(rows.length - 1, to))]
      if (row === undefined) return
      setCurrent(row.id)
      reveal(rows.indexOf(row))
      byKey.current = true
      // Whoever reads goes on reading.
      if (open !== null) go(`${conversationPath(row.id)}${searchOf(filter)}`, true)
    }
    switch (event.key) {
      case "j":
        return move(at + 1)
      case "k":
        return move(at === -1 ? 0 : at - 1)
      case "Enter":
        if (at !== -1 && event.target === document.body)
          go(`${conversationPath(current ?? "")}${searchOf(filter)}`)
        return
      case "x":
        // Rows of the filter before are not selected for the new one.
        if (at !== -1 && current !== null && !isReading) toggle(current)
    }
  })

  const isChosen = (id: string) => chosen.all || chosen.ids.has(id)
  const chosenCount = chosen.all ? rows.length : chosen.ids.size
  return (
    <section class="list" aria-labelledby="list-title">
      <h1 id="list-title">{filter.waiting === undefined ? "Conversations" : "Waiting for a person"}</h1>
      <Filters filter={filter} settings={settings} />
      <div class="chosen">
        <label class="check">
          <input
            type="checkbox"
            aria-label="Select all that are listed here"
            disabled={isReading}
            checked={rows.length > 0 && chosenCount >= rows.length}
            onChange={(event) =>
              choose(
                event.currentTarget.checked
                  ? { ids: new Set(rows.map(({ id }) => id)), all: false }
                  : nothingChosen
              )
            }
          />
          {chosen.all
            ? "all that match"
            : chosen.ids.size === 0
              ? "select"
              : `${count(chosen.ids.size)} selected`}
        </label>
        {!chosen.all && hasMore && rows.length > 0 && chosen.ids.size >= rows.length ? (
          <button type="button" class="link" onClick={() => choose({ ids: new Set(), all: true })}>
            select all that match
          </button>
        ) : null}
        {hasNews ? (
          <button
            type="button"
            class="link news"
            onClick={() => {
              if (scroller.current !== null) scroller.current.scrollTop = 0
              setHasNews(false)
              void begin()
            }}
          >
            there is something new
          </button>
        ) : null}
      </div>
      <Problem fault={fault} />
      <div class="scroller" ref={scroller} tabIndex={-1}>
        {!isReading && rows.length === 0 ? (
          <Empty>
            {Object.keys(filter).length === 0 ? "The mirror holds no conversations yet." : "Nothing matches."}
          </Empty>
        ) : null}
        <ul style={{ height: `${rows.length * rowHeight}px` }} aria-busy={isReading}>
          {rows.slice(first, last).map((row, index) => (
            <li
              key={row.id}
              style={{ transform: `translateY(${(first + index) * rowHeight}px)` }}
              aria-posinset={first + index + 1}
              aria-setsize={hasMore ? -1 : rows.length}
            >
              <Line
                row={row}
                filter={filter}
                terms={terms}
                chosen={isChosen(row.id)}
                canChoose={!isReading}
                isCurrent={row.id === current}
                isOpen={row.id === open}
                toggle={toggle}
              />
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}
