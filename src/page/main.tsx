import { render } from "preact"
import { useEffect, useState } from "preact/hooks"
import { Review, StatusControl, type Target, type Wanted, writableFor } from "./act.tsx"
import { type Address, conversationIn, followLinks, go, useAddress } from "./address.ts"
import { Changes } from "./changes.tsx"
import { Fault, get, type Plan, post, type Settings } from "./data.ts"
import { counted, setZone } from "./format.ts"
import { useKeys } from "./keys.ts"
import { type Chosen, filterIn, List, nothingChosen, searchOf } from "./list.tsx"
import { listen, useConnected, useNews } from "./live.ts"
import { Dialog } from "./parts.tsx"
import { Quarantine } from "./quarantine.tsx"
import { Query } from "./query.tsx"
import { Reader } from "./reader.tsx"
import { Report } from "./report.tsx"
import { Runs } from "./runs.tsx"
import "./page.css"

const keys = [
  ["j, k", "next and previous conversation"],
  ["Enter", "open it"],
  ["/", "search"],
  ["e", "complete it, or what is selected: shows the plan first"],
  ["x", "select it"],
  ["Escape", "back to the list; select nothing"],
  ["?", "these keys"]
] as const

const Keys = ({ close }: { readonly close: () => void }) => (
  <Dialog title="Keys" close={close}>
    <dl class="keys">
      {keys.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
    <footer>
      <button type="button" class="plain" onClick={close}>
        Close
      </button>
    </footer>
  </Dialog>
)

const Conversations = ({ address, settings }: { readonly address: Address; readonly settings: Settings }) => {
  const filter = filterIn(address)
  const id = conversationIn(address.path)
  const [chosen, setChosen] = useState<Chosen>(nothingChosen)
  const [wanted, setWanted] = useState<Wanted | null>(null)
  const [said, setSaid] = useState("")
  const hasChosen = chosen.all || chosen.ids.size > 0
  const key = searchOf(filter)
  useEffect(() => setChosen(nothingChosen), [key])

  const target: Target | null = chosen.all
    ? { filter: filter as Record<string, string> }
    : chosen.ids.size > 0
      ? { ids: [...chosen.ids] }
      : id === null
        ? null
        : { ids: [id] }

  useKeys((event) => {
    if (event.key === "/") {
      event.preventDefault()
      document.getElementById("search")?.focus()
    } else if (event.key === "Escape") {
      if (hasChosen) setChosen(nothingChosen)
      else if (id !== null) go(`/${searchOf(filter)}`)
    } else if (event.key === "e") {
      // Of the list, the row that the keys are at.
      const current = document.querySelector<HTMLAnchorElement>(".list a[data-current]")
      const at = current === null ? null : conversationIn(new URL(current.href).pathname)
      const meant = target ?? (at === null ? null : { ids: [at] })
      if (meant === null || settings.read_only !== null) return
      event.preventDefault()
      if (writableFor(meant, settings).includes("completed"))
        setWanted({ target: meant, status: "completed" })
      else setSaid("This provider takes no completed status.")
    }
  })

  useNews("changes", ({ items }) => {
    const [last] = items
      .filter(({ state }) => ["confirmed", "rejected", "conflict"].includes(state))
      .slice(-1)
    if (last === undefined) return
    const done = items.filter(({ state }) => state === last.state).length
    setSaid(
      `${counted(done, "change")} ${done === 1 ? "is" : "are"} ${last.state === "conflict" ? "in conflict" : last.state}${
        last.last_error !== null && last.state !== "confirmed" ? `: ${last.last_error}` : ""
      }`
    )
  })
  useEffect(() => {
    if (said === "") return
    const timer = setTimeout(() => setSaid(""), 12_000)
    return () => clearTimeout(timer)
  }, [said])

  return (
    <main class={`split ${id === null ? "at-list" : "at-reader"}`}>
      <List filter={filter} settings={settings} open={id} chosen={chosen} choose={setChosen} />
      {id === null ? (
        <section class="reader nothing" aria-label="No conversation is open">
          <p class="empty">
            Open a conversation, or press <kbd>j</kbd> and <kbd>Enter</kbd>. <kbd>?</kbd> lists the keys.
          </p>
        </section>
      ) : (
        <Reader id={id} filter={filter} settings={settings} review={setWanted} canAct={!hasChosen} />
      )}
      {hasChosen && target !== null ? (
        <div class="bulk" role="region" aria-label="Selection">
          <b>{chosen.all ? "All that match" : `${counted(chosen.ids.size, "conversation")} selected`}</b>
          <StatusControl target={target} settings={settings} review={setWanted} />
          <button type="button" class="link" onClick={() => setChosen(nothingChosen)}>
            none
          </button>
        </div>
      ) : null}
      {wanted === null ? null : (
        <Review
          wanted={wanted}
          close={() => setWanted(null)}
          sent={(plan: Plan) => {
            setWanted(null)
            setChosen(nothingChosen)
            setSaid(`${counted(plan.change_ids?.length ?? plan.total, "change")} on the way`)
          }}
        />
      )}
      <p class="toast" role="status" aria-live="polite">
        {said}
      </p>
    </main>
  )
}

const pages = [
  ["/", "Conversations"],
  ["/?waiting=1", "Waiting"],
  ["/changes", "Changes"],
  ["/runs", "Runs"],
  ["/quarantine", "Quarantine"],
  ["/report-page", "Report"],
  ["/query", "SQL"]
] as const

const isAt = (to: string, { path, query }: Address): boolean => {
  const isList = path === "/" || path.startsWith("/c/")
  if (to === "/") return isList && !query.has("waiting")
  if (to === "/?waiting=1") return isList && query.has("waiting")
  return path === to
}

const titles: Readonly<Record<string, string>> = {
  "/changes": "Changes",
  "/runs": "Runs and health",
  "/quarantine": "Quarantine",
  "/report-page": "Report",
  "/query": "SQL"
}

const App = ({ settings }: { readonly settings: Settings }) => {
  const address = useAddress()
  const isConnected = useConnected()
  const [showsKeys, setShowsKeys] = useState(false)
  useEffect(() => {
    document.title = `${titles[address.path] ?? "Conversations"} – Parley`
  }, [address.path])
  useKeys(({ key }) => {
    if (key === "?") setShowsKeys(true)
  })
  const shown = () => {
    switch (address.path) {
      case "/changes":
        return <Changes />
      case "/runs":
        return <Runs settings={settings} />
      case "/quarantine":
        return <Quarantine address={address} settings={settings} />
      case "/query":
        return <Query />
      case "/report-page":
        return <Report address={address} settings={settings} />
      default:
        return <Conversations address={address} settings={settings} />
    }
  }
  return (
    <>
      <header class="top">
        <a class="brand" href="/">
          Parley
        </a>
        <nav aria-label="Pages">
          {pages.map(([to, name]) => (
            <a key={to} href={to} aria-current={isAt(to, address) ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        {settings.read_only === null ? null : <span class="badge">read-only</span>}
        <span class={`live ${isConnected ? "on" : "off"}`} role="status">
          {isConnected ? "live" : "connecting"}
        </span>
        <button type="button" class="link" aria-label="Keys" onClick={() => setShowsKeys(true)}>
          ?
        </button>
      </header>
      {shown()}
      {showsKeys ? <Keys close={() => setShowsKeys(false)} /> : null}
    </>
  )
}

const Door = ({ fault }: { readonly fault: Fault }) => (
  <main class="door">
    <h1>Parley</h1>
    <p>{fault.message}.</p>
    <p class="dim">{fault.hint}</p>
  </main>
)

const begin = async (): Promise<void> => {
  const root = document.getElementById("root")
  if (root === null) return
  try {
    const token = /^#token=(.+)$/.exec(location.hash)?.[1]
    if (token !== undefined) {
      history.replaceState(null, "", location.pathname + location.search)
      await post("/session", { token }).catch(async (cause) => {
        // A browser that was let in before, and opens the same address again.
        await get("/settings").catch(() => {
          throw cause
        })
      })
    }
    const settings = await get<Settings>("/settings")
    setZone(settings.time_zone)
    followLinks()
    listen()
    render(<App settings={settings} />, root)
  } catch (cause) {
    render(<Door fault={cause instanceof Fault ? cause : new Fault(String(cause), "", 0)} />, root)
  }
}

void begin()
