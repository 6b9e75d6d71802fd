import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  clockFinding,
  fileFindings,
  modeFinding,
  writableFinding
} from "../../../src/cli/commands/doctor/findings.ts"
import { Mirror } from "../../../src/store/mirror/Mirror.ts"
import type { DoctorFacts } from "../../../src/store/read/health/doctorFacts.ts"
import { temporaryFolder } from "../../support/inProcess.ts"
import { parleyOn, syncedWorld } from "../../support/syncedWorld.ts"

const well: DoctorFacts = {
  damage: [],
  dangling: 0,
  schema: 3,
  newestSchema: 3,
  sqliteVersion: "3.51.3",
  bytes: 4096,
  logBytes: 0,
  oldWriters: [],
  lastWriter: "3.51.3",
  privacy: [],
  leases: [],
  deadRuns: 0,
  erasures: 0,
  openErasures: 0
}

const verdicts = (facts: Partial<DoctorFacts>) =>
  fileFindings({ ...well, ...facts }, false)
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ verdict, what }) => `${verdict} ${what}`)

describe("parley doctor", () => {
  it.scoped("finds nothing bad with a mirror that is well, and says what it looked at", () =>
    Effect.gen(function* () {
      const synced = yield* syncedWorld(["empfio"], { conversations: 3 })
      const { code, stderr, stdout } = yield* parleyOn(synced)(["doctor", "--offline", "--full"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      for (const what of ["configuration", "mirror", "disk", "file", "references", "schema", "leases"]) {
        expect(stdout).toMatch(new RegExp(`^(ok|warn) +${what} `, "m"))
      }
      expect(stdout).not.toMatch(/^bad/m)
    })
  )

  it.scoped("says whether what is stored follows the privacy of the configuration, as status does", () =>
    Effect.gen(function* () {
      const synced = yield* syncedWorld(["empfio", "aelyst"], { conversations: 3 })
      const parley = parleyOn(synced)
      expect((yield* parley(["doctor", "--offline"])).stdout).not.toContain("privacy")
      const { path } = synced.world.file
      const written = readFileSync(path, "utf8")
      const strict = written.replace(
        "provider: aelyst",
        "provider: aelyst\n    privacy: { names: drop, texts: mask }"
      )
      writeFileSync(path, strict)
      const before = "some of what is stored of inbox was stored under another privacy"
      expect((yield* parley(["doctor", "--offline"])).stdout).toContain(before)
      expect((yield* parley(["status"])).stdout).toContain("`parley rebuild inbox` applies it")
      yield* Effect.provide(
        Effect.flatMap(Mirror, (mirror) =>
          mirror.noteFollowed(
            "inbox",
            '{"emails":"keep","names":"drop","phones":"keep","texts":"mask"}',
            "applied"
          )
        ),
        synced.layer
      )
      expect((yield* parley(["doctor", "--offline"])).stdout).toContain(
        "inbox: names dropped, texts masked, in all that is stored"
      )
      expect((yield* parley(["status"])).stdout).not.toContain("privacy")
    })
  )

  it.scoped("ends with 3 where the file is damaged or open to all, and says what to do", () =>
    Effect.gen(function* () {
      const synced = yield* syncedWorld(["empfio"], { conversations: 3 })
      chmodSync(synced.database, 0o644)
      const open = yield* parleyOn(synced)(["doctor", "--offline", "--json"])
      expect(open.code).toBe(3)
      expect(JSON.parse(open.stdout)).toMatchObject({ ok: false })
      expect(open.stdout).toContain(`chmod 600 ${synced.database}`)
      const broken = join(dirname(synced.database), "broken.db")
      writeFileSync(broken, "SQLite format 3\u0000 and then nothing of the kind".repeat(100), { mode: 0o600 })
      const damaged = yield* parleyOn({ ...synced, database: broken })(["doctor", "--offline"])
      expect(damaged.code).toBe(3)
      expect(damaged.stdout).toMatch(/^bad +file /m)
    })
  )

  it.scoped("tells what is bad from what is worth a look", () =>
    Effect.gen(function* () {
      expect(verdicts({})).toEqual([])
      expect(verdicts({ damage: ["row 3 missing from index"] })).toEqual(["bad file"])
      expect(verdicts({ dangling: 2 })).toEqual(["bad references"])
      expect(verdicts({ schema: 2, logBytes: 2 ** 30, deadRuns: 1 })).toEqual([
        "warn schema",
        "warn log",
        "warn runs"
      ])
      expect(verdicts({ erasures: 2 })).toEqual([])
      expect(verdicts({ erasures: 2, openErasures: 1 })).toEqual(["warn forgotten"])
      const old = { sqlite_version: "3.40.1", changes: 1, last_at: "2026-01-01T00:00:00.000Z" as never }
      expect(verdicts({ oldWriters: [old] })).toEqual(["warn writers"])
      expect(verdicts({ lastWriter: "3.40.1" })).toEqual(["warn writers"])
      expect(verdicts({ lastWriter: "3.50.7" })).toEqual([])
      expect(clockFinding("leads", 400).verdict).toBe("ok")
      expect(clockFinding("leads", 30_000)).toMatchObject({
        verdict: "warn",
        detail: expect.stringContaining("30 seconds behind leads's")
      })
      expect(clockFinding("leads", -7_200_000)).toMatchObject({
        verdict: "bad",
        detail: expect.stringContaining("ahead of leads's")
      })
      const folder = yield* temporaryFolder
      const file = join(folder, ".env")
      expect(modeFinding(file, "secrets")).toEqual([])
      writeFileSync(file, "")
      for (const [mode, verdict] of [
        [0o600, "ok"],
        [0o640, "warn"],
        [0o604, "bad"]
      ] as const) {
        chmodSync(file, mode)
        expect(modeFinding(file, "secrets")).toMatchObject([{ verdict }])
      }
    })
  )

  it.scoped("names what this user cannot write of the mirror, its log and its folder", () =>
    Effect.gen(function* () {
      const synced = yield* syncedWorld(["empfio"], { conversations: 3 })
      const { database } = synced
      expect(writableFinding(database)).toEqual([])
      writeFileSync(`${database}-shm`, "")
      const shut = new Set([dirname(database), `${database}-shm`, `${database}-wal.gone`])
      expect(writableFinding(database, (path) => !shut.has(path))).toMatchObject([
        {
          verdict: "bad",
          what: "mirror",
          detail: expect.stringContaining(`cannot write ${dirname(database)}, ${database}-shm, so`)
        }
      ])
      // Root can write what the mode forbids.
      if (process.getuid?.() === 0) return
      chmodSync(database, 0o400)
      const { code, stdout } = yield* parleyOn(synced)(["doctor", "--offline"])
      expect(code).toBe(3)
      expect(stdout).toMatch(/^bad +mirror +this user cannot write /m)
    })
  )
})
