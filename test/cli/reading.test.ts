import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect, TestClock } from "effect"
import { describe, expect } from "vitest"
import { changes } from "../../src/cli/commands/changes/index.ts"
import { quarantine } from "../../src/cli/commands/quarantine/index.ts"
import { runs } from "../../src/cli/commands/runs/index.ts"
import { status } from "../../src/cli/commands/status/index.ts"
import { why } from "../../src/cli/commands/why/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { runCommand } from "../support/cli.ts"
import { fakeRegistry } from "../support/fakeRegistry.ts"
import { configuredFolder, seededEnvironment, seededFolder } from "../support/seededMirror.ts"

const verbs = [changes, quarantine, runs, status, why]

const run = (cwd: string, argv: ReadonlyArray<string>, stdoutColumns?: number) =>
  TestClock.setTime(Date.parse("2026-03-07T12:00:00.000Z")).pipe(
    Effect.zipRight(
      runCommand(verbs, argv, {
        cwd,
        environment: seededEnvironment,
        ...(stdoutColumns === undefined ? {} : { stdoutColumns })
      })
    ),
    Effect.provideService(Providers, Effect.succeed(fakeRegistry))
  )

const document = (cwd: string, ...argv: ReadonlyArray<string>) =>
  Effect.map(run(cwd, [...argv, "--json"]), ({ code, stdout }) => {
    expect(code).toBe(0)
    return JSON.parse(stdout)
  })

const edit = (folder: string, sql: string): void => {
  const database = new Sqlite(join(folder, "mirror.db"))
  database.exec(sql)
  database.close()
}

/** A run as its process leaves it that is under way, or was killed. */
const underWay = (folder: string, id: number, lane: string, pid: number): void =>
  edit(
    folder,
    `INSERT INTO runs (id, command, started_at, host, pid)
       VALUES (${id}, '${lane}', '2026-03-07T11:3${id}:00.000Z', '${hostname()}', ${pid});
     INSERT INTO run_connections (run_id, connection, lane, started_at)
       VALUES (${id}, 'leads', '${lane}', '2026-03-07T11:3${id}:00.000Z');
     INSERT INTO leases (connection, lane, owner, host, pid, acquired_at, expires_at) VALUES
       ('leads', '${lane}', '#${id}', '${hostname()}', ${pid}, '2026-03-07T11:3${id}:00.000Z', '2026-03-07T12:00:30.000Z')`
  )

describe("a run that was killed", () => {
  it.scoped("is shown as interrupted before the next one writes so; one that lives still runs", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      edit(folder, "UPDATE run_connections SET outcome = 'complete', error_kind = NULL, requests = 1")
      underWay(folder, 3, "backfill", spawnSync(process.execPath, ["-e", ""]).pid)
      const [killed] = (yield* document(folder, "status", "leads")).connections
      expect(killed).toMatchObject({
        last_attempt_outcome: "interrupted",
        last_run: { run_id: 3, outcome: "interrupted" },
        running: []
      })
      const { stdout } = yield* run(folder, ["status"])
      expect(stdout).not.toContain("running")
      expect(stdout).toMatch(/^leads .* interrupted, 27m 00s ago /m)
      const listed = yield* run(folder, ["runs"])
      expect(listed.stdout.split("\n")[2]).toMatch(/^ *3 +backfill +27m 00s ago +- +interrupted +0 /)
      expect(yield* document(folder, "runs", "3")).toMatchObject({
        outcome: "interrupted",
        finished_at: null,
        connections: [{ outcome: "interrupted" }]
      })
      expect((yield* run(folder, ["runs", "3"])).stdout).toContain(", its process is gone, on ")
      expect((yield* document(folder, "why", "leads:a1")).last_run.outcome).toBe("interrupted")

      underWay(folder, 4, "sync", process.ppid)
      const [living] = (yield* document(folder, "status", "leads")).connections
      expect(living).toMatchObject({
        last_attempt_outcome: "running",
        last_run: { run_id: 4, outcome: "running" },
        running: [{ lane: "sync", pid: process.ppid }]
      })
      const { runs: all } = yield* document(folder, "runs", "--limit", "2")
      expect(all.map(({ outcome }: { readonly outcome: string }) => outcome)).toEqual([
        "running",
        "interrupted"
      ])
      expect((yield* run(folder, ["runs", "4"])).stdout).toContain("still running")
    })
  )
})

