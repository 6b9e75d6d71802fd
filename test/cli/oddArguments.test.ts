import { it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import { describe, expect } from "vitest"
import { verbs } from "../../src/cli/commands/index.ts"
import { exitCodes } from "../../src/cli/exitCodes.ts"
import { Providers } from "../../src/cli/Providers.ts"
import { runCommand } from "../support/cli.ts"
import { fakeRegistry } from "../support/fakeRegistry.ts"
import { seededEnvironment, seededFolder } from "../support/seededMirror.ts"

/** These begin something that goes on by itself, or talk to a provider, which the fake ones do not. */
const busy = new Set(["demo", "simulate", "watch", "sync", "backfill", "verify", "push", "check", "rebuild"])

const quiet = verbs.map(({ name }) => name).filter((name) => !busy.has(name))

const odd = [
  ...[
    "",
    "-",
    "--",
    "---",
    "-h",
    "-V",
    "--version",
    "--help",
    "--json",
    "--json=maybe",
    "--quiet",
    "--db",
    "--db="
  ],
  ...["--db=/dev/null", "--db=/dev/zero", "--db=/", "--db=.", "--config", "--config=", "--config=/dev/null"],
  ...[
    "--config=/dev/zero",
    "--config=/etc/passwd",
    "--progress=nope",
    "--log-level=debug",
    "--limit=-1",
    "--limit=1e9"
  ],
  ...[
    "--limit=99999999999999999999",
    "--limit=NaN",
    "--to=",
    "--to=/dev/null",
    "--out=/dev/full",
    "--out=",
    "--format=xml"
  ],
  ...[
    "--max-rows=0",
    "--max-time=none",
    "--max-time=1e400s",
    "--max-temp=1e99GB",
    "1",
    "-1",
    "0",
    "99999999999999999999"
  ],
  ...[
    "1.5",
    "leads",
    "leads:a1",
    "leads:",
    "::",
    "日本",
    "\u202e",
    "\n",
    "\t",
    "a".repeat(10_000),
    "__proto__",
    "toString"
  ],
  ...[
    "--__proto__",
    "--constructor=1",
    "list",
    "show",
    "retry",
    "dismiss",
    "cancel",
    "SELECT 1",
    "SELECT",
    "SELECT ?"
  ],
  ...[
    "SELECT 1;SELECT 2",
    "ATTACH 'x' AS y",
    "PRAGMA user_version=5",
    "SELECT load_extension('x')",
    "completed"
  ]
]

const argvs = fc.tuple(fc.constantFrom(...quiet), fc.array(fc.constantFrom(...odd), { maxLength: 4 }))

describe("arguments that nobody expects", () => {
  it.scoped(
    "end with a code that is documented and words for a person, never with a fault of the program",
    () =>
      Effect.gen(function* () {
        const folder = yield* seededFolder
        for (const [verb, more] of fc.sample(argvs, { numRuns: 120, seed: 20_260_307 })) {
          const { code, stderr, stdout } = yield* runCommand(verbs, [verb, ...more], {
            cwd: folder,
            environment: seededEnvironment
          }).pipe(Effect.provideService(Providers, Effect.succeed(fakeRegistry)))
          const told = JSON.stringify([verb, ...more.map((word) => word.slice(0, 40))])
          expect(Object.values(exitCodes), told).toContain(code)
          expect(stdout + stderr, told).not.toMatch(/should not happen|^\s+at .*\(|\[object Object\]/m)
          if (code !== exitCodes.complete) expect(stderr, told).not.toBe("")
        }
      })
  )
})
