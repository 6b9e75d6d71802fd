import { execFileSync } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Session } from "../../src/store/Db.ts"
import { setBusinessTime } from "../../src/store/derived/clock.ts"
import { refreshDerived } from "../../src/store/derived/refresh.ts"
import { makeActivityRows } from "../../src/store/mirror/activity.ts"
import { at, mirrorFile, run, type Talk, talk, withMirror } from "./smallMirror.ts"

const rows = ({ prepare }: Session, sql: string, ...parameters: ReadonlyArray<unknown>) =>
  prepare(sql).all(...parameters)

const talks: ReadonlyArray<Talk> = [
  {
    id: "a",
    status: "completed",
    qualified: 1,
    campaign: "k",
    lines: [
      ["agent", 0],
      ["customer", 10],
      ["agent", 14],
      ["customer", 100]
    ]
  },
  {
    id: "b",
    status: "completed",
    qualified: 0,
    campaign: "k",
    lines: [
      ["customer", 0],
      ["agent", 60]
    ]
  },
  {
    id: "c",
    status: "handed_off",
    lines: [
      ["customer", 0],
      ["agent", 2],
      ["customer", 30],
      ["customer", 40]
    ]
  },
  {
    id: "d",
    status: "handed_off",
    lines: [
      ["customer", 0],
      ["agent", 1],
      ["customer", 2],
      ["human", 50]
    ]
  },
  { id: "e", status: "abandoned", channel: "whatsapp", startedAt: at(86_400), lines: [["customer", 86_400]] },
  {
    id: "f",
    status: "completed",
    channel: "whatsapp",
    lines: [
      ["customer", null],
      ["human", null]
    ]
  },
  {
    connection: "salon",
    id: "g",
    status: "active",
    startedAt: null,
    lines: [
      ["customer", 3_600],
      ["agent", 3_605]
    ]
  },
  { connection: "salon", id: "gone", status: "handed_off", deletedAt: at(9), lines: [["customer", 0]] },
  { connection: "salon", id: "empty", status: "handed_off", channel: null, startedAt: null }
]

const fill = (session: Session): void => {
  for (const each of talks) talk(session, each)
}

const withTalks = <A>(f: (session: Session, path: string) => A) =>
  withMirror((session, path) => {
    fill(session)
    return f(session, path)
  })

