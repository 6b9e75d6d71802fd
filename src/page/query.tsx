import { useEffect, useMemo, useState } from "preact/hooks"
import { Fault, get, post } from "./data.ts"
import { count, counted } from "./format.ts"
import { Problem } from "./parts.tsx"

type Cell = string | number | null

interface Result {
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<Cell>>
  readonly more: boolean
  readonly millis: number
}

interface Entry {
  readonly table_name: string
  readonly column_name: string | null
  readonly meaning: string
  readonly unit: string | null
  readonly null_means: string | null
}

const first = `SELECT connection, status, count(*) AS conversations
FROM conversations WHERE deleted_at IS NULL
GROUP BY 1, 2 ORDER BY 1, 3 DESC`

/** A cell of CSV. What a spreadsheet would take for a formula gets an apostrophe. */
const cellOf = (value: Cell): string => {
  if (value === null) return ""
  const text = typeof value === "string" && /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const csvOf = ({ columns, rows }: Result): string =>
  [columns, ...rows].map((row) => row.map(cellOf).join(",")).join("\r\n")

const download = (result: Result): void => {
  const address = URL.createObjectURL(new Blob([`${csvOf(result)}\r\n`], { type: "text/csv;charset=utf-8" }))
  const link = document.createElement("a")
  link.href = address
  link.download = "query.csv"
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

const Dictionary = ({ pick }: { readonly pick: (word: string) => void }) => {
  const [entries, setEntries] = useState<ReadonlyArray<Entry>>([])
  const [typed, setTyped] = useState("")
  useEffect(() => {
    get<{ items: ReadonlyArray<Entry> }>("/dictionary").then(
      (page) => setEntries(page.items),
      () => undefined
    )
  }, [])
  const tables = useMemo(() => {
    const all = new Map<string, Array<Entry>>()
    for (const entry of entries) all.set(entry.table_name, [...(all.get(entry.table_name) ?? []), entry])
    return all
  }, [entries])
  const word = typed.trim().toLowerCase()
  const isMeant = (entry: Entry) =>
    word === "" ||
    [entry.table_name, entry.column_name ?? "", entry.meaning].some((text) =>
      text.toLowerCase().includes(word)
    )
  return (
    <aside class="dictionary" aria-label="Dictionary">
      <label class="field">
        <span>Dictionary</span>
        <input
          type="search"
          value={typed}
          placeholder="find a column"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      {[...tables].map(([table, all]) => {
        const shown = all.filter(isMeant)
        if (shown.length === 0) return null
        const about = all.find(({ column_name }) => column_name === null)
        return (
          <details key={table} open={word !== ""}>
            <summary>
              <code>{table}</code>
            </summary>
            <p class="dim">{about?.meaning}</p>
            <dl>
              {shown.map((entry) =>
                entry.column_name === null ? null : (
                  <div key={entry.column_name}>
                    <dt>
                      <button type="button" class="link" onClick={() => pick(entry.column_name ?? "")}>
                        <code>{entry.column_name}</code>
                      </button>
                    </dt>
                    <dd>
                      {entry.meaning}
                      {entry.unit === null ? "" : ` (${entry.unit})`}
                      {entry.null_means === null ? "" : ` Null: ${entry.null_means}.`}
                    </dd>
                  </div>
                )
              )}
            </dl>
          </details>
        )
      })}
    </aside>
  )
}

export const Query = () => {
  const [sql, setSql] = useState(first)
  const [result, setResult] = useState<Result | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const [isRunning, setRunning] = useState(false)
  const run = (): void => {
    setRunning(true)
    setFault(null)
    post<Result>("/query", { sql })
      .then(setResult)
      .catch((cause) => {
        setResult(null)
        setFault(cause instanceof Fault ? cause : new Fault(String(cause), "", 0))
      })
      .finally(() => setRunning(false))
  }
  return (
    <main class="page query">
      <section>
        <h1>SQL</h1>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            run()
          }}
        >
          <label class="field">
            <span>A question to the mirror; it is only read</span>
            <textarea
              rows={6}
              spellcheck={false}
              value={sql}
              onInput={(event) => setSql(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run()
              }}
            />
          </label>
          <div class="buttons">
            <button type="submit" class="main" disabled={isRunning}>
              Run
            </button>
            {result === null ? null : (
              <button type="button" class="plain" onClick={() => download(result)}>
                Save as CSV
              </button>
            )}
            <span class="dim" aria-live="polite">
              {isRunning
                ? "SQLite works on it …"
                : result === null
                  ? ""
                  : `${counted(result.rows.length, "row")}${result.more ? ", the first of more" : ""}, ${count(result.millis)} ms`}
            </span>
          </div>
        </form>
        <Problem fault={fault} />
        {result === null ? null : (
          <div class="wide-table" tabIndex={0} role="region" aria-label="Result">
            <table>
              <thead>
                <tr>
                  {result.columns.map((name, index) => (
                    <th
                      scope="col"
                      key={`${index} ${name}`}
                      class={typeof result.rows[0]?.[index] === "number" ? "number" : undefined}
                    >
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {result.rows.map((row, index) => (
                  <tr key={index}>
                    {row.map((value, column) => (
                      <td key={column} class={typeof value === "number" ? "number" : "cell"}>
                        {value === null ? (
                          <span class="dim">null</span>
                        ) : typeof value === "number" ? (
                          value
                        ) : (
                          value
                        )}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Dictionary
        pick={(word) => setSql((text) => `${text}${text === "" || /\s$/.test(text) ? "" : " "}${word}`)}
      />
    </main>
  )
}
