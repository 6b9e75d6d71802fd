import { spawn } from "node:child_process"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { message, page, sighting, started, storeLayer, temporaryFile } from "../store/fixtures.ts"

/** Reads in a loop, as an analyst's program would, and tells what it saw that cannot be: parts of two versions. */
const reader = `
import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
torn = """
  SELECT c.id, c.title, c.stored_messages, count(m.id), group_concat(DISTINCT m.content), group_concat(DISTINCT f.customer_messages)
  FROM conversations c
  LEFT JOIN messages m ON m.conversation_id = c.id
  LEFT JOIN conversation_facts f ON f.conversation_id = c.id
  GROUP BY c.id
  HAVING count(m.id) <> c.stored_messages OR min(m.content) <> c.title OR max(m.content) <> c.title
    OR f.customer_messages <> c.stored_messages"""
faults, versions = [], set()
for _ in range(int(sys.argv[2])):
    faults += db.execute(torn).fetchall()
    versions |= {row[0] for row in db.execute("SELECT DISTINCT title FROM conversations")}
print(json.dumps({"faults": faults, "versions": len(versions)}))
`

/** What the reader printed, once it is done. */
const read = (path: string, times: number): Promise<{ faults: ReadonlyArray<unknown>; versions: number }> =>
  new Promise((resolve, reject) => {
    const child = spawn("python3", ["-c", reader, path, String(times)], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let text = ""
    child.stdout.on("data", (piece) => {
      text += piece
    })
    child.on("error", reject)
    child.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`exit code ${code}`))
    )
  })

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

it.scopedLive("readers see each conversation whole, in one version or the next, while a sync commits", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    yield* Effect.gen(function* () {
      const { commit } = yield* started
      /** Ten conversations, whose every message says which version it belongs to. */
      const version = (number: number) =>
        commit([
          page(
            number,
            Array.from({ length: 10 }, (_, index) =>
              sighting(
                { providerId: `c${index}`, title: `version ${number}`, declaredMessages: 3 + (number % 5) },
                {
                  messages: {
                    extent: "whole",
                    items: Array.from({ length: 3 + (number % 5) }, (_, position) =>
                      message({ messageId: `m${position}`, content: `version ${number}` })
                    )
                  }
                }
              )
            )
          )
        ])
      yield* version(0)
      const state = { reading: 2 }
      const readers = [1, 2].map(() =>
        read(path, 300).finally(() => {
          state.reading -= 1
        })
      )
      for (let number = 1; state.reading > 0; number += 1) {
        yield* version(number)
        yield* turn
      }
      for (const { faults, versions } of yield* Effect.promise(() => Promise.all(readers))) {
        expect(faults).toEqual([])
        expect(versions).toBeGreaterThan(2)
      }
    }).pipe(Effect.provide(storeLayer(path)))
  })
)