describe("the analysts' views", () => {
  it.scoped("count conversations on the day they started, or else on the day of their first message", () =>
    withTalks((session) => {
      expect(
        rows(
          session,
          "SELECT day, channel, status, conversations, messages FROM daily_volume WHERE connection = 'leads' ORDER BY 1, 2, 3"
        )
      ).toEqual([
        { day: "2026-03-07", channel: "web", status: "completed", conversations: 2, messages: 6 },
        { day: "2026-03-07", channel: "web", status: "handed_off", conversations: 2, messages: 8 },
        { day: "2026-03-07", channel: "whatsapp", status: "completed", conversations: 1, messages: 2 },
        { day: "2026-03-08", channel: "whatsapp", status: "abandoned", conversations: 1, messages: 1 }
      ])
      expect(
        rows(
          session,
          "SELECT day, channel, conversations FROM daily_volume WHERE connection = 'salon' ORDER BY 1"
        )
      ).toEqual([
        { day: null, channel: null, conversations: 1 },
        { day: "2026-03-07", channel: "web", conversations: 1 }
      ])
    })
  )

  it.scoped("tell how long customers waited, leaving out what has no time", () =>
    withTalks((session) => {
      const facts =
        "SELECT seconds_to_first_answer AS answer, seconds_to_person AS person, seconds_to_completion AS done FROM conversation_facts WHERE conversation_id = ?"
      expect(rows(session, facts, "leads:a")).toEqual([{ answer: 4, person: null, done: 90 }])
      expect(rows(session, facts, "leads:d")).toEqual([{ answer: 1, person: 50, done: null }])
      expect(rows(session, facts, "leads:f")).toEqual([{ answer: null, person: null, done: null }])
      expect(
        rows(
          session,
          "SELECT conversations, median_seconds, p90_seconds, mean_seconds, longest_seconds FROM response_times WHERE measure = 'first_answer' AND connection = 'leads' AND channel = 'web'"
        )
      ).toEqual([
        { conversations: 4, median_seconds: 2, p90_seconds: 60, mean_seconds: 16.75, longest_seconds: 60 }
      ])
      expect(rows(session, "SELECT measure FROM response_times WHERE channel = 'whatsapp'")).toEqual([])
    })
  )

  it.scoped(
    "give hand-off and abandonment as shares, a person's message being a hand-off whatever the status",
    () =>
      withTalks((session) => {
        expect(rows(session, "SELECT * FROM outcomes WHERE connection = 'leads' ORDER BY channel")).toEqual([
          {
            connection: "leads",
            provider: "naturalead",
            channel: "web",
            conversations: 4,
            active: 0,
            handed_off: 2,
            completed: 2,
            abandoned: 0,
            unknown: 0,
            ever_handed_off: 2,
            hand_off_rate: 0.5,
            completion_rate: 0.5,
            abandonment_rate: 0,
            changes_requested: 0
          },
          {
            connection: "leads",
            provider: "naturalead",
            channel: "whatsapp",
            conversations: 2,
            active: 0,
            handed_off: 0,
            completed: 1,
            abandoned: 1,
            unknown: 0,
            ever_handed_off: 1,
            hand_off_rate: 0.5,
            completion_rate: 0.5,
            abandonment_rate: 0.5,
            changes_requested: 0
          }
        ])
      })
  )

  it.scoped("remember a hand-off that was over before anybody wrote", () =>
    withTalks((session) => {
      session
        .prepare(
          "INSERT INTO status_history (conversation_id, from_status, to_status, origin, observed_at, run_id) VALUES ('leads:b', 'active', 'handed_off', 'provider', ?, 1)"
        )
        .run(at(0))
      expect(
        rows(session, "SELECT handed_off FROM conversation_facts WHERE conversation_id = 'leads:b'")
      ).toEqual([{ handed_off: 1 }])
    })
  )

  it.scoped("list who waits for a person, since when, and leave out whom a person answered", () =>
    withTalks((session) => {
      expect(
        rows(session, "SELECT conversation_id, waiting_since, last_role FROM waiting_for_person ORDER BY 1")
      ).toEqual([
        { conversation_id: "leads:c", waiting_since: at(30), last_role: "customer" },
        { conversation_id: "salon:empty", waiting_since: null, last_role: null }
      ])
    })
  )

  it.scoped("count what the provider holds, and beside it what is wanted here", () =>
    withTalks((session) => {
      const waiting =
        "SELECT conversation_id, requested_status FROM waiting_for_person WHERE connection = 'leads'"
      const count =
        "SELECT handed_off, completed, changes_requested FROM outcomes WHERE connection = 'leads' AND channel = 'web'"
      session.prepare("UPDATE conversations SET status = 'completed' WHERE id = 'leads:c'").run()
      expect(rows(session, waiting)).toEqual([{ conversation_id: "leads:c", requested_status: "completed" }])
      expect(rows(session, count)).toEqual([{ handed_off: 2, completed: 2, changes_requested: 1 }])
      expect(
        rows(
          session,
          "SELECT status, requested_status FROM conversation_facts WHERE conversation_id = 'leads:c'"
        )
      ).toEqual([{ status: "handed_off", requested_status: "completed" }])
      expect(
        rows(session, "SELECT sum(conversations) AS n FROM daily_volume WHERE status = 'completed'")
      ).toEqual([{ n: 3 }])
      expect(
        rows(session, "SELECT conversation_id, remote_status, to_status, state FROM open_changes")
      ).toEqual([
        { conversation_id: "leads:c", remote_status: "handed_off", to_status: "completed", state: "pending" }
      ])
    })
  )

  it.scoped("say nothing of a rate that the vendor has no word for", () =>
    withTalks((session) => {
      const rates =
        "SELECT channel, completion_rate AS done, abandonment_rate AS gone FROM outcomes WHERE connection = ?"
      const say = (connection: string, ...words: ReadonlyArray<string>) => {
        for (const word of words) {
          session.prepare("INSERT INTO readable_statuses VALUES (?, ?)").run(connection, word)
        }
      }
      say("salon", "active", "completed")
      expect(rows(session, rates, "salon")).toEqual([
        { channel: null, done: 0, gone: null },
        { channel: "web", done: 0, gone: null }
      ])
      const answered =
        "SELECT DISTINCT abandonment_rate AS gone FROM agent_against_person WHERE connection = 'salon'"
      expect(rows(session, answered)).toEqual([{ gone: null }])
      // Where it is seen, it can be said.
      say("leads", "completed")
      expect(rows(session, rates, "leads")).toContainEqual({ channel: "whatsapp", done: 0.5, gone: 0.5 })
    })
  )

  it.scoped("tell qualified leads from those that nobody decided about", () =>
    withTalks((session) => {
      expect(
        rows(
          session,
          "SELECT campaign_id, channel, decided, qualified, not_qualified, undecided, qualified_rate FROM qualification_outcomes WHERE connection = 'leads' ORDER BY 1, 2"
        )
      ).toEqual([
        {
          campaign_id: null,
          channel: "web",
          decided: 0,
          qualified: 0,
          not_qualified: 0,
          undecided: 2,
          qualified_rate: null
        },
        {
          campaign_id: null,
          channel: "whatsapp",
          decided: 0,
          qualified: 0,
          not_qualified: 0,
          undecided: 2,
          qualified_rate: null
        },
        {
          campaign_id: "k",
          channel: "web",
          decided: 2,
          qualified: 1,
          not_qualified: 1,
          undecided: 0,
          qualified_rate: 0.5
        }
      ])
    })
  )

  it.scoped("find the busiest hours of the week, Monday being the first day", () =>
    withTalks((session) => {
      expect(rows(session, "SELECT * FROM busiest_hours ORDER BY weekday, hour")).toEqual([
        { weekday: 6, hour: 10, customer_messages: 8, agent_messages: 5, human_messages: 1 },
        { weekday: 6, hour: 11, customer_messages: 1, agent_messages: 1, human_messages: 0 },
        { weekday: 7, hour: 10, customer_messages: 1, agent_messages: 0, human_messages: 0 }
      ])
      const direct = rows(
        session,
        "SELECT CAST(strftime('%H', m.sent_at) AS INTEGER) AS hour, sum(m.role = 'customer') AS n FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.deleted_at IS NULL AND m.sent_at IS NOT NULL GROUP BY 1"
      )
      expect(rows(session, "SELECT hour, sum(customer_messages) AS n FROM busiest_hours GROUP BY 1")).toEqual(
        direct
      )
    })
  )

  it.scoped("find no busiest hour in an empty mirror", () =>
    withMirror((session) => expect(rows(session, "SELECT * FROM busiest_hours")).toEqual([]))
  )

  it.scoped("set agents against people", () =>
    withTalks((session) => {
      expect(
        rows(
          session,
          "SELECT answered_by, sum(conversations) AS n, sum(human_messages) AS human FROM agent_against_person GROUP BY 1 ORDER BY 1"
        )
      ).toEqual([
        { answered_by: "agent", n: 4, human: 0 },
        { answered_by: "both", n: 1, human: 1 },
        { answered_by: "human", n: 1, human: 1 },
        { answered_by: "nobody", n: 2, human: 0 }
      ])
    })
  )
})

