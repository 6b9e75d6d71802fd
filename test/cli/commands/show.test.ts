import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { editableViews } from "../../support/editableViews.ts"
import { rowsOf } from "../../support/inProcess.ts"
import { parleyOn, syncedWorld } from "../../support/syncedWorld.ts"

/** A message as a hostile customer would write it. */
const hostile = "a `parley sync` *b* <script>\n# no heading\n- no list\n1. no number \u001b[2J"

const spoilt = Effect.gen(function* () {
  const synced = yield* syncedWorld(["naturalead", "convocore"], { conversations: 25 })
  const id = yield* Effect.gen(function* () {
    const db = yield* Db
    const [row] = yield* rowsOf<{ id: string; message: string }>(
      `SELECT c.id, m.id AS message FROM conversations c JOIN messages m ON m.conversation_id = c.id
       WHERE c.provider = 'naturalead' AND c.stored_messages > 3 ORDER BY c.id, m.position DESC LIMIT 1`
    )
    yield* db.use("test.edit", ({ database, prepare }) => {
      editableViews(database)
      prepare("UPDATE messages SET content = ? WHERE id = ?").run(hostile, row?.message ?? "")
    })
    return row?.id ?? ""
  }).pipe(Effect.provide(synced.layer), Effect.orDie)
  return { id, parley: parleyOn(synced), layer: synced.layer }
})

describe("parley show", () => {
  it.scoped(
    "shows who it is with, both statuses and every message, for a person, as Markdown and as JSON",
    () =>
      Effect.gen(function* () {
        const { id, layer, parley } = yield* spoilt
        const stored = yield* rowsOf<{ role: string; sent_at: string; content: string }>(
          "SELECT role, sent_at, content FROM messages WHERE conversation_id = ? ORDER BY position",
          id
        ).pipe(Effect.provide(layer))
        const text = yield* parley(["show", id])
        expect(text).toMatchObject({ code: 0, stderr: "" })
        expect(text.stdout).toMatch(/^status {7}\w+ \("\w+"\) at naturalead$/m)
        for (const { role, sent_at } of stored) {
          expect(text.stdout).toContain(`${sent_at.slice(0, 10)} ${sent_at.slice(11, 19)}Z  ${role}`)
        }
        // A customer's words stay the customer's, and move no cursor.
        expect(text.stdout).toContain("\n  a `parley sync` *b* <script>\n  # no heading\n  - no list\n")
        expect(text.stdout).not.toContain("\u001b")

        const { stdout: markdown } = yield* parley(["show", id, "--format", "markdown"])
        expect(markdown).toContain(
          "> a \\`parley sync\\` \\*b\\* \\<script\\>  \n> \\# no heading  \n> \\- no list  \n> \\1. no number"
        )
        const document = JSON.parse((yield* parley(["show", id, "--json"])).stdout)
        expect(document.messages.map(({ content }: { content: string }) => content)).toEqual(
          stored.map(({ content }) => content)
        )
        expect(document).toMatchObject({ id, provider: "naturalead", contact: { phone: expect.any(String) } })
      })
  )

  it.scoped("shows the last messages alone, by the beginning of an id, folded to the terminal", () =>
    Effect.gen(function* () {
      const { id, parley } = yield* spoilt
      const { stderr, stdout } = yield* parley(["show", id.slice(0, -4), "--last", "1"], {
        stdoutColumns: 40
      })
      expect(stderr).toBe("")
      expect(stdout).toContain(id)
      expect(stdout.match(/Z {2}(customer|agent|human|system)/g)?.length).toBe(1)
      const wide = stdout.split("\n").filter((line) => line.length > 40 && !line.includes(id))
      expect(wide).toEqual([])
    })
  )

  it.scoped("prints the payloads as they came, and says where there is nothing", () =>
    Effect.gen(function* () {
      const { id, parley } = yield* spoilt
      const raw = yield* parley(["show", id, "--raw"])
      const payloads = raw.stdout.trim().split("\n")
      expect(payloads.map((line) => typeof JSON.parse(line))).toEqual(payloads.map(() => "object"))
      expect(raw.stdout).toContain(id.slice("leads:".length))
      const document = JSON.parse((yield* parley(["show", id, "--raw", "--json"])).stdout)
      expect(document.payloads.map(({ payload }: { payload: string }) => payload)).toEqual(payloads)

      const wrong = yield* parley(["show", `${id}0`])
      expect(wrong).toMatchObject({ code: 2, stdout: "" })
      expect(wrong.stderr).toBe(
        `parley: there is no conversation \`${id}0\` in the mirror\n  Did you mean \`${id}\`?\n`
      )
      expect((yield* parley(["show", "leads:"])).code).toBe(2)
      expect((yield* parley(["show", id, "--last", "0"])).stderr).toContain("--last: less than one")
      expect((yield* parley(["show", id, "--json", "--format", "text"])).stderr).toContain("contradict")
    })
  )
})

describe("parley waiting and parley search", () => {
  it.scoped("lead to conversations by what was said, and by who waits", () =>
    Effect.gen(function* () {
      const { layer, parley } = yield* spoilt
      const [said] = yield* rowsOf<{ word: string; conversation_id: string; content: string }>(
        `SELECT substr(content, 1, instr(content, ' ') - 1) AS word, conversation_id, content FROM messages
         WHERE content GLOB '[A-Z][a-z][a-z]* *' AND content NOT GLOB '*[^ -~]*' ORDER BY sent_at DESC, id LIMIT 1`
      ).pipe(Effect.provide(layer))
      const word = said?.word.replace(/\W/g, "").toUpperCase() ?? ""
      const found = yield* parley(["search", word, "--limit", "900"])
      expect(found).toMatchObject({ code: 0, stderr: expect.stringContaining("`parley show ID`") })
      expect(found.stdout).toContain(`${said?.conversation_id}  `)
      const document = JSON.parse((yield* parley(["search", word, "--limit", "900", "--json"])).stdout)
      expect(document.hits.map(({ content }: { content: string }) => content)).toContain(said?.content)
      const none = yield* parley(["search", word, "--until", "2020-01-01"])
      expect(none).toMatchObject({ code: 0, stdout: "No message holds all of these words.\n" })
      const turned = yield* parley(["search", word, "--since", "2026-03-02", "--until", "2026-03-01"])
      expect(turned).toMatchObject({ code: 2, stdout: "" })
      expect(turned.stderr).toContain("--since is not before --until")
      expect((yield* parley(["search", "script", "--since", "soon"])).stderr).toContain(
        '--since: "soon" is not a time'
      )

      const waits = JSON.parse((yield* parley(["waiting", "--limit", "1", "--json"])).stdout)
      expect(waits.waiting.length).toBe(1)
      const { stdout } = yield* parley(["waiting", "--limit", "1"])
      expect(stdout).toContain(waits.waiting[0].conversation_id)
      if (waits.total > 1) expect(stdout).toContain(`of ${waits.total}; --limit ${waits.total}`)
      expect((yield* parley(["waiting", "--connection", "lead"])).stderr).toContain('did you mean "leads"')
    })
  )
})
