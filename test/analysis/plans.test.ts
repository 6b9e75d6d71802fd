import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { golden, lookup, parametersOf, withValues } from "../../bench/support/golden.ts"
import { fillMirror, madeUpDialogues } from "../../bench/support/largeMirror.ts"
import { now } from "../../src/domain/Timestamp.ts"
import { nextSeq } from "../../src/store/commits.ts"
import { Db, type Session } from "../../src/store/Db.ts"
import { makePeopleRows } from "../../src/store/derived/people.ts"
import { mergeCandidates } from "../../src/store/mirror/merges.ts"
import { changedBy, lastSender } from "../../src/store/outbox/changedBy.ts"
import { hasAcceptedSince } from "../../src/store/outbox/transitions.ts"
import { findConversation } from "../../src/store/read/findConversation.ts"
import { statusFacts } from "../../src/store/read/statusFacts.ts"
import { temporaryFile } from "../store/fixtures.ts"

const withLargerMirror = <A>(f: (session: Session) => A) =>
  Effect.flatMap(temporaryFile, (path) =>
    Effect.provide(
      Effect.flatMap(Db, (db) =>
        db.transaction("test", (session) => {
          fillMirror(session, {
            messages: 3_000,
            dialogues: madeUpDialogues,
            now: Date.UTC(2026, 2, 7, 8),
            days: 60
          })
          return f(session)
        })
      ),
      Db.layer(path)
    )
  )

const planOf = ({ prepare }: Session, sql: string): ReadonlyArray<string> =>
  (prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as ReadonlyArray<{ detail: string }>).map(
    ({ detail }) => detail
  )

it.scoped("golden lookups read no large table from end to end", () =>
  withLargerMirror((session) => {
    const parameters = parametersOf(session)
    const lookups = golden.filter(({ within }) => within === lookup)
    expect(lookups.length).toBeGreaterThan(6)
    for (const { name, sql } of lookups) {
      // m: messages, r: conversations, k: contacts, w: raw records, by the names that the views give them.
      const scans = planOf(session, withValues(sql, parameters)).filter((step) =>
        /^SCAN (messages|m|r|k|w|remote_\w+)\b/.test(step)
      )
      expect(scans, name).toEqual([])
      expect(session.prepare(withValues(sql, parameters)).all(), name).toBeInstanceOf(Array)
    }
  })
)

it.scoped("the indices for analysts are the ones that are used", () =>
  withLargerMirror((session) => {
    const plan = (sql: string) => planOf(session, sql).join("\n")
    expect(plan("SELECT sum(handed_off) FROM conversation_facts")).toContain("status_history_handed_off")
  })
)

/** Every text that `f` prepares. */
const preparedBy = (session: Session, f: (session: Session) => void): ReadonlyArray<string> => {
  const texts: Array<string> = []
  const prepare: Session["prepare"] = (sql) => {
    texts.push(sql)
    return session.prepare(sql)
  }
  f({ ...session, prepare })
  return texts
}

it.scoped("what each connection holds is counted from indices alone", () =>
  withLargerMirror((session) => {
    const status = preparedBy(session, (asked) => statusFacts(asked, now(0)))
    expect(status.length).toBeGreaterThan(4)
    for (const sql of ["SELECT * FROM freshness", ...status]) {
      const plan = planOf(session, sql.replaceAll(/\?|\$\w+/g, "''"))
      const ofConversations = plan.filter((step) => / [rk] USING/.test(step))
      expect(
        ofConversations.filter((step) => !/COVERING|autoindex/.test(step)),
        sql
      ).toEqual([])
    }
    expect(planOf(session, "SELECT * FROM freshness").filter((step) => / r USING/.test(step))).toHaveLength(4)
  })
)

it.scoped("what a push or an undo asks about changes never goes through every conversation", () =>
  withLargerMirror((session) => {
    const asked = preparedBy(session, (one) => {
      hasAcceptedSince(one, "leads", now(0))
      lastSender(one, ["leads"])
      changedBy(one, 1, ["leads"])
    })
    expect(asked.length).toBeGreaterThan(4)
    for (const sql of asked) {
      const plan = planOf(session, sql.replaceAll("?", "''"))
      expect(
        plan.filter((step) => /^(SCAN|SEARCH) r\b/.test(step) && !/\(id=\?\)/.test(step)),
        sql
      ).toEqual([])
    }
  })
)

it.scoped("a person is found by address or number without a look at every contact", () =>
  withLargerMirror((session) => {
    const asked = preparedBy(session, (one) => {
      mergeCandidates(one, "inbox", "1")
      findConversation(one, "inbox:email:eva@example.com")
      findConversation(one, "phone:+49 30 1234567")
    })
    const plans = asked.map((sql) => planOf(session, sql.replaceAll("?", "''")).join("\n"))
    expect(plans.filter((plan) => /SCAN (k|remote_contacts)\b/.test(plan))).toEqual([])
    // Most have it in plain writing, which the column's own index finds; the others have another.
    for (const index of ["by_email", "by_address", "by_phone", "by_number"]) {
      expect(plans.filter((plan) => plan.includes(`remote_contacts_${index}`))).toHaveLength(2)
    }
  })
)

it.scoped("a commit looks at the contacts that it wrote, and at no others", () =>
  withLargerMirror((session) => {
    const asked = preparedBy(session, (one) => makePeopleRows(one).since(nextSeq(one, now(0), null)))
    const plans = asked
      .filter((sql) => sql.includes("seq >="))
      .map((sql) => planOf(session, sql.replaceAll("?", "1")).join("\n"))
    expect(plans).toEqual([
      expect.stringContaining("SEARCH remote_contacts USING INDEX remote_contacts_by_seq")
    ])
  })
)
