import { describe, expect, it } from "vitest"
import { runReportText } from "../../../src/cli/terminal/runReport.ts"
import type { Timestamp } from "../../../src/domain/Timestamp.ts"
import type { ConnectionReport } from "../../../src/sync/run.ts"

const none = { confirmed: 0, queued: 0, rejected: 0, conflict: 0, pending: 0 }

const connection = (
  changes: Partial<ConnectionReport["changes"]>,
  error: ConnectionReport["error"] = null
): ConnectionReport => ({
  ...{ name: "leads", provider: "naturalead", outcome: "complete", error },
  ...{ requests: 0, rate_limited: 0, queued: 0, waited_ms: 0, pages: 0 },
  ...{ received: 0, inserted: 0, updated: 0, unchanged: 0, filtered: 0, quarantined: 0 },
  ...{ conversations: 0, messages: 0, changes: { ...none, ...changes } }
})

const at = "2026-03-07T10:00:00.000Z" as Timestamp

const textOf = (command: string, ...connections: ReadonlyArray<ConnectionReport>) =>
  runReportText(
    { run_id: 1, command, outcome: "complete", started_at: at, finished_at: at, connections },
    null
  )

describe("a run's report", () => {
  it("says how to learn why changes are still open, unless a fault says it", () => {
    const how = "`parley changes` shows what they wait for"
    const fault = { kind: "rate_limited", message: "come back later", hint: "" }
    for (const command of ["push", "sync"]) {
      expect(textOf(command, connection({ confirmed: 2 }))).not.toContain("parley changes")
      expect(textOf(command, connection({ pending: 1 }))).toContain(how)
      expect(textOf(command, connection({ queued: 1 }))).toContain(how)
      expect(textOf(command, connection({ pending: 1 }, fault))).not.toContain(how)
      expect(textOf(command, connection({ pending: 1 }, fault), connection({ pending: 2 }))).toContain(how)
    }
    expect(textOf("push", connection({ rejected: 1 }))).toContain("shows why, and what can be done")
  })
})
