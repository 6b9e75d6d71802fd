import type { Address } from "./address.ts"
import { go } from "./address.ts"
import type { Settings } from "./data.ts"
import { queryOf } from "./data.ts"

/** The report's plots, drawn by the server as `parley report` draws them, in a frame that may run nothing. */
export const Report = ({ address, settings }: { readonly address: Address; readonly settings: Settings }) => {
  const { query } = address
  const chosen = {
    connection: query.get("connection"),
    since: query.get("since"),
    until: query.get("until"),
    compare: query.get("compare")
  }
  const set = (change: Partial<typeof chosen>): void =>
    go(`/report-page${queryOf({ ...chosen, ...change })}`, true)
  return (
    <main class="page report">
      <header>
        <h1>Report</h1>
        <select
          aria-label="Connection"
          value={chosen.connection ?? ""}
          onChange={(event) => set({ connection: event.currentTarget.value })}
        >
          <option value="">All connections</option>
          {settings.connections.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <label>
          From{" "}
          <input
            type="date"
            value={chosen.since ?? ""}
            onChange={(event) => set({ since: event.currentTarget.value })}
          />
        </label>
        <label>
          Before{" "}
          <input
            type="date"
            value={chosen.until ?? ""}
            onChange={(event) => set({ until: event.currentTarget.value })}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={chosen.compare !== null}
            disabled={chosen.since === null}
            onChange={(event) => set({ compare: event.currentTarget.checked ? "1" : null })}
          />
          Compare with the period before
        </label>
      </header>
      <iframe title="Report" sandbox="" src={`/report${queryOf(chosen)}`} />
    </main>
  )
}
