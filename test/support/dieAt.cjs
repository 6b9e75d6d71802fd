/*
 * Loaded into the program before it starts (`node --require`), and into each of its threads: kills it, as `kill -9`
 * does, at a moment of its work. PARLEY_DIE_AT holds the event and which one of its kind, from 1, in whatever thread:
 *   `before-commit 7`  with everything of the seventh transaction done, and its COMMIT not yet
 *   `after-commit 7`   with the COMMIT done, and nothing after it
 *   `statement 70`     in front of the seventieth statement that writes
 *   `request 70`       when the seventieth request is about to leave
 *   `answer 70`        when the seventieth answer has come whole, and nothing was done with it
 * PARLEY_EVENTS names a file into which the program writes at its end how many of each there were.
 */
const { subscribe } = require("node:diagnostics_channel")
const { writeFileSync } = require("node:fs")
const { getEnvironmentData, isMainThread, setEnvironmentData } = require("node:worker_threads")
const Sqlite = require("./sqlite.cjs")

const kinds = ["before-commit", "after-commit", "statement", "request", "answer"]
const [event = "", number = "0"] = (process.env.PARLEY_DIE_AT ?? "").split(" ")

/** Pages are committed by another thread than the one that sends requests: they count together. */
const shared = "counts of events"
if (isMainThread) setEnvironmentData(shared, new SharedArrayBuffer(4 * kinds.length))
const counts = new Int32Array(getEnvironmentData(shared))

const happens = (kind) => {
  const before = Atomics.add(counts, kinds.indexOf(kind), 1)
  if (kind === event && before + 1 === Number(number)) process.kill(process.pid, "SIGKILL")
}

const { transaction } = Sqlite.prototype
Sqlite.prototype.transaction = function (work) {
  const made = transaction.call(this, function (...args) {
    const result = work.apply(this, args)
    happens("before-commit")
    return result
  })
  const committing =
    (run) =>
    (...args) => {
      const result = run(...args)
      happens("after-commit")
      return result
    }
  const modes = ["default", "deferred", "immediate", "exclusive"]
  return Object.assign(
    committing(made),
    Object.fromEntries(modes.map((mode) => [mode, committing(made[mode])]))
  )
}

const memory = new Sqlite(":memory:")
const statements = Object.getPrototypeOf(memory.prepare("SELECT 1"))
memory.close()
const { run } = statements
statements.run = function (...args) {
  happens("statement")
  return run.apply(this, args)
}

subscribe("undici:request:create", () => happens("request"))
subscribe("undici:request:trailers", () => happens("answer"))

process.on("exit", () => {
  const path = process.env.PARLEY_EVENTS
  if (path === undefined || !isMainThread) return
  writeFileSync(path, JSON.stringify(Object.fromEntries(kinds.map((kind, index) => [kind, counts[index]]))))
})