describe("parley status", () => {
  it.scoped("tells counts, freshness, the last run and its fault, what is pending, and limits", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stderr, stdout } = yield* run(folder, ["status"])
      expect(code).toBe(0)
      expect(stderr).toBe("")
      expect(
        stdout
      ).toBe(`connection  provider  conversations  messages  newest message  complete    last run             changes  quarantine
----------  --------  -------------  --------  --------------  ----------  -------------------  -------  ----------
leads       plain                 2         5  26h 55m ago     2h 00m ago  failed, 59m 59s ago        1           2
fresh       regional              0         0  -               never       never                      0           0
quiet       plain                 0         0  -               never       never                      0           0

leads: sync of run 2: Plain refused the key (401)
  write a new key into PLAIN_KEY
leads: 1 conversation without all of its messages; the next sync asks for them
leads: 1 change rejected or in conflict: \`parley changes\`
leads: 2 records in quarantine: \`parley quarantine\`
fresh: never synced; start with \`parley sync fresh\`
quiet: switched off in the configuration

Needs attention: leads (failed, changes, quarantine).
`)
      const { stdout: limits } = yield* run(folder, ["status", "--limits"])
      expect(limits).toContain(
        "limits of leads: 500 a minute; 60% of each is used\nlimits of fresh: 500 a minute\n"
      )
    })
  )

  it.scoped("says within how long connections are synced again", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      for (const [id, minute] of [55, 56, 57, 58].entries()) {
        edit(
          folder,
          `INSERT INTO runs (id, command, started_at, host, pid) VALUES (${90 + id}, 'watch', '', 'here', 1);
           INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at) VALUES
             (${90 + id}, 'leads', 'sync', 'complete', '2026-03-07T11:${minute}:00.000Z', '2026-03-07T11:${minute}:05.000Z')`
        )
      }
      const { stdout } = yield* run(folder, ["status"])
      expect(stdout).toContain("\nSynced again, as a rule, within 1m 05s (leads).\n")
      const { connections } = yield* document(folder, "status")
      expect(connections).toMatchObject([{ name: "leads", kept_within_ms: 65_000 }, { name: "fresh" }, {}])
    })
  )

  it.scoped("ends with 3 where --check finds what needs attention, and with 0 where nothing does", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const all = yield* run(folder, ["status", "--check"])
      expect(all.code).toBe(3)
      expect(all.stdout).toContain("Need attention: leads (failed, changes, quarantine), fresh (stale).")
      edit(
        folder,
        `UPDATE run_connections SET error_kind = NULL, outcome = 'complete';
         UPDATE status_changes SET resolved_at = requested_at WHERE id = 2;
         UPDATE quarantine SET dismissed_at = first_seen_at`
      )
      const one = yield* run(folder, ["status", "--check", "leads"])
      expect({ code: one.code, end: one.stdout.trimEnd().split("\n").at(-1) }).toEqual({
        code: 0,
        end: "All is well."
      })
      const stale = yield* run(folder, ["status", "--check", "--stale", "1h", "leads", "--json"])
      expect(stale.code).toBe(3)
      expect(JSON.parse(stale.stdout)).toMatchObject({
        ok: false,
        attention: [{ name: "leads", troubles: ["stale"] }]
      })
      expect((yield* run(folder, ["status", "--stale", "1h"])).stderr).toContain("--stale goes with --check")
      expect((yield* run(folder, ["status", "--check", "--stale", "0s"])).stderr).toContain("such as 30m")
    })
  )

  it.scoped("still shows a sync that failed after a push, and after a backfill with nothing to request", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const ended = (id: number, lane: string, requests: number) =>
        edit(
          folder,
          `INSERT INTO runs (id, command, started_at, host, pid) VALUES (${id}, '${lane}', '2026-03-07T11:3${id}:00.000Z', 'h', 1);
           INSERT INTO run_connections (run_id, connection, lane, started_at, finished_at, outcome, requests) VALUES
             (${id}, 'leads', '${lane}', '2026-03-07T11:3${id}:00.000Z', '2026-03-07T11:3${id}:01.000Z', 'complete', ${requests})`
        )
      const failed = { last_run: { run_id: 2, outcome: "failed", error: { kind: "unauthorized" } } }
      ended(3, "push", 3)
      ended(4, "backfill", 0)
      expect((yield* document(folder, "status", "leads")).connections).toMatchObject([failed])
      expect((yield* run(folder, ["status", "--check"])).stdout).toContain("leads (failed,")
      ended(5, "sync", 1)
      const { connections } = yield* document(folder, "status", "leads")
      expect(connections).toMatchObject([{ last_run: { run_id: 5, error: null } }])
    })
  )

  it.scoped(
    "still shows a sync that failed while the next one is under way, and after one that was stopped",
    () =>
      Effect.gen(function* () {
        const folder = yield* seededFolder
        const began = (id: number, outcome: "running" | "interrupted") =>
          edit(
            folder,
            `INSERT INTO runs (id, command, started_at, host, pid) VALUES (${id}, 'sync', '2026-03-07T11:3${id}:00.000Z', 'h', 1);
           INSERT INTO run_connections (run_id, connection, lane, started_at, finished_at, outcome) VALUES
             (${id}, 'leads', 'sync', '2026-03-07T11:3${id}:00.000Z', ${outcome === "running" ? "NULL" : `'2026-03-07T11:3${id}:01.000Z'`}, '${outcome}')`
          )
        for (const [id, outcome] of [
          [3, "running"],
          [4, "interrupted"]
        ] as const) {
          began(id, outcome)
          expect((yield* document(folder, "status", "leads")).connections).toMatchObject([
            { last_run: { run_id: 2, outcome: "failed", error: { kind: "unauthorized" } } }
          ])
          expect((yield* run(folder, ["status", "--check"])).stdout).toContain("leads (failed,")
        }
      })
  )

  it.scoped("names open changes of a connection that no run works on", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const path = join(folder, "config/parley.yaml")
      const written = readFileSync(path, "utf8")
      const unsent = "leads: 1 change that no run sends, since the connection is "
      expect((yield* run(folder, ["status"])).stdout).not.toContain(unsent)
      writeFileSync(path, written.replace("- name: leads", "- name: leads\n    enabled: false"))
      const off = (yield* run(folder, ["status"])).stdout
      expect(off).toContain(`${unsent}switched off in the configuration\n`)
      expect(off).toContain("`parley changes cancel --all --connection leads`")
      writeFileSync(path, written.replace("- name: leads", "- name: others"))
      expect((yield* run(folder, ["status"])).stdout).toContain(`${unsent}not in the configuration\n`)
      writeFileSync(path, "connections: nonsense")
      expect((yield* run(folder, ["status", "--db", "mirror.db"])).stdout).not.toContain(unsent)
    })
  )

  it.scoped("fits a terminal of 80 columns in a line a connection, and folds what it says", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      for (const columns of [140, 80, 50]) {
        const { stdout } = yield* run(folder, ["status"], columns)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: colours have no width
        const lines = stdout.replace(/\u001b\[\d+m/g, "").split("\n")
        expect(lines.filter((line) => line.length > columns)).toEqual([])
        expect(lines.filter((line) => /^(leads|fresh|quiet) {2,}/.test(line)).length).toBe(3)
        expect(stdout).toContain("\u001b[31mfailed\u001b[39m, ")
      }
      const plain = yield* runCommand(verbs, ["status"], {
        cwd: folder,
        environment: { ...seededEnvironment, NO_COLOR: "1" },
        stdoutColumns: 80
      }).pipe(Effect.provideService(Providers, Effect.succeed(fakeRegistry)))
      expect(plain.stdout).not.toContain("\u001b")
    })
  )

  it.scoped("is one document with stable keys", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const told = yield* document(folder, "status", "leads")
      expect(told).toEqual({
        database: join(folder, "mirror.db"),
        exists: true,
        connections: [
          {
            name: "leads",
            provider: "plain",
            configured: true,
            enabled: true,
            conversations: 2,
            conversations_incomplete: 1,
            conversations_deleted: 0,
            conversations_merged: 0,
            messages: 5,
            contacts: 1,
            newest_message_at: "2026-03-06T09:05:00.000Z",
            last_complete_sync_at: "2026-03-07T10:00:00.000Z",
            last_attempt_at: "2026-03-07T11:00:01.000Z",
            last_attempt_outcome: "failed",
            last_run: {
              run_id: 2,
              command: "sync",
              lane: "sync",
              outcome: "failed",
              started_at: "2026-03-07T11:00:01.000Z",
              finished_at: "2026-03-07T11:00:30.000Z",
              error: {
                kind: "unauthorized",
                message: "Plain refused the key (401)",
                hint: "write a new key into PLAIN_KEY"
              }
            },
            running: [],
            changes: { pending: 1 },
            changes_open: 1,
            changes_failed: 1,
            quarantined: 2,
            privacy: null,
            unfinished_scans: [],
            hints: null,
            kept_within_ms: null,
            covered: [],
            quota: 0.6,
            waiting_until: null,
            waiting_for: null,
            found_per_second: null,
            limits: [{ name: "500 a minute", requests: 300, per_ms: 60_000, scope: "connection" }]
          }
        ],
        old_sqlite_writers: [],
        restored: null
      })
    })
  )

  it.scoped("explains a mirror that is not there yet, and reads one without any configuration", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      const { code, stdout } = yield* run(folder, ["status"])
      expect(code).toBe(0)
      expect(stdout).toMatch(/^There is no mirror at .*mirror\.db yet: start with `parley sync`\.\n/)
      expect(yield* document(folder, "status")).toMatchObject({ exists: false })
      const seeded = yield* seededFolder
      rmSync(join(seeded, "config"), { recursive: true })
      const { connections } = yield* document(seeded, "status", "--db", "mirror.db")
      expect(connections).toMatchObject([
        { name: "leads", configured: false, limits: null, conversations: 2 }
      ])
    })
  )

  it.scoped("still tells of the mirror where the configuration has faults, and says so", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      writeFileSync(join(folder, "config/parley.yaml"), "database: ../mirror.db\nconnections: 7\n")
      const { code, stderr, stdout } = yield* run(folder, ["status"])
      expect(code).toBe(0)
      expect(stdout).toContain("leads")
      expect(stderr).toMatch(/parley check/)
    })
  )

  it.scoped("knows no connection that nobody named", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stderr } = yield* run(folder, ["status", "laeds"])
      expect(code).toBe(2)
      expect(stderr).toContain('there is no connection "laeds"; did you mean "leads"?')
    })
  )
})

