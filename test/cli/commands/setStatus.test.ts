import { writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { rowsOf } from "../../support/inProcess.ts"
import { parleyOn, syncedWorld } from "../../support/syncedWorld.ts"

const setUp = Effect.gen(function* () {
  const synced = yield* syncedWorld(["naturalead", "aelyst"], { conversations: 30 })
  const parley = parleyOn(synced)
  const rows = <Row>(sql: string) => rowsOf<Row>(sql).pipe(Effect.provide(synced.layer), Effect.orDie)
  const active = yield* rows<{ id: string }>(
    "SELECT id FROM conversations WHERE status = 'active' ORDER BY id"
  )
  const pending = Effect.map(
    rows<{ id: string }>(
      "SELECT conversation_id AS id FROM status_changes WHERE state = 'pending' ORDER BY conversation_id"
    ),
    (found) => found.map(({ id }) => id)
  )
  return {
    parley,
    pending,
    /** As another client of SQLite does. */
    edit: (sql: string) =>
      Effect.sync(() => {
        const database = new Sqlite(synced.database)
        database.exec(sql)
        database.close()
      }),
    active: active.map(({ id }) => id),
    file: join(dirname(synced.database), "ids")
  }
})

describe("parley set-status for many", () => {
  it.scoped("plans by connection, old and new, says what can never be put back, and writes nothing", () =>
    Effect.gen(function* () {
      const { active, parley, pending } = yield* setUp
      const leads = active.filter((id) => id.startsWith("leads:")).length
      const argv = ["set-status", "completed", "--where", "status = 'active'", "--plan"]
      const { code, stderr, stdout } = yield* parley(argv)
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout).toMatch(new RegExp(`^leads +${leads} +active +completed +never$`, "m"))
      expect(stdout).toMatch(/^inbox +\d+ +active \(open\) +completed \(close\) +possible$/m)
      expect(stdout).toContain(
        `leads: ${leads} conversations can never be put back: the provider takes no \`active\``
      )
      expect(stdout).toContain(`${active.length} changes would be requested. Nothing was written.`)
      const document = JSON.parse((yield* parley([...argv, "--json"])).stdout)
      expect(document).toMatchObject({ plan: true })
      expect(yield* pending).toEqual([])
    })
  )

  it.scoped("takes ids from stdin as query writes them, and from a file; a wrong one stops all", () =>
    Effect.gen(function* () {
      const { active, file, parley, pending } = yield* setUp
      const inbox = active.filter((id) => id.startsWith("inbox:"))
      const [first = "", second = "", third = ""] = inbox
      const csv = yield* parley([
        "query",
        "--format",
        "csv",
        `SELECT id FROM conversations WHERE id = '${first}'`
      ])
      const done = yield* parley(["set-status", "completed", "--from", "-"], { stdin: csv.stdout })
      expect(done).toMatchObject({ code: 0, stderr: "" })
      expect(done.stdout).toMatch(/^1 change requested \(1\); `parley push` sends them/)
      expect(yield* pending).toEqual([first])

      writeFileSync(file, `\ufeff# from support\r\n\r\n"${second}"\r\n${third}\r\ninbox:nobody\r\n`)
      const wrong = yield* parley(["set-status", "completed", "--from", file])
      expect(wrong).toMatchObject({ code: 2, stdout: "" })
      expect(wrong.stderr).toContain("there is no conversation `inbox:nobody` in the mirror")
      expect(yield* pending).toEqual([first])

      writeFileSync(file, `${second}\n${third}\n${first}`)
      const again = yield* parley(["set-status", "completed", "--from", file, "--json"])
      expect(JSON.parse(again.stdout)).toMatchObject({
        connections: [{ name: "inbox", changes: 2, already_requested: 1, pending: 3 }],
        change_ids: [expect.any(Number), expect.any(Number), 1]
      })
      expect(yield* pending).toEqual([first, second, third].sort())
      const cancelled = yield* parley(["changes", "cancel", "--all"])
      expect(cancelled.stdout).toContain("3 of 3 cancelled")
      expect(yield* pending).toEqual([])
      expect((yield* parley(["changes", "cancel", "--all"])).stdout).toBe("no change is pending\n")
    })
  )

  it.scoped("proposes changes, which no push sends until someone approves them", () =>
    Effect.gen(function* () {
      const { active, parley, pending } = yield* setUp
      const inbox = active.filter((id) => id.startsWith("inbox:")).slice(0, 2)
      const [first = "", second = ""] = inbox
      const proposed = yield* parley(["set-status", first, "completed", "--propose"])
      expect(proposed.stdout).toBe("1 change proposed (1); `parley changes approve` lets them be sent\n")
      yield* parley(["set-status", "completed", "--from", "-", "--propose"], { stdin: inbox.join("\n") })
      expect(yield* pending).toEqual([])
      const listed = JSON.parse((yield* parley(["changes", "--json"])).stdout)
      expect(listed.changes.map(({ id, state }: { id: number; state: string }) => [id, state])).toEqual([
        [3, "proposed"],
        [2, "proposed"]
      ])
      expect((yield* parley(["changes"])).stdout).toContain(
        "changes 3, 2 are proposed: `parley changes approve N…`"
      )
      // What is pending is replaced once the proposal is approved, and not before.
      yield* parley(["set-status", second, "active", "--propose"])
      yield* parley(["set-status", second, "completed"])
      expect(yield* pending).toEqual([second])
      expect((yield* parley(["changes", "approve", "--all"])).stdout).toContain("1 of 1 approved")
      expect(yield* pending).toEqual([first, second].sort())
      expect((yield* parley(["changes", "approve", "2"])).stderr).toContain(
        "waits for no approval: it is pending"
      )
      expect((yield* parley(["changes", "cancel", "--all"])).stdout).toContain("2 of 2 cancelled")
      expect((yield* parley(["set-status", first, "completed", "--propose", "--push"])).code).toBe(2)
    })
  )

  it.scoped("lets nobody approve a proposal in place of what was requested since with SQL", () =>
    Effect.gen(function* () {
      const { active, edit, parley, pending } = yield* setUp
      const id = active.find((one) => one.startsWith("leads:")) ?? ""
      yield* parley(["set-status", id, "completed", "--propose"])
      yield* edit(`UPDATE conversations SET status = 'abandoned' WHERE id = '${id}'`)
      for (const which of ["1", "--all"]) {
        const { code, stderr, stdout } = yield* parley(["changes", "approve", which])
        expect(code, which).not.toBe(0)
        expect(stdout + stderr).toContain(
          "change 1 is older than change 2, which is pending for the same conversation"
        )
      }
      expect(yield* pending).toEqual([id])
      yield* parley(["changes", "cancel", "2"])
      expect((yield* parley(["changes", "approve", "1"])).code).toBe(0)
      expect(yield* pending).toEqual([id])
    })
  )

  it.scoped("says how to leave out what cannot take the status", () =>
    Effect.gen(function* () {
      const { parley, pending } = yield* setUp
      const { code, stderr } = yield* parley(["set-status", "handed_off", "--where", "status = 'active'"])
      expect(code).toBe(2)
      expect(stderr).toContain("To leave them out, add: AND connection <> 'inbox'")
      expect(yield* pending).toEqual([])
    })
  )

  it.scoped("says where a condition selects nothing, which is not the same as nothing to change", () =>
    Effect.gen(function* () {
      const { parley } = yield* setUp
      const none = "No conversation that its provider still has meets the condition."
      const argv = ["set-status", "completed", "--where", "connection = 'inbx'"]
      expect((yield* parley(argv)).stdout).toBe(`${none}\nNothing to do.\n`)
      expect((yield* parley([...argv, "--plan"])).stdout).toContain(none)
      const held = yield* parley(["set-status", "completed", "--where", "status = 'completed'"])
      expect(held.stdout).toMatch(/^\d+ conversations: are so already\nNothing to do.\n$/)
    })
  )

  it.scoped("reads a file that a Windows shell wrote in UTF-16", () =>
    Effect.gen(function* () {
      const { active, file, parley, pending } = yield* setUp
      const [first = "", second = ""] = active.filter((id) => id.startsWith("inbox:"))
      writeFileSync(file, `\ufeffid\r\n${first}\r\n${second}\r\n`, "utf16le")
      const { code, stderr } = yield* parley(["set-status", "completed", "--from", file])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(yield* pending).toEqual([first, second])
    })
  )

  it.scoped("answers each wrong way to write it with one that is right", () =>
    Effect.gen(function* () {
      const { active, parley } = yield* setUp
      const [id = ""] = active
      const wrong = [
        [[], "write parley set-status ID STATUS"],
        [["completed"], "write parley set-status ID completed"],
        [[id], `write parley set-status ${id} STATUS`],
        [["completed", id], `parley set-status ${id} completed`],
        [[id, "completed", "active"], "--from FILE"],
        [["--where", "1"], "write parley set-status STATUS --where"],
        [[id, "completed", "--where", "1"], "write parley set-status completed --where"],
        [["completed", "--where", "1", "--from", "-"], "--where and --from do not go together"],
        [["completed", "--where", "status = active"], "texts stand in 'single quotes'"],
        [["completed", "--where", "statu = 'active'"], 'did you mean "status"?'],
        [["completed", "--from", "no-such-file"], "there is no such file"],
        [["completed", "--from", "/"], "it is a folder"],
        [["completed", "--from", "-"], "there is no id in what came on stdin"],
        [[id, "complete"], 'did you mean "completed"?'],
        [[id, "completed", "--plan", "--push"], "look at the plan first"]
      ] as const
      for (const [words, hint] of wrong) {
        const { code, stderr, stdout } = yield* parley(["set-status", ...words])
        expect({ code, stdout }, words.join(" ")).toEqual({ code: 2, stdout: "" })
        expect(stderr).toContain(hint)
      }
    })
  )
})
