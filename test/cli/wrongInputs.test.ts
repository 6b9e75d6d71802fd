import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { verbs } from "../../src/cli/commands/index.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { runCommand } from "../support/cli.ts"
import { fakeRegistry } from "../support/fakeRegistry.ts"
import { seededEnvironment, seededFolder } from "../support/seededMirror.ts"

/** What someone types, and what they are told to type instead. */
const inputs: ReadonlyArray<readonly [words: string, instead: string]> = [
  ["snyc", "sync"],
  ["Sync", "sync"],
  ["sync --ful", "--full"],
  ["sync laeds", "leads"],
  ["sync quiet", "take enabled: false out of it"],
  ["sync --max-wait soon", "30s"],
  ["sync --max-wait", "DURATION"],
  ["sync --config nowhere.yaml", "parley init"],
  ["sync --config config", "parley.yaml"],
  ["sync --progress bars", "bar"],
  ["sync --log-level verbose", "debug"],
  ["sync --full --push-only", "give one of them"],
  ["sync --pull-only --push-only", "give one of them"],
  ["backfill --since yesterday", "2026-03-01"],
  ["backfill --since 2026-02-30", "2026-03-01"],
  ["backfill --since 2026-03-01 --until 2026-02-01", "--since is part of the window"],
  ["backfill --deadline 0s", "30m"],
  ["watch", "--every 5m"],
  ["watch --every 5", "5m"],
  ["watch --every 5m --cron @daily", "give one"],
  ["watch --cron wrong", "*/5 * * * *"],
  ["watch --every 5m --time-zone Berlin", "Europe/Berlin"],
  ["watch --every 5m --jitter 6m", "a shorter time"],
  ["watch --every 5m --health here", "9464"],
  ["show", "parley show --help"],
  ["show leads:a9", "Ids are written"],
  ["show leads:a1 --last none", "parley show --help"],
  ["show leads:a1 --format pdf", "text"],
  ["search", "parley search --help"],
  ["search hello --since soon", "7d"],
  ["search hello --limit 0", "1 or more"],
  ["waiting --connection laeds", "leads"],
  ["set-status", "parley set-status ID STATUS"],
  ["set-status leads:a1", "parley set-status leads:a1 STATUS"],
  ["set-status completed leads:a1", "parley set-status leads:a1 completed"],
  ["set-status leads:a1 complete", "completed"],
  ["set-status completed --where statu='x'", "did you mean"],
  ["set-status completed --from ids.txt", "- for stdin"],
  ["push --undo first", "parley runs"],
  ["push --cancel-pending", "parley changes cancel --all"],
  ["push --confirm 0", "1 or more"],
  ["changes cancel", "--all"],
  ["changes cancel 1 --all", "write the numbers"],
  ["changes cancel nine", "parley changes cancel --help"],
  ["changes show 99", "parley changes list --all"],
  ["changes resolve 1", "--keep"],
  ["changes resolve 1 --keep mine", "remote"],
  ["changes lst", "list"],
  ["status --stale 2h", "--check --stale 2h"],
  ["runs 99", "parley runs"],
  ["runs last", "parley runs"],
  ["quarantine show 99", "parley quarantine"],
  ["why leads:zzzz", "<connection>:<provider's id>"],
  ["limits reset laeds", "leads"],
  ["query", "SELECT"],
  ["query SELECT", "SELECT * FROM dictionary"],
  ["query DELETE.FROM.messages", "SELECT"],
  ["query --format excel SELECT.1", "csv"],
  ["query --max-rows many SELECT.1", "none for no limit"],
  ["query --file none.sql", "- for stdin"],
  ["query SELECT.*.FROM.conversation", "conversations"],
  ["export", "--to"],
  ["export --to . --format xml", "csv"],
  ["export --to . --table mesages", "messages"],
  ["report", "--out"],
  ["report --out config", "Name"],
  ["forget --email a@b.example --plan --receipt r.json", "look at the plan first"],
  ["forget --email a@b.example --receipt nowhere/r.json", "its folder does not exist"],
  ["init palin", "plain"],
  ["init", "--config config/new-parley.yaml"],
  ["simulate --faults many", "none"],
  ["simulate --port 99999", "9500"],
  ["simulate --conversations few", "parley simulate --help"],
  ["demo --conversations 0", "1 or more"],
  ["status --db config", "Name a file"],
  ["sync --db nothing/here.db", "mkdir -p"],
  ["status --jsn", "--json"],
  ["help stats", "status"],
  ["completions powershell", "bash"],
  ["show leads:a1 --json --format text", "leave one of them out"]
]

/** How libraries, systems and programmers speak. */
const libraryWords =
  /effect|parse ?error|expected one of|expected to find|missing argument|invalid subcommand|sqlite_|errno|undefined|\bnull\b|\[object|exception|syntax error|no such (column|table)|incomplete input|\n\s+at /i

/** Codes of the system. */
const codes = /\bE(NOENT|ACCES|ISDIR|EXIST|INVAL|ADDR\w+)\b/

let folder = ""
const scope = Effect.runSync(Scope.make())

beforeAll(async () => {
  folder = await Effect.runPromise(Scope.extend(seededFolder, scope).pipe(Effect.orDie))
  mkdirSync(join(folder, "empty"))
  writeFileSync(join(folder, "config/.env"), "", { mode: 0o600 })
})

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
})

describe("a wrong input", () => {
  it("is any of more than fifty", () => {
    expect(inputs.length).toBeGreaterThanOrEqual(50)
  })

  for (const [words, instead] of inputs) {
    it(`is answered by one sentence and what to type instead: parley ${words}`, async () => {
      // A dot stands for a space within an argument.
      const argv = words
        .split(" ")
        .map((word) => (/^(SELECT|DELETE)\./.test(word) ? word.replaceAll(".", " ") : word))
      const { code, stderr, stdout } = await Effect.runPromise(
        runCommand(verbs, argv, { cwd: folder, environment: seededEnvironment }).pipe(
          Effect.provideService(Providers, Effect.succeed(fakeRegistry))
        )
      )
      expect({ code, stdout: argv.includes("--json") ? "" : stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr).toContain(instead)
      expect(stderr).not.toMatch(libraryWords)
      expect(stderr).not.toMatch(codes)
      expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2)
    })
  }
})
