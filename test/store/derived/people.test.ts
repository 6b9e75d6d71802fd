import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { normalizeEmail, normalizePhone } from "../../../src/domain/phone.ts"
import type { Session } from "../../../src/store/Db.ts"
import { makePeopleRows } from "../../../src/store/derived/people.ts"
import { withMirror } from "../../analysis/smallMirror.ts"

it("takes two ways of writing a number or an address for the same, and others not", () => {
  const numbers: ReadonlyArray<readonly [string, string | null, string | null]> = [
    ["+49 (0)170 123-45-67", null, "+491701234567"],
    ["0049 170 1234567", null, "+491701234567"],
    ["0170/1234567", "DE", "+491701234567"],
    ["491701234567", "de", "+491701234567"],
    ["(415) 555-0100", "US", "+14155550100"],
    ["1-415-555-0100", "US", "+14155550100"],
    ["8 (912) 345-67-89", "RU", "+79123456789"],
    ["06 1234 5678", "IT", "+390612345678"],
    ["012-345 6789", "MY", "+60123456789"],
    ["0170 1234567", null, "01701234567"],
    ["whatsapp:+14155550100", null, "+14155550100"],
    ["+1", null, null],
    ["0000000000", null, null],
    ["call me", null, null],
    ["", null, null]
  ]
  for (const [written, country, expected] of numbers) {
    expect([written, normalizePhone(written, country)]).toEqual([written, expected])
  }
  expect(normalizeEmail(" Kim@Example.COM ")).toBe("kim@example.com")
  expect(normalizeEmail("none")).toBeNull()
})

const put = (
  { prepare }: Session,
  id: string,
  phone: string | null,
  email: string | null,
  connection = "leads"
) =>
  prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, phone, email, observed_at, first_seen_at)
     VALUES (?, ?, ?, ?, ?, '2026-03-07T10:00:00.000Z', '2026-03-07T10:00:00.000Z')
     ON CONFLICT (id) DO UPDATE SET phone = excluded.phone, email = excluded.email`
  ).run(`${connection}:${id}`, connection, id, phone, email)

const groups = ({ prepare }: Session) =>
  (
    prepare(
      "SELECT group_concat(contact_id, ' ') FROM (SELECT * FROM person_contacts ORDER BY contact_id) GROUP BY person_id ORDER BY 1"
    )
      .pluck()
      .all() as ReadonlyArray<string>
  ).map((ids) => ids)

it.scoped("joins contacts through others, across connections, and parts them where an address goes", () =>
  withMirror((session) => {
    const people = makePeopleRows(session)
    const write = (
      ...rows: ReadonlyArray<Parameters<typeof put> extends [Session, ...infer Rest] ? Rest : never>
    ) => {
      for (const row of rows) put(session, ...row)
      people.since(0)
    }
    write(["a", "+1 415 555 0100", null], ["b", null, "Kim@example.com"], ["c", null, null])
    expect(groups(session)).toEqual(["leads:a", "leads:b", "leads:c"])
    write(["d", "001 415 555 0100", "kim@EXAMPLE.com", "salon"])
    expect(groups(session)).toEqual(["leads:a leads:b salon:d", "leads:c"])
    expect(
      session
        .prepare("SELECT person_id, phone, email, contacts, connections FROM people WHERE contacts > 1")
        .all()
    ).toEqual([
      { person_id: "leads:a", phone: "+14155550100", email: "kim@example.com", contacts: 3, connections: 2 }
    ])
    write(["d", "001 415 555 0100", "other@example.com", "salon"])
    expect(groups(session)).toEqual(["leads:a salon:d", "leads:b", "leads:c"])
    session.prepare("DELETE FROM remote_contacts WHERE id = 'leads:a'").run()
    expect(groups(session)).toEqual(["leads:b", "leads:c", "salon:d"])
  })
)

it.scoped(
  "gives a placeholder that many share no weight, and is the same in whatever order contacts come",
  () =>
    Effect.gen(function* () {
      const rows = Array.from(
        { length: 120 },
        (_, index) =>
          [
            `k${index}`,
            index % 7 === 0 ? null : `+4917012345${String(index % 40).padStart(2, "0")}`,
            index % 2 === 0 ? "none@example.com" : `p${index % 30}@example.com`
          ] as const
      )
      const read = (order: ReadonlyArray<(typeof rows)[number]>, batch: number) =>
        withMirror((session) => {
          const people = makePeopleRows(session)
          order.forEach((row, index) => {
            put(session, ...row)
            if (index % batch === 0) people.since(0)
          })
          people.since(0)
          expect(session.prepare("SELECT count(*) FROM contact_people").pluck().get()).toBe(120)
          return groups(session)
            .join("\n")
            .split("\n")
            .map((ids) => ids.split(" ").sort().join(" "))
            .sort()
        })
      const one = yield* read(rows, 1)
      const other = yield* read([...rows].reverse(), 50)
      expect(other).toEqual(one)
      expect(one.length).toBeGreaterThan(10)
    })
)
