import { Clock, Effect, Either } from "effect"
import type { ConnectionConfig } from "../../../config/Config.ts"
import { suggestion } from "../../../config/nearest.ts"
import { usualStale } from "../../../config/notify.ts"
import { present } from "../../../domain/present.ts"
import { gapsIn } from "../../../domain/TimeRange.ts"
import { now, toMillis } from "../../../domain/Timestamp.ts"
import type { LearnedLimits } from "../../../http/limits/shared/heldBack.ts"
import { quotaFile } from "../../../http/limits/shared/quotaStore.ts"
import { isStoredOtherwise, keepEverything } from "../../../privacy/policy.ts"
import { ageText, type Restoration, unnoticedRestoration } from "../../../store/copies/restored.ts"
import { Db } from "../../../store/Db.ts"
import { areSilent } from "../../../store/read/health/newsFacts.ts"
import {
  fixedVersion,
  type OldWriter,
  oldWriters,
  writersKept
} from "../../../store/read/health/oldWriters.ts"
import { type ConnectionFacts, statusFacts } from "../../../store/read/statusFacts.ts"
import { learnedLimitsOf } from "../../../sync/learnedLimits.ts"
import { loadConfiguration, mirrorPath, readingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { Globals } from "../../globals.ts"
import { readDuration } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { counted, grouped, shortDuration, wallClock } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { type ColumnOf, tableOf, whole } from "../../terminal/table.ts"
import { ago, rangeText } from "../../terminal/times.ts"
import { fold } from "../../terminal/width.ts"
import type { StatusInput } from "./index.ts"

/** A connection as the configuration and the mirror know it; either may not know it. */
interface ConnectionStatus {
  readonly name: string
  readonly provider: string
  readonly facts: ConnectionFacts | null
  readonly config: ConnectionConfig | null
  readonly learned: LearnedLimits | null
}

const noFacts = {
  conversations: 0,
  conversations_incomplete: 0,
  conversations_deleted: 0,
  conversations_merged: 0,
  messages: 0,
  contacts: 0,
  newest_message_at: null,
  last_complete_sync_at: null,
  last_attempt_at: null,
  last_attempt_outcome: null,
  last_run: null,
  running: [],
  changes: {},
  changes_open: 0,
  changes_failed: 0,
  quarantined: 0,
  privacy: null,
  unfinished_scans: [],
  hints: null,
  kept_within_ms: null,
  covered: []
}

/** The limits as they are kept: the vendor's or the configured ones, times the share that may be used. */
const limitDocuments = ({ limits, quota }: ConnectionConfig) =>
  limits.map(({ name, perMillis, requests, scope }) => ({
    name,
    requests: Math.max(1, Math.floor(requests * quota)),
    per_ms: perMillis,
    scope
  }))

const heldUntil = (learned: LearnedLimits | null) => {
  const hold = learned?.holds[0]
  return hold === undefined ? null : now(hold.until)
}

const documentOf = ({ config, facts, name, provider, learned }: ConnectionStatus) => ({
  ...noFacts,
  ...facts,
  name,
  provider,
  configured: config !== null,
  enabled: config?.enabled ?? null,
  quota: config?.quota ?? null,
  limits: config === null ? null : limitDocuments(config),
  waiting_until: heldUntil(learned),
  waiting_for: learned?.holds[0]?.reason ?? null,
  found_per_second: learned?.foundPerSecond ?? null
})

const inColour = /\b(failed|interrupted|partial)\b(?=, )|^Needs? attention:.*$/gm

/** At 80 columns what is fresh and what needs attention remains, at 50 that a run failed. */
const columns = (at: number) =>
  whole<ColumnOf<ConnectionStatus>>([
    { name: "connection", cell: ({ name }) => name },
    { name: "provider", spare: 6, cell: ({ provider }) => provider },
    { name: "conversations", right: true, spare: 3, cell: ({ facts }) => grouped(facts?.conversations ?? 0) },
    { name: "messages", right: true, spare: 4, cell: ({ facts }) => grouped(facts?.messages ?? 0) },
    { name: "newest message", spare: 5, cell: ({ facts }) => ago(facts?.newest_message_at ?? null, at) },
    { name: "complete", cell: ({ facts }) => lastComplete(facts, at) },
    { name: "last run", cell: ({ facts }) => lastRun(facts, at) },
    { name: "changes", right: true, spare: 1, cell: ({ facts }) => grouped(facts?.changes_open ?? 0) },
    { name: "quarantine", right: true, spare: 2, cell: ({ facts }) => grouped(facts?.quarantined ?? 0) }
  ])

const lastComplete = (facts: ConnectionFacts | null, at: number): string =>
  facts?.last_complete_sync_at == null ? "never" : ago(facts.last_complete_sync_at, at)

const lastRun = (facts: ConnectionFacts | null, at: number): string =>
  facts?.last_run == null ? "never" : `${facts.last_run.outcome}, ${ago(facts.last_run.started_at, at)}`

/** Why nothing of a connection moves, and until when. */
const waitingLine = ({ config, name, learned }: ConnectionStatus, at: number): ReadonlyArray<string> => {
  const hold = learned?.holds[0]
  if (hold === undefined || config === null) return []
  const what = hold.scope === "connection" ? "nothing is sent" : "some requests wait"
  const who = config.definition.title
  return [
    `${name}: ${what} until ${wallClock(hold.until, at)}: ${who} refused, ${hold.reason}`,
    ...hint(`\`parley limits reset ${name}\` lifts it`)
  ]
}

/** What the mirror keeps beyond the conversations that are counted. */
const gone = ({ conversations_deleted, conversations_merged, name }: ConnectionFacts): string | null => {
  const parts = present(
    conversations_deleted > 0 && `${counted(conversations_deleted, "conversation")} deleted there`,
    conversations_merged > 0 && `${counted(conversations_merged, "conversation")} merged into others there`
  )
  return parts.length === 0 ? null : `${name}: ${parts.join(" and ")}, kept here and not counted above`
}

const hintLines = ({ config, facts, name }: ConnectionStatus, at: number): ReadonlyArray<string> => {
  const hints = facts?.hints ?? null
  if (hints === null) return []
  const { changes_since, fetched, last_at, last_refused_at, merged, received, refused, useless } = hints
  const isSilent = config?.hints !== undefined && areSilent(hints, at)
  return present(
    `${name}: webhooks: ${grouped(received)} received, ${grouped(merged)} merged, ${grouped(fetched)} fetched, ${grouped(useless)} useless, ${grouped(refused)} refused, last ${ago(last_at, at)}`,
    isSilent && [
      `${name}: no webhook for ${ago(last_at, at).replace(/ ago$/, "")}, while runs found ${counted(changes_since, "record")} new or changed`,
      ...hint(
        `is \`parley watch --hints\` running, does the proxy lead to it, and does ${config?.definition.title ?? "the provider"} still send them?`
      )
    ],
    refused > 0 &&
      received === 0 &&
      last_refused_at !== null &&
      hint(`no webhook of ${name} was signed with its signingKey: correct the key`)
  )
}

/** More connections than this are told of by the quickest and the slowest. */
const fewConnections = 6

/** Within how long connections are synced again, in one line. */
const keptLine = (all: ReadonlyArray<ConnectionStatus>): ReadonlyArray<string> => {
  const kept = all
    .flatMap(({ config, facts, name }) =>
      config?.enabled === true && facts !== null && facts.kept_within_ms !== null
        ? [{ name, millis: facts.kept_within_ms }]
        : []
    )
    .sort((one, other) => one.millis - other.millis)
  const told = kept.length <= fewConnections ? kept : [kept.slice(0, 1), kept.slice(-1)].flat()
  const words = told.map(({ millis, name }) => `${shortDuration(millis)} (${name})`)
  return words.length === 0
    ? []
    : [`Synced again, as a rule, within ${words.join(told.length < kept.length ? " to " : ", ")}.`]
}

/** Open changes of a connection that no run works on. */
const unsent = ({ config, facts, name }: ConnectionStatus): ReadonlyArray<string> => {
  const open = facts?.changes_open ?? 0
  if (open === 0 || config?.enabled === true) return []
  const why = config === null ? "is not in the configuration" : "is switched off in the configuration"
  return [
    `${name}: ${counted(open, "change")} that no run sends, since the connection ${why}`,
    ...hint(`\`parley changes cancel --all --connection ${name}\` takes back what is pending`)
  ]
}

/** What a person should know or do about a connection, a line each. */
const remarks = ({ config, facts, name }: ConnectionStatus): ReadonlyArray<string> => {
  if (facts === null) {
    return config?.enabled === false
      ? [`${name}: switched off in the configuration`]
      : [`${name}: never synced; start with \`parley sync ${name}\``]
  }
  const { changes_failed, conversations_incomplete, covered, last_run, quarantined, running } = facts
  const { unfinished_scans } = facts
  // What began after the last range is news, which the next sync brings.
  const gaps = gapsIn({ since: null, until: covered.at(-1)?.until ?? null }, covered)
  const error = last_run?.error ?? null
  return present(
    ...running.map(
      ({ host, lane, pid, since }) => `${name}: ${lane} is running: process ${pid} on ${host}, since ${since}`
    ),
    error !== null && [
      `${name}: ${(last_run?.lane === "verify" ? last_run.command : last_run?.lane) ?? "run"} of run ${last_run?.run_id}: ${error.message}`,
      ...hint(error.hint)
    ],
    running.length === 0 &&
      unfinished_scans.map(
        (lane) => `${name}: a ${lane} is unfinished; the next one resumes where it stopped`
      ),
    covered.length > 0 &&
      gaps.length > 0 &&
      `${name}: of the conversations that began ${covered.map(rangeText).join(", ")} all were listed; \`parley backfill ${name}\` fetches those ${gaps.map(rangeText).join(", ")}`,
    gone(facts),
    conversations_incomplete > 0 &&
      `${name}: ${counted(conversations_incomplete, "conversation")} without all of its messages; the next sync asks for them`,
    changes_failed > 0 &&
      `${name}: ${counted(changes_failed, "change")} rejected or in conflict: \`parley changes\``,
    quarantined > 0 && `${name}: ${counted(quarantined, "record")} in quarantine: \`parley quarantine\``,
    config !== null &&
      facts.conversations > 0 &&
      isStoredOtherwise(config.privacy ?? keepEverything, facts.privacy) && [
        `${name}: some of what is stored was stored under another privacy`,
        ...hint(
          `\`parley rebuild ${name}\` applies it; \`parley sync --full ${name}\` fetches what was left out`
        )
      ]
  )
}

/** What needs attention, in few words; empty: nothing does. @param staleMillis infinite: nothing is stale */
const troublesOf = (
  { config, facts }: ConnectionStatus,
  at: number,
  staleMillis: number
): ReadonlyArray<"failed" | "stale" | "changes" | "quarantine"> => {
  // What is switched off is not expected to be current.
  if (config?.enabled === false) return []
  const since = facts?.last_complete_sync_at ?? null
  const isStale = staleMillis < Infinity && (since === null || at - toMillis(since) > staleMillis)
  return present(
    (facts?.last_run?.error ?? null) !== null && "failed",
    isStale && "stale",
    (facts?.changes_failed ?? 0) > 0 && "changes",
    (facts?.quarantined ?? 0) > 0 && "quarantine"
  )
}

/** The table may be long, so the last line names them. */
const attention = (
  troubled: ReadonlyArray<{ readonly name: string; readonly troubles: ReadonlyArray<string> }>
): ReadonlyArray<string> => {
  if (troubled.length === 0) return []
  const names = troubled.map(({ name, troubles }) => `${name} (${troubles.join(", ")})`)
  return [`${names.length === 1 ? "Needs" : "Need"} attention: ${names.join(", ")}.`]
}

const writerText = ({ changes, last_at, sqlite_version }: OldWriter, at: number): string =>
  [
    `${counted(changes, "change")} ${changes === 1 ? "was" : "were"} requested with SQLite ${sqlite_version}, the last ${ago(last_at, at)}: before ${fixedVersion} it can damage a file while a sync writes to it.`,
    "  Use `parley set-status`, or begin with PRAGMA wal_autocheckpoint = 0 there."
  ].join("\n")

const restoredText = (restored: Restoration): string =>
  `This mirror is ${ageText(restored)}: a backup that was put back, or a copy. The next sync fetches what changed since.`

const hint = (text: string | null): ReadonlyArray<string> => (text ? [`  ${text}`] : [])

const limitsLine = ({ config, name, learned }: ConnectionStatus): ReadonlyArray<string> => {
  if (config === null || !config.enabled) return []
  const limits = config.limits.map((limit) =>
    limit.scope === "path"
      ? `${limit.name} (each path by itself)`
      : limit.scope === "address"
        ? `${limit.name} (all connections of this machine together)`
        : limit.name
  )
  const share = config.quota === 1 ? "" : `; ${Math.round(config.quota * 100)}% of each is used`
  const found = learned?.foundPerSecond ?? null
  const rate = found === null ? "" : `, of late ${Number(found.toPrecision(2))} requests a second`
  const known =
    limits.length === 0 ? `none known: what the provider bears is found out${rate}` : limits.join(", ")
  return [`limits of ${name}: ${known}${share}`]
}

/** Both sides by name, in the order of the configuration; what is only in the mirror comes last. */
const merge = (
  facts: ReadonlyArray<ConnectionFacts>,
  configured: ReadonlyArray<ConnectionConfig>,
  at: number
): ReadonlyArray<ConnectionStatus> => [
  ...configured.map((config) => ({
    name: config.name,
    provider: config.provider,
    config,
    facts: facts.find(({ name }) => name === config.name) ?? null,
    learned: learnedLimitsOf(config, at)
  })),
  ...facts
    .filter(({ name }) => !configured.some((config) => config.name === name))
    .map((fact) => ({ name: fact.name, provider: fact.provider, config: null, facts: fact, learned: null }))
]

const choose = (all: ReadonlyArray<ConnectionStatus>, names: ReadonlyArray<string>) => {
  const known = all.map(({ name }) => name)
  const stranger = names.find((name) => !known.includes(name))
  if (stranger === undefined)
    return Effect.succeed(all.filter(({ name }) => names.length === 0 || names.includes(name)))
  return new UsageError({
    message: `there is no connection "${stranger}"${known.length === 0 ? "" : suggestion(stranger, known)}`,
    hint: "name connections as the configuration does"
  })
}

export const status = ({ check, limits: withLimits, names, stale }: StatusInput) =>
  Effect.gen(function* () {
    if (stale !== null && !check) {
      return yield* new UsageError({ message: "--stale goes with --check", hint: "write --check --stale 2h" })
    }
    const given = yield* readDuration("--stale", stale, {
      least: 1,
      otherwise: usualStale,
      such: "30m, 2h, 1d"
    })
    const globals = yield* Globals
    const output = yield* Output
    const at = yield* Clock.currentTimeMillis
    const database = yield* mirrorPath
    const held = yield* readingMirror(
      Effect.all({
        read: Effect.flatMap(Db, (db) =>
          db.use("status", (session) => ({
            facts: statusFacts(session, now(at)),
            writers: oldWriters(session, now(at - writersKept))
          }))
        ),
        restored: unnoticedRestoration(quotaFile())
      })
    ).pipe(
      Effect.catchIf(
        (error) => error._tag === "StoreError" && error.kind === "no-such-file",
        () => Effect.succeed(null)
      )
    )
    const facts = held?.read.facts ?? null
    const writers = held?.read.writers ?? []
    const restored = held?.restored ?? null
    const config = yield* Effect.either(loadConfiguration)
    const configured = Either.isRight(config) ? config.right.connections : []
    const all = yield* choose(merge(facts ?? [], configured, at), names)
    const troubled = all
      .map((entry) => ({
        name: entry.name,
        troubles: troublesOf(entry, at, check ? given : Infinity)
      }))
      .filter(({ troubles }) => troubles.length > 0)
    const code = check && (facts === null || troubled.length > 0) ? exitCodes.partial : exitCodes.complete
    const document = {
      database,
      exists: facts !== null,
      ...(check ? { ok: code === exitCodes.complete, attention: troubled } : {}),
      connections: all.map(documentOf),
      old_sqlite_writers: writers,
      restored
    }
    const details = all.flatMap((entry) => [
      ...waitingLine(entry, at),
      ...remarks(entry),
      ...(Either.isRight(config) ? unsent(entry) : []),
      ...hintLines(entry, at)
    ])
    const limits = withLimits ? all.flatMap(limitsLine) : []
    const notes = present(
      ...keptLine(all),
      details.length > 0 && details.join("\n"),
      ...writers.map((writer) => writerText(writer, at)),
      restored !== null && restoredText(restored),
      limits.length > 0 && limits.join("\n"),
      ...attention(troubled),
      check && code === exitCodes.complete && "All is well."
    )
    const text = (room: number | null) =>
      present(
        ...emptyState(facts === null, all.length, database),
        all.length > 0 && tableOf(columns(at), all, room),
        ...notes.map((note) => fold(note, room))
      ).join("\n\n")
    yield* answer(document, text, inColour)
    if (Either.isLeft(config) && globals.db === null && !globals.quiet && !globals.json) {
      yield* output.note("the configuration has errors, so limits are not shown: `parley check` lists them")
    }
    return code
  })

const emptyState = (missing: boolean, connections: number, database: string): ReadonlyArray<string> => {
  if (missing) return [`There is no mirror at ${database} yet: start with \`parley sync\`.`]
  return connections === 0 ? ["The mirror is empty: start with `parley sync`."] : []
}