describe("parley runs", () => {
  it.scoped("lists what ran, newest first, with what it did and how long it waited", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { stdout } = yield* run(folder, ["runs"])
      expect(stdout.split("\n").slice(2)).toEqual([
        "  2  sync     1h 00m ago     30s  partial (3)         0      0        0            0         4       -",
        "  1  sync     2h 00m ago  1m 05s  complete        1,234  1,230        3            1        12     31s",
        ""
      ])
      expect((yield* document(folder, "runs", "--limit", "1")).runs).toMatchObject([
        {
          id: 2,
          command: "sync",
          outcome: "partial",
          exit_code: 3,
          connections: [{ lane: "push" }, { lane: "sync" }]
        }
      ])
    })
  )

  it.scoped("shows one run with its connections and their faults", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { stdout } = yield* run(folder, ["runs", "2"])
      expect(stdout).toContain("run 2: sync, partial, exit code 3\n")
      expect(stdout).toContain("leads: changes: 1 rejected\n")
      expect(stdout).toContain(
        "leads (sync): Plain refused the key (401)\n  write a new key into PLAIN_KEY\n"
      )
      expect(yield* document(folder, "runs", "1")).toMatchObject({
        id: 1,
        connections: [{ waited_ms: 31_000 }]
      })
      expect(yield* run(folder, ["runs", "9"])).toMatchObject({
        code: 2,
        stderr: "parley: there is no run 9\n  `parley runs` lists them\n"
      })
    })
  )

  it.scoped("explains where nothing ran yet", () =>
    Effect.gen(function* () {
      const folder = yield* configuredFolder
      expect(yield* run(folder, ["runs"])).toEqual({
        code: 0,
        stdout: "No runs yet: start with `parley sync`.\n",
        stderr: ""
      })
      expect(yield* document(folder, "runs")).toEqual({ runs: [] })
    })
  )
})