describe("what is counted with each commit", () => {
  it.scoped("has each time that a customer waited, and each stretch of a conversation", () =>
    withTalks((session) => {
      expect(rows(session, "SELECT * FROM turns WHERE conversation_id = 'leads:a' ORDER BY turn")).toEqual([
        {
          conversation_id: "leads:a",
          connection: "leads",
          channel: "web",
          turn: 1,
          asked_at: at(10),
          answered_at: at(14),
          answered_by: "agent",
          seconds: 4,
          business_seconds: null
        },
        {
          conversation_id: "leads:a",
          connection: "leads",
          channel: "web",
          turn: 2,
          asked_at: at(100),
          answered_at: null,
          answered_by: null,
          seconds: null,
          business_seconds: null
        }
      ])
      expect(
        rows(session, "SELECT DISTINCT conversation_id FROM turns WHERE conversation_id = 'salon:gone'")
      ).toEqual([])
      expect(
        rows(
          session,
          "SELECT session_id, number, started_at, ended_at, messages, first_answer_seconds FROM sessions WHERE conversation_id = 'leads:d'"
        )
      ).toEqual([
        {
          session_id: "leads:d#1",
          number: 1,
          started_at: at(0),
          ended_at: at(50),
          messages: 4,
          first_answer_seconds: 1
        }
      ])
    })
  )

  it.scoped("counts by the clock of the configured zone, and again where another one is set", () =>
    withTalks((session) => {
      const saturday =
        "SELECT local_date, local_hour, weekday, sum(messages) AS messages FROM messages_by_hour GROUP BY 1, 2, 3"
      const business = "SELECT seconds, business_seconds FROM turns WHERE conversation_id = 'leads:b'"
      const set = (timeZone: string, businessHours: string | null) => {
        expect(setBusinessTime(session, { timeZone, businessHours })).toBe(true)
        refreshDerived(session)
        expect(setBusinessTime(session, { timeZone, businessHours })).toBe(false)
      }
      expect(rows(session, saturday)).toEqual([
        { local_date: "2026-03-07", local_hour: 10, weekday: 6, messages: 14 },
        { local_date: "2026-03-07", local_hour: 11, weekday: 6, messages: 2 },
        { local_date: "2026-03-08", local_hour: 10, weekday: 7, messages: 1 }
      ])
      expect(rows(session, business)).toEqual([{ seconds: 60, business_seconds: null }])
      // 15:45 there.
      set("Asia/Kathmandu", "Sat 15:45-15:46")
      expect(rows(session, saturday)).toEqual([
        { local_date: "2026-03-07", local_hour: 15, weekday: 6, messages: 14 },
        { local_date: "2026-03-07", local_hour: 16, weekday: 6, messages: 2 },
        { local_date: "2026-03-08", local_hour: 15, weekday: 7, messages: 1 }
      ])
      expect(rows(session, business)).toEqual([{ seconds: 60, business_seconds: 60 }])
      expect(rows(session, "SELECT DISTINCT day FROM conversation_facts WHERE channel = 'web'")).toEqual([
        { day: "2026-03-07" }
      ])
      set("Pacific/Kiritimati", null)
      expect(rows(session, "SELECT DISTINCT day FROM conversation_facts WHERE channel = 'web'")).toEqual([
        { day: "2026-03-08" }
      ])
      set("Asia/Kathmandu", "Sat 15:45-16:00")
      expect(rows(session, business)).toEqual([{ seconds: 60, business_seconds: 60 }])
      set("Asia/Kathmandu", "Sun 15:00-16:00")
      expect(rows(session, business)).toEqual([{ seconds: 60, business_seconds: 0 }])
    })
  )

  it.scoped("knows hand-offs by the provider's record, by statuses, or because a person wrote", () =>
    withTalks((session) => {
      const recorded = JSON.stringify({
        $handoffs: [
          { requested_at: at(5), accepted_at: at(65), completed_at: null, accepted_by: "kate" },
          { requested_at: at(900), accepted_at: null, completed_at: null, accepted_by: null }
        ],
        $assignee: { id: "kate", name: "Kate Ong", email: null }
      })
      session.prepare("UPDATE remote_conversations SET attributes = ? WHERE id = 'leads:b'").run(recorded)
      const of =
        "SELECT requested_at, accepted_at, accepted_by, evidence, seconds_to_accept AS seconds FROM handoffs WHERE conversation_id = ?"
      expect(rows(session, of, "leads:b")).toEqual([
        { requested_at: at(5), accepted_at: at(65), accepted_by: "kate", evidence: "provider", seconds: 60 },
        { requested_at: at(900), accepted_at: null, accepted_by: null, evidence: "provider", seconds: null }
      ])
      // It was handed off before it was first seen.
      expect(rows(session, of, "leads:d")).toEqual([
        { requested_at: null, accepted_at: at(50), accepted_by: null, evidence: "status", seconds: null }
      ])
      expect(rows(session, of, "leads:f")).toEqual([
        { requested_at: null, accepted_at: null, accepted_by: null, evidence: "message", seconds: null }
      ])
      expect(rows(session, "SELECT conversation_id FROM handoffs WHERE connection = 'salon'")).toEqual([
        { conversation_id: "salon:empty" }
      ])
      expect(
        rows(session, "SELECT handed_off FROM conversation_facts WHERE conversation_id = 'leads:b'")
      ).toEqual([{ handed_off: 1 }])
    })
  )

  it.scoped(
    "names people on our side where the vendor does, with the nearest-rank median of their first answers",
    () =>
      withMirror((session) => {
        const wait = (id: string, seconds: number) => {
          const lines = [
            ["customer", 0],
            ["human", seconds]
          ] as const
          talk(session, { id, lines })
          session
            .prepare(
              `UPDATE messages SET attributes = '{"$author":"7"}' WHERE conversation_id = ? AND role = 'human'`
            )
            .run(`leads:${id}`)
          const { key } = session
            .prepare("SELECT key FROM remote_conversations WHERE id = ?")
            .get(`leads:${id}`) as { key: number }
          makeActivityRows(session).refresh(key, `leads:${id}`)
        }
        for (const [index, seconds] of [10, 20, 30, 400].entries()) wait(`t${index}`, seconds)
        session
          .prepare("UPDATE remote_conversations SET attributes = ? WHERE id = 'leads:t0'")
          .run('{"$assignee":{"id":"7","name":"Kate Ong","email":"kate@example.com"}}')
        expect(rows(session, "SELECT * FROM human_agents")).toEqual([
          {
            connection: "leads",
            provider_id: "7",
            name: "Kate Ong",
            email: "kate@example.com",
            conversations: 4,
            messages: 4,
            median_first_answer_seconds: 20
          }
        ])
      })
  )

  it.scoped("says what to distrust, with an example", () =>
    withMirror((session) => {
      talk(session, {
        id: "back",
        lines: [
          ["customer", 10],
          ["agent", 5]
        ]
      })
      talk(session, {
        id: "far",
        startedAt: "1970-01-01T00:00:00.000Z",
        lines: [
          ["customer", 0],
          ["agent", 200_000_000]
        ]
      })
      talk(session, { id: "word", status: "unknown", lines: [["unknown", null]] })
      const found = rows(session, `SELECT "check", conversations, example_id FROM data_quality ORDER BY 1`)
      expect(found).toEqual([
        { check: "future times", conversations: 1, example_id: "leads:far" },
        { check: "negative times", conversations: 1, example_id: "leads:back" },
        { check: "no times", conversations: 1, example_id: "leads:word" },
        { check: "start not plausible", conversations: 1, example_id: "leads:far" },
        { check: "unknown roles", conversations: 1, example_id: "leads:word" },
        { check: "unknown statuses", conversations: 1, example_id: "leads:word" }
      ])
      expect(rows(session, "SELECT newest_message_at FROM freshness WHERE connection = 'leads'")).toEqual([
        { newest_message_at: at(10) }
      ])
    })
  )
})

