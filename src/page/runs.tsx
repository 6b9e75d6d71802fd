import { useEffect, useState } from "preact/hooks"
import { Sending } from "./act.tsx"
import { conversationPath } from "./address.ts"
import { type Copy, Fault, get, type Health, post, type Run, type Running, type Settings } from "./data.ts"
import { clock, count, counted, moment, span } from "./format.ts"
import { useNews } from "./live.ts"
import { Dialog, Empty, Problem, Time } from "./parts.tsx"

const outcomeName: Readonly<Record<string, string>> = {
  complete: "went well",
  partial: "incomplete",
  failed: "failed",
  held: "held by another run",
  interrupted: "interrupted",
  running: "is on"
}

const Outcome = ({ of }: { readonly of: string }) => (
  <span class={`outcome ${of}`}>{outcomeName[of] ?? of}</span>
)

const took = ({ finished_at, started_at }: Run): string =>
  finished_at === null ? "" : span(Date.parse(finished_at) - Date.parse(started_at))

const sum = (run: Run, of: (row: Run["connections"][number]) => number): number =>
  run.connections.reduce((total, row) => total + of(row), 0)

/** What became of a connection's webhooks, and whether they still come. */
const Webhooks = ({ of: { hints, hints_are_silent, hints_expected } }: { readonly of: Health }) =>
  hints === null ? null : (
    <>
      <p class="dim">
        Webhooks: {count(hints.received)} received, {count(hints.merged)} merged, {count(hints.fetched)}{" "}
        fetched, {count(hints.useless)} useless, {count(hints.refused)} refused, last{" "}
        <Time of={hints.last_at} />
      </p>
      {hints_are_silent && hints_expected ? (
        <p class="warn">
          No webhook comes any more, while runs found {counted(hints.changes_since, "record")} new or changed
        </p>
      ) : null}
    </>
  )