describe("a name or a number that nothing can be found by", () => {
  const wrong: ReadonlyArray<readonly [argv: ReadonlyArray<string>, stderr: string]> = [
    ...(["quarantine", "changes"] as const).flatMap((verb) => [
      [
        [verb, "list", "--connection", "nobody"],
        'parley: --connection: there is no connection "nobody"; known here: leads, fresh, quiet\n  name connections as the configuration does\n'
      ] as const,
      [
        [verb, "--connection", "laeds"],
        'parley: --connection: there is no connection "laeds"; did you mean "leads"?\n  name connections as the configuration does\n'
      ] as const,
      [[verb, "--limit", "0"], "parley: --limit: less than one\n  write 1 or more\n"] as const
    ]),
    [["runs", "--limit", "0"], "parley: --limit: less than one\n  write 1 or more\n"],
    [["runs", "--limit=-1"], "parley: --limit: less than one\n  write 1 or more\n"]
  ]
  for (const [argv, stderr] of wrong) {
    it.scoped(`is told, with 2, and not taken for nothing: ${argv.join(" ")}`, () =>
      Effect.gen(function* () {
        expect(yield* run(yield* seededFolder, argv)).toEqual({ code: 2, stderr, stdout: "" })
      })
    )
  }

  it.scoped("is told from what the mirror holds where there is no configuration", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      rmSync(join(folder, "config"), { recursive: true })
      const { code, stderr } = yield* run(folder, ["changes", "--connection", "nobody", "--db", "mirror.db"])
      expect(code).toBe(2)
      expect(stderr).toContain('there is no connection "nobody"; known here: leads\n')
    })
  )
})

