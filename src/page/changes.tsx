import { useEffect, useState } from "preact/hooks"
import { ChangeActions } from "./act.tsx"
import { conversationPath } from "./address.ts"
import { type Change, Fault, get } from "./data.ts"
import { counted, stateName, statusName } from "./format.ts"
import { useNews } from "./live.ts"
import { Empty, Problem, Time } from "./parts.tsx"

interface Page {
  readonly items: ReadonlyArray<Change>
  readonly total: number
}

export const Changes = () => {
  const [page, setPage] = useState<Page | null>(null)
  const [all, setAll] = useState(false)
  const [fault, setFault] = useState<Fault | null>(null)
  const read = (): void => {
    get<Page>("/changes", { all: all ? "1" : null, limit: 200 })
      .then(setPage)
      .catch((cause) => setFault(cause instanceof Fault ? cause : null))
  }
  useEffect(read, [all])
  useNews("changes", read)
  useNews("again", read)
  return (
    <main class="page">
      <header>
        <h1>Changes</h1>
        <label class="check">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          Also those that are done
        </label>
      </header>
      <p class="lead">What was requested here and is on its way, and what needs a decision.</p>
      <Problem fault={fault} />
      {page?.items.length === 0 ? (
        <Empty>
          {all ? "No change was ever requested." : "No change is open, and none waits for a decision."}
        </Empty>
      ) : null}
      {page === null || page.items.length === 0 ? null : (
        <div class="wide-table" tabIndex={0} role="region" aria-label="Changes">
          <table>
            <thead>
              <tr>
                <th scope="col">Conversation</th>
                <th scope="col">Change</th>
                <th scope="col">State</th>
                <th scope="col">Requested</th>
                <th scope="col">What happened</th>
                <th scope="col">
                  <span class="hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {page.items.map((change) => (
                <tr key={change.id} class={`change ${change.state}`} data-change={change.id}>
                  <th scope="row">
                    <a href={conversationPath(change.conversation_id)}>{change.conversation_id}</a>
                  </th>
                  <td>
                    {statusName(change.from_status)} →{" "}
                    {change.to_status === null ? "title, tags" : statusName(change.to_status)}
                    {change.to_provider_status === null ? null : (
                      <span class="dim"> {change.to_provider_status}</span>
                    )}
                  </td>
                  <td>
                    <span class="state">{stateName(change.state)}</span>
                  </td>
                  <td>
                    <Time of={change.requested_at} />
                    <span class="dim"> by {change.requested_by}</span>
                  </td>
                  <td class="words">{change.last_error ?? ""}</td>
                  <td class="buttons">
                    <ChangeActions
                      change={change}
                      done={(what) => {
                        setFault(what)
                        read()
                      }}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {page !== null && page.total > page.items.length ? (
        <p class="dim">
          The newest {page.items.length} of {counted(page.total, "change")}.
        </p>
      ) : null}
    </main>
  )
}