describe("lineage", () => {
  const addRaw = (
    { prepare }: Session,
    kind: string,
    id: string,
    conversation: string,
    connection = "leads"
  ) =>
    prepare(
      `INSERT INTO raw_records (connection, kind, provider_id, conversation_provider_id, hash, encoding, payload, observed_at, page_id)
       VALUES (?, ?, ?, ?, 'h', 'json', CAST('{}' AS BLOB), ?, 1)`
    ).run(connection, kind, id, conversation, at(0))

  const origin =
    "SELECT command, run_id, operation, method, path, http_status, raw_kind, raw_provider_id FROM lineage WHERE table_name = ? AND row_id = ? ORDER BY raw_key"

  it.scoped("leads from a message to its request, its run and the raw records that hold it", () =>
    withTalks((session) => {
      addRaw(session, "conversation", "a", "a")
      addRaw(session, "message", "m0", "a")
      addRaw(session, "message", "m1", "a")
      // Another account may use the same ids.
      addRaw(session, "conversation", "a", "a", "salon")
      const request = {
        command: "sync",
        run_id: 1,
        operation: "list",
        method: "GET",
        path: "/conversations",
        http_status: 200
      }
      expect(rows(session, origin, "messages", "leads:a:m1")).toEqual([
        { ...request, raw_kind: "conversation", raw_provider_id: "a" },
        { ...request, raw_kind: "message", raw_provider_id: "m1" }
      ])
      expect(rows(session, origin, "messages", "leads:b:m0")).toEqual([
        { ...request, raw_kind: null, raw_provider_id: null }
      ])
      expect(rows(session, origin, "conversations", "leads:a")).toHaveLength(3)
      expect(rows(session, origin, "contacts", "leads:p-a")).toHaveLength(3)
    })
  )

  it.scoped("leads from history, changes, quarantine and raw records to the run", () =>
    withTalks((session) => {
      run(session)
      addRaw(session, "conversation", "a", "a")
      session.database.exec(`
        UPDATE conversations SET status = 'completed' WHERE id = 'leads:c';
        INSERT INTO change_events (change_id, at, state, run_id) VALUES (1, '${at(1)}', 'sent', 2);
        INSERT INTO quarantine (connection, kind, provider_id, conversation_provider_id, reason, path, payload, payload_hash, first_seen_at, last_seen_at, page_id)
          VALUES ('leads', 'message', 'x', 'a', 'r', '$', '{}', 'h', '${at(0)}', '${at(0)}', 3)`)
      const find =
        "SELECT conversation_id, run_id, page_id, path FROM lineage WHERE table_name = ? AND row_id = ?"
      expect(rows(session, find, "status_history", "1")).toEqual([
        { conversation_id: "leads:a", run_id: 1, page_id: null, path: null }
      ])
      expect(rows(session, find, "status_changes", "1")).toEqual([
        { conversation_id: "leads:c", run_id: 2, page_id: null, path: null }
      ])
      expect(rows(session, find, "quarantine", "1")).toEqual([
        { conversation_id: "leads:a", run_id: 2, page_id: 3, path: "/conversations" }
      ])
      expect(rows(session, find, "raw_records", "1")).toEqual([
        { conversation_id: "leads:a", run_id: 1, page_id: 1, path: "/conversations" }
      ])
    })
  )

  it.scoped("looks only at the rows that are asked for, also from within a join", () =>
    withTalks((session) => {
      const plan = (sql: string) =>
        (rows(session, `EXPLAIN QUERY PLAN ${sql}`) as ReadonlyArray<{ detail: string }>).map(
          ({ detail }) => detail
        )
      const direct = plan(
        "SELECT * FROM lineage WHERE table_name = 'messages' AND conversation_id = 'leads:a' AND row_id = 'leads:a:m0'"
      )
      expect(direct).toContain("SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)")
      expect(direct.filter((step) => /^(SCAN (m|r)\b|MATERIALIZE)/.test(step))).toEqual([])
      const joined = plan(
        `SELECT * FROM messages x JOIN lineage l
           ON l.conversation_id = x.conversation_id AND l.row_id = x.id AND l.table_name = 'messages' WHERE x.key = 1`
      )
      expect(joined.filter((step) => /^(SCAN (m|r|x)\b|MATERIALIZE|CO-ROUTINE)/.test(step))).toEqual([])
    })
  )
})

describe("the system's sqlite3 and Python", () => {
  const views = [
    "conversation_facts",
    "daily_volume",
    "response_times",
    "outcomes",
    "waiting_for_person",
    "qualification_outcomes",
    "busiest_hours",
    "agent_against_person",
    "sessions",
    "turns",
    "handoffs",
    "messages_by_hour",
    "human_agents",
    "data_quality",
    "open_changes",
    "freshness",
    "lineage",
    "contacts"
  ]

  it.scoped("read every view, with the same answers", () =>
    Effect.gen(function* () {
      const path = yield* mirrorFile(fill)
      const counts = views.map((view) => `SELECT '${view}', count(*) FROM ${view};`).join("\n")
      const shell = String(execFileSync("sqlite3", ["-readonly", path, counts]))
      const python = String(
        execFileSync("python3", [
          "-c",
          `import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for view in sys.argv[2:]:
    print(view, len(db.execute(f"SELECT * FROM {view}").fetchall()), sep="|")`,
          path,
          ...views
        ])
      )
      expect(shell).toBe(python)
      expect(shell).toContain("conversation_facts|8\n")
      expect(shell).toContain("outcomes|4\n")
    })
  )
})