describe("parley quarantine", () => {
  it.scoped("lists what is open, and all of it where that is asked for", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { stdout } = yield* run(folder, ["quarantine"])
      expect(stdout.split("\n").slice(2)).toEqual([
        ' 1  leads       message       m9      expected a time, got "soon"  $.messages[2].at     3  1h 59m ago',
        " 2  leads       conversation  zz      expected text, got 7         $.id                 1  26h 00m ago",
        ""
      ])
      const all = yield* document(folder, "quarantine", "list", "--all", "--limit", "1")
      expect(all).toMatchObject({ total: 3, records: [{ id: 1, seen: 3, path: "$.messages[2].at" }] })
      // Configured, and never synced.
      expect(yield* document(folder, "quarantine", "--connection", "fresh")).toEqual({
        total: 0,
        records: []
      })
      expect((yield* run(folder, ["quarantine", "--connection", "fresh"])).stdout).toMatch(
        /^Nothing is in quarantine/
      )
      expect((yield* document(folder, "quarantine", "--connection", "leads")).total).toBe(2)
    })
  )

  it.scoped("shows a record whole, with the request that it came with", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { stdout } = yield* run(folder, ["quarantine", "show", "1"])
      expect(stdout).toContain('{\n  "id": "m9",\n  "at": "soon"\n}')
      expect(stdout).toContain("list conversations: GET /conversations?page=1, status 200, run 1")
      expect(stdout).toContain("leads:a2")
      expect(stdout).toMatch(/^seen +3 times, first /m)
      const another = yield* run(folder, ["quarantine", "show", "3"])
      expect(another.stdout).toContain("not JSON")
      expect(another.stdout).toMatch(/^seen +once, first /m)
      expect(yield* document(folder, "quarantine", "show", "2")).toMatchObject({
        payload: '{"id":7}',
        request: { run_id: 1, status: 200 }
      })
      expect((yield* run(folder, ["quarantine", "show", "99"])).code).toBe(2)
    })
  )
})

describe("parley quarantine dismiss", () => {
  it.scoped("takes records out of what needs attention, and leaves them in the list with a mark", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      expect(yield* run(folder, ["quarantine", "dismiss", "1", "3"])).toEqual({
        code: 0,
        stdout: "dismissed 1 record: 1\ncan be read by now, so nothing to dismiss: 3\n",
        stderr: ""
      })
      expect((yield* document(folder, "status", "leads")).connections).toMatchObject([{ quarantined: 1 }])
      const { stdout } = yield* run(folder, ["quarantine"])
      expect(stdout).toContain('dismissed: expected a time, got "soon"')
      expect((yield* run(folder, ["quarantine", "show", "1"])).stdout).toMatch(
        /^state +dismissed 2026-03-07 12:00:00Z: it is read again/m
      )
      expect((yield* run(folder, ["why", "leads:a2"])).stdout).toMatch(
        /^quarantine +1 \(dismissed\): message/m
      )
      expect(yield* document(folder, "quarantine", "dismiss", "2")).toEqual({ dismissed: [2], resolved: [] })
    })
  )

  it.scoped("refuses a number that no record has, and needs at least one", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stderr } = yield* run(folder, ["quarantine", "dismiss", "1", "99"])
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr:
          "parley: there is no record 99 in quarantine\n  `parley quarantine list --all` lists them; nothing was dismissed\n"
      })
      expect((yield* document(folder, "status", "leads")).connections).toMatchObject([{ quarantined: 2 }])
      expect((yield* run(folder, ["quarantine", "dismiss"])).code).toBe(2)
    })
  )
})