const Connections = ({ health }: { readonly health: ReadonlyArray<Health> }) => (
  <div class="wide-table" tabIndex={0} role="region" aria-label="Connections">
    <table>
      <thead>
        <tr>
          <th scope="col">Connection</th>
          <th scope="col">Complete as of</th>
          <th scope="col">Newest message</th>
          <th scope="col">Last run</th>
          <th scope="col" class="number">
            Changes open
          </th>
          <th scope="col" class="number">
            In quarantine
          </th>
          <th scope="col" class="number">
            Incomplete
          </th>
          <th scope="col">Limits</th>
        </tr>
      </thead>
      <tbody>
        {health.map((one) => (
          <tr key={one.name}>
            <th scope="row">
              {one.name} <span class="dim">{one.title}</span>
            </th>
            <td>
              <Time of={one.last_complete_sync_at} />
              {one.kept_within_ms === null ? null : (
                <p class="dim">again within {span(one.kept_within_ms)}, as a rule</p>
              )}
            </td>
            <td>
              <Time of={one.newest_message_at} />
            </td>
            <td>
              {one.last_run === null ? (
                <span class="dim">never</span>
              ) : (
                <>
                  <Outcome of={one.last_run.outcome} /> <Time of={one.last_run.started_at} />
                  {one.last_run.error_message === null ? null : (
                    <p class="words">
                      {one.last_run.error_message} <span class="dim">{one.last_run.error_hint}</span>
                    </p>
                  )}
                </>
              )}
              {one.waiting_until === null ? null : (
                <p class="warn">
                  Waits until {clock(one.waiting_until)}: {one.waiting_for}
                </p>
              )}
              <Webhooks of={one} />
            </td>
            <td class="number">{count(one.changes_open)}</td>
            <td class="number">
              {one.quarantined === 0 ? (
                "0"
              ) : (
                <a href={`/quarantine?connection=${one.name}`}>{count(one.quarantined)}</a>
              )}
            </td>
            <td class="number">{count(one.conversations_incomplete)}</td>
            <td class="dim">
              {one.limits === null
                ? "not configured"
                : one.limits.length === 0
                  ? "found out"
                  : one.limits.join(", ")}
              {one.quota === null || one.quota === 1 ? "" : `, ${Math.round(one.quota * 100)}% of it`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

interface Doubt {
  readonly connection: string
  readonly check: string
  readonly conversations: number
  readonly example: string | null
  readonly hint: string
}

const doubts = `SELECT connection, "check", conversations, example_id, hint FROM data_quality
WHERE conversations > 0 ORDER BY connection, "check"`

/** What to distrust in the data; looked for when it is opened, for it reads much. */
const Doubts = () => {
  const [rows, setRows] = useState<ReadonlyArray<Doubt> | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const look = (): void => {
    post<{ rows: ReadonlyArray<readonly [string, string, number, string | null, string]> }>("/query", {
      sql: doubts
    })
      .then(({ rows: found }) =>
        setRows(
          found.map(([connection, check, conversations, example, hint]) => ({
            ...{ connection, check, conversations, example, hint }
          }))
        )
      )
      .catch((cause) => setFault(cause instanceof Fault ? cause : null))
  }
  return (
    <details
      class="doubts"
      onToggle={(event) => {
        if (event.currentTarget.open && rows === null) look()
      }}
    >
      <summary>What to distrust in the data</summary>
      <Problem fault={fault} />
      {rows === null ? <p class="dim">Looking …</p> : null}
      {rows?.length === 0 ? <p class="dim">Nothing was found.</p> : null}
      <ul>
        {rows?.map((row) => (
          <li key={`${row.connection} ${row.check}`}>
            <b>{row.connection}</b> {row.check}: {counted(row.conversations, "conversation")}
            {row.example === null ? null : (
              <>
                , such as <a href={conversationPath(row.example)}>{row.example}</a>
              </>
            )}
            . <span class="dim">{row.hint}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

interface UndoPlan {
  readonly total: number
  readonly confirm: number | null
  readonly on_their_way: number
  readonly undone: ReadonlyArray<{
    readonly conversation_id: string
    readonly to: string | null
    readonly stays: ReadonlyArray<string>
  }>
}

/** Shows what an undo of a run would send, and sends it. */
const Undo = ({ close, run }: { readonly close: (said: Fault | null) => void; readonly run: number }) => {
  const [plan, setPlan] = useState<UndoPlan | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const fail = (cause: unknown) => setFault(cause instanceof Fault ? cause : new Fault(String(cause), "", 0))
  useEffect(() => {
    post<UndoPlan>("/changes/undo", { run, plan: true }).then(setPlan, fail)
  }, [run])
  return (
    <Dialog title={`Undo run ${run}`} close={() => close(null)}>
      {plan === null ? null : (
        <>
          <p>
            {plan.total === 0
              ? "Nothing can be put back."
              : `${counted(plan.total, "change")} would be sent.`}
            {plan.on_their_way === 0
              ? ""
              : ` ${counted(plan.on_their_way, "change")} of it still on the way.`}
          </p>
          <ul class="undone">
            {plan.undone.slice(0, 200).map((one) => (
              <li key={one.conversation_id}>
                <a href={conversationPath(one.conversation_id)}>{one.conversation_id}</a>
                {one.to === null ? "" : ` back to ${one.to}`}
                {one.stays.map((why) => (
                  <span class="dim" key={why}>
                    {" "}
                    {why}
                  </span>
                ))}
              </li>
            ))}
          </ul>
        </>
      )}
      <Problem fault={fault} />
      <Sending
        close={() => close(null)}
        plan={plan}
        send={(confirmation) =>
          post("/changes/undo", { run, plan: false, ...confirmation }).then(() => close(null))
        }
      />
    </Dialog>
  )
}

/** The newest backup, and the newest file for readers. */
const Backups = ({ copies }: { readonly copies: ReadonlyArray<Copy> }) => {
  const newest = ["backup", "publication"].flatMap((kind) => copies.find((copy) => copy.kind === kind) ?? [])
  return (
    <p class="backups">
      {newest.some(({ kind }) => kind === "backup") ? null : (
        <span class="dim">No backup is known: parley backup --to FILE writes one. </span>
      )}
      {newest.map(({ at, kind, path }) => (
        <span key={kind}>
          Last {kind}: <Time of={at} />, <code>{path}</code>.{" "}
        </span>
      ))}
    </p>
  )
}

export const Runs = ({ settings }: { readonly settings: Settings }) => {
  const [health, setHealth] = useState<ReadonlyArray<Health> | null>(null)
  const [copies, setCopies] = useState<ReadonlyArray<Copy>>([])
  const [runs, setRuns] = useState<ReadonlyArray<Run>>([])
  const [running, setRunning] = useState<ReadonlyArray<Running>>([])
  const [waits, setWaits] = useState<
    Readonly<Record<string, { readonly until: string; readonly reason: string }>>
  >({})
  const [fault, setFault] = useState<Fault | null>(null)
  const [undoing, setUndoing] = useState<number | null>(null)
  const fail = (cause: unknown): void => {
    if (cause instanceof Fault) setFault(cause)
  }
  const read = (): void => {
    get<{ connections: ReadonlyArray<Health>; copies: ReadonlyArray<Copy> }>("/status")
      .then((page) => {
        setHealth(page.connections)
        setCopies(page.copies)
      })
      .catch(fail)
    get<{ items: ReadonlyArray<Run> }>("/runs")
      .then((page) => setRuns(page.items))
      .catch(fail)
  }
  useEffect(read, [])
  useNews("runs", (news) => {
    setRunning(news.running)
    read()
  })
  useNews("changes", read)
  useNews("again", read)
  useNews("waiting", ({ connection, reason, until }) =>
    setWaits((all) => ({ ...all, [connection]: { until, reason } }))
  )
  const start = (): void => {
    setFault(null)
    post("/runs", {}).catch(fail)
  }
  const now = new Date().toISOString()
  return (
    <main class="page">
      <header>
        <h1>Runs and health</h1>
        <span class="dim">
          {settings.schedule === null ? "no schedule here" : `syncs ${settings.schedule}`}
        </span>
        {settings.read_only === null ? (
          <button type="button" class="plain" disabled={running.length > 0} onClick={start}>
            Sync now
          </button>
        ) : null}
      </header>
      <Problem fault={fault} />
      {running.length === 0 ? null : (
        <section class="running" aria-live="polite" aria-label="Under way">
          {running.map((row) => {
            const wait = row.connection === null ? undefined : waits[row.connection]
            return (
              <p key={`${row.run_id} ${row.connection}`}>
                <b>
                  {row.connection ?? row.command}
                  {row.lane === null ? "" : `: ${row.lane}`}
                </b>{" "}
                since {clock(row.started_at)}: {counted(row.received, "record")},{" "}
                {counted(row.conversations, "conversation")}, {counted(row.messages, "message")}
                {wait !== undefined && wait.until > now ? (
                  <span class="warn">
                    {" "}
                    waits until {clock(wait.until)}: {wait.reason}
                  </span>
                ) : null}
              </p>
            )
          })}
        </section>
      )}
      <h2>Connections</h2>
      {health === null ? null : health.length === 0 ? (
        <Empty>The mirror holds no connections yet.</Empty>
      ) : (
        <Connections health={health} />
      )}
      <Backups copies={copies} />
      <Doubts />
      <h2>Runs</h2>
      {runs.length === 0 ? <Empty>Nothing has run yet.</Empty> : null}
      <ol class="runs">
        {runs.map((run) => (
          <li key={run.id}>
            <details>
              <summary>
                <span class="number">{run.id}</span> <b>{run.command}</b> <Outcome of={run.outcome} />{" "}
                <time dateTime={run.started_at}>{moment(run.started_at)}</time>
                <span class="dim">
                  {" "}
                  {took(run)}
                  {took(run) === "" ? "" : ", "}
                  {counted(
                    sum(run, (row) => row.requests),
                    "request"
                  )}
                  , {count(sum(run, (row) => row.inserted))} new, {count(sum(run, (row) => row.updated))}{" "}
                  changed
                </span>
              </summary>
              <ul>
                {run.connections.map((row) => (
                  <li key={`${row.connection} ${row.lane}`}>
                    <b>{row.connection}</b> {row.lane} <Outcome of={row.outcome} />{" "}
                    <span class="dim">
                      {counted(row.requests, "request")}, {counted(row.received, "record")} received,{" "}
                      {count(row.inserted)} new, {count(row.updated)} changed
                      {row.quarantined === 0 ? "" : `, ${count(row.quarantined)} in quarantine`}
                      {row.changes_confirmed === 0
                        ? ""
                        : `, ${counted(row.changes_confirmed, "change")} confirmed`}
                      {row.waited_ms < 1_000 ? "" : `, waited ${span(row.waited_ms)}`}
                    </span>
                    {row.error_message === null ? null : (
                      <p class="words">
                        {row.error_message} <span class="dim">{row.error_hint}</span>
                      </p>
                    )}
                  </li>
                ))}
              </ul>
              {settings.read_only === null && sum(run, (row) => row.changes_confirmed) > 0 ? (
                <button type="button" class="plain" onClick={() => setUndoing(run.id)}>
                  Undo its changes
                </button>
              ) : null}
            </details>
          </li>
        ))}
      </ol>
      {undoing === null ? null : <Undo run={undoing} close={() => setUndoing(null)} />}
    </main>
  )
}