describe("parley status on a mirror that an old SQLite wrote to", () => {
  it.scoped("names the version, and how to write safely; for a month", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      edit(folder, "UPDATE status_changes SET sqlite_version = '3.40.1'")
      expect((yield* run(folder, ["status"])).stdout).toContain(
        `2 changes were requested with SQLite 3.40.1, the last 1h 29m ago: before 3.51.3 it can damage a file while a sync writes to it.
  Use \`parley set-status\`, or begin with PRAGMA wal_autocheckpoint = 0 there.
`
      )
      edit(folder, "UPDATE status_changes SET requested_at = '2026-02-01T00:00:00.000Z'")
      expect((yield* run(folder, ["status"])).stdout).not.toContain("3.40.1")
    })
  )
})

describe("parley why", () => {
  it.scoped("tells in one answer all that is known of a conversation, and what comes next", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { code, stdout } = yield* run(folder, ["why", "leads:a1"])
      expect(code).toBe(0)
      expect(stdout).toBe(`conversation    leads:a1, at plain
status          active ("open" in the provider's words), wanted here: completed
messages        all 2 messages stored
first seen      2026-03-01 10:00:00Z
last seen       2026-03-07 10:00:01Z, 1h 59m ago
last change by  list conversations: GET /conversations?page=1, status 200, 2026-03-07 10:00:02Z (run 1, sync)
last run        run 2 (sync), failed, started 2026-03-07 11:00:01Z: Plain refused the key (401)
history         2026-03-07 10:00:01Z  new to active (provider)
change 1        active to completed: pending, 1 attempt, requested 2026-03-07 10:30:00Z by ana
                2026-03-07 10:30:00Z  pending: asked for by ana
next            the change to completed is sent: \`parley push\` from 2099-01-01 00:00:00Z on
next            it is fetched again if the provider shows a change: with the next \`parley sync\`
`)
    })
  )

  it.scoped("tells of missing messages and quarantine, and finds a conversation by its contact", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const { stdout } = yield* run(folder, ["why", "leads:a2"])
      expect(stdout).toContain("3 of 5 messages stored")
      expect(stdout).toContain('1: message: expected a time, got "soon" at $.messages[2].at, seen 3 times')
      expect(stdout).toContain("its missing messages are requested: with the next `parley sync`")
      const byContact = yield* document(folder, "why", "leads:email:ana@example.com")
      expect(byContact).toMatchObject({
        conversation: { id: "leads:a1", complete: 1 },
        last_request: { run_id: 1, operation: "list conversations" },
        changes: [{ id: 1, state: "pending", events: [{ state: "pending" }] }],
        next: [
          { command: "parley push", at: "2099-01-01T00:00:00.000Z" },
          { command: "parley sync", at: null }
        ]
      })
    })
  )

  it.scoped("says of a conversation that is gone when it was missed, or that it is deleted, not both", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const set = (columns: string) =>
        edit(folder, `UPDATE remote_conversations SET ${columns} WHERE id = 'leads:a1'`)
      set("missing_since = '2026-03-07T11:00:00.000Z'")
      const missing = yield* run(folder, ["why", "leads:a1"])
      expect(missing.stdout).toContain("since 2026-03-07 11:00:00Z; not yet known to be deleted\n")
      expect(missing.stdout).not.toMatch(/^deleted/m)
      set("deleted_at = '2026-03-07T11:30:00.000Z'")
      const deleted = yield* run(folder, ["why", "leads:a1"])
      expect(deleted.stdout).toContain("deleted         at the provider, noticed 2026-03-07 11:30:00Z\n")
      expect(deleted.stdout).not.toContain("not yet known to be deleted")
    })
  )

  it.scoped("knows a conversation that never could be read", () =>
    Effect.gen(function* () {
      const folder = yield* seededFolder
      const told = yield* document(folder, "why", "leads:zz")
      expect(told).toMatchObject({
        conversation: null,
        quarantine: [{ id: 2, reason: "expected text, got 7" }]
      })
      expect((yield* run(folder, ["why", "leads:nobody"])).code).toBe(2)
    })
  )
})
