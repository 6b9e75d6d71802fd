import { describe, expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { readReport } from "../../src/analysis/report/data.ts"
import type { Message, Role } from "../../src/domain/Conversation.ts"
import type { Status } from "../../src/domain/Status.ts"
import { makeRandom, mix, type Random } from "../../src/simulator/random.ts"
import { Db } from "../../src/store/Db.ts"
import {
  at,
  atMillis,
  contact,
  message,
  page,
  sighting,
  started,
  storeLayer,
  temporaryFile
} from "../store/fixtures.ts"

/*
 * Every number of the views and of the report, worked out here from the account itself, by plain loops that know nothing of
 * how the mirror counts. The account is a messy one.
 */

/** `npm run soak:numbers` tries more. */
const accounts = Number(process.env.PARLEY_ACCOUNTS ?? 2)

const zone = "Europe/Berlin"
const hours = "Mon-Fri 09:00-17:00"

interface Said {
  readonly role: Role
  readonly word: string
  readonly at: string | null
  readonly author: string | null
}

interface Talk {
  readonly id: string
  readonly channel: string | null
  status: Status
  /** When it was seen to stand how. */
  readonly seen: Array<readonly [at: string, status: Status]>
  readonly startedAt: string | null
  readonly campaign: string | null
  readonly qualified: boolean | null
  readonly contact: {
    readonly id: string
    readonly email: string | null
    readonly phone: string | null
  } | null
  readonly said: Array<Said>
  readonly handoffs: ReadonlyArray<{ readonly requested_at: string; readonly accepted_at: string | null }>
  deleted: boolean
  requested: Status | null
}

const pick = <A>(random: Random, list: ReadonlyArray<A>): A => list[random.below(list.length)] as A

const statuses = ["active", "handed_off", "completed", "abandoned", "unknown"] as const

const speak = (random: Random, last: number): { readonly said: Said; readonly second: number } => {
  const chance = random.unit()
  const step =
    chance < 0.1 ? -random.below(40) : chance < 0.2 ? 86_400 + random.below(9_000) : random.below(4_000)
  const second = Math.max(last + step, 0)
  const odd = random.unit()
  const time =
    odd < 0.04
      ? null
      : odd < 0.06
        ? "1970-01-01T00:00:00.000Z"
        : odd < 0.08
          ? "2031-05-01T08:00:00.000Z"
          : at(second)
  const [role, word] = pick(random, [
    ["customer", "incoming"],
    ["customer", "incoming"],
    ["customer", "incoming"],
    ["agent", "ai_agent"],
    ["agent", "ai_agent"],
    ["agent", "broadcast"],
    ["agent", "workflow"],
    ["human", "user"],
    ["system", "system"],
    ["unknown", "carrier_pigeon"]
  ] as const)
  const author = role === "human" ? pick(random, ["7", "8", null]) : null
  return { said: { role, word, at: time, author }, second }
}

const begin = (random: Random, index: number): Talk => {
  const said: Array<Said> = []
  const count = index === 3 ? 3_000 : random.below(14)
  let second = random.below(20 * 86_400)
  const startedAt = random.unit() < 0.1 ? null : at(second)
  for (let number = 0; number < count; number += 1) {
    const next = speak(random, second)
    said.push(next.said)
    second = next.second
  }
  const status = pick(random, statuses)
  const person = random.below(25)
  return {
    id: `c${index}`,
    channel: pick(random, ["web", "whatsapp", null]),
    status,
    seen: [],
    startedAt,
    campaign: pick(random, ["k1", "k2", null]),
    qualified: pick(random, [true, false, null]),
    contact:
      person === 0
        ? null
        : {
            id: `p${index}`,
            email: person < 8 ? `${person % 2 === 0 ? "Kim" : "kim"}.${person % 3}@Example.com` : null,
            phone:
              person > 5 && person < 14 ? `${person % 2 === 0 ? "+" : "00"}4917012345${person % 4}0` : null
          },
    said,
    handoffs:
      random.unit() < 0.2
        ? [
            { requested_at: at(100), accepted_at: pick(random, [null, at(160), at(40)]) },
            { requested_at: at(9_000), accepted_at: null }
          ]
        : [],
    deleted: false,
    requested: null
  }
}

const toMessages = ({ said }: Talk): ReadonlyArray<Message> =>
  said.map(({ at: sentAt, author, role, word }, index) =>
    message({
      messageId: `m${index}`,
      role,
      providerRole: word,
      sentAt: sentAt as Message["sentAt"],
      attributes: author === null ? {} : { $author: author }
    })
  )

const toSighting = (talk: Talk) =>
  sighting(
    {
      providerId: talk.id,
      contactId: talk.contact?.id ?? null,
      channel: talk.channel,
      status: talk.status,
      providerStatus: talk.status,
      campaignId: talk.campaign,
      qualified: talk.qualified,
      startedAt: talk.startedAt as Message["sentAt"],
      attributes:
        talk.handoffs.length === 0
          ? {}
          : { $handoffs: talk.handoffs.map((each) => ({ ...each, completed_at: null, accepted_by: null })) }
    },
    {
      contact:
        talk.contact === null
          ? null
          : contact({ providerId: talk.contact.id, email: talk.contact.email, phone: talk.contact.phone }),
      messages: { extent: "whole", items: toMessages(talk) }
    }
  )

/** When the mirror was last written, a second later; a message is a day later than that at most. */
const committed = 30 * 86_400

const believable = (time: string | null): time is string =>
  time !== null && time >= "2000" && time <= at(committed + 86_401)

const gap = (from: string | null | undefined, to: string | null | undefined): number | null => {
  if (from == null || to == null) return null
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000
  return seconds < 0 ? null : seconds
}

const known = (time: string | null | undefined): string | null =>
  time != null && believable(time) ? time : null

const isAnswer = ({ role, word }: Said): boolean =>
  role === "human" || (role === "agent" && word !== "broadcast" && word !== "workflow")

/** Each question with the answer after it. */
const turnsOf = ({ said }: Talk) => {
  const found: Array<{
    asked: string | null
    by: string | null
    answered: string | null
    seconds: number | null
  }> = []
  let from = 0
  for (;;) {
    const question = said.findIndex((each, index) => index >= from && each.role === "customer")
    if (question < 0) return found
    const answer = said.findIndex((each, index) => index > question && isAnswer(each))
    const asked = known(said[question]?.at)
    const answered = answer < 0 ? null : known(said[answer]?.at)
    found.push({
      asked,
      answered,
      by: answer < 0 ? null : (said[answer]?.role ?? null),
      seconds: gap(asked, answered)
    })
    if (answer < 0) return found
    from = answer + 1
  }
}

/** Minute by minute would be slow; quarter by quarter is exact where questions and hours begin with one. */
const openSeconds = (from: string, to: string): number => {
  const show = new Intl.DateTimeFormat("en", {
    timeZone: zone,
    weekday: "short",
    hour: "numeric",
    hourCycle: "h23"
  })
  let sum = 0
  for (let second = Date.parse(from); second < Date.parse(to); ) {
    const end = Math.min(Date.parse(to), (Math.floor(second / 900_000) + 1) * 900_000)
    const parts = Object.fromEntries(show.formatToParts(second).map(({ type, value }) => [type, value]))
    const hour = Number(parts.hour)
    if (parts.weekday !== "Sat" && parts.weekday !== "Sun" && hour >= 9 && hour < 17)
      sum += (end - second) / 1000
    second = end
  }
  return sum
}

const sessionsOf = ({ said, seen }: Talk) => {
  const closings = seen.flatMap(([time, status], index) =>
    (status === "completed" || status === "abandoned") &&
    seen[index + 1] !== undefined &&
    !["completed", "abandoned"].includes(seen[index + 1]?.[1] ?? "")
      ? [time]
      : []
  )
  const parts: Array<Array<Said>> = []
  let latest: string | null = null
  for (const each of said) {
    const time = known(each.at)
    const isNew =
      parts.length === 0 ||
      (time !== null &&
        latest !== null &&
        time > latest &&
        (Date.parse(time) - Date.parse(latest) >= 86_400_000 ||
          closings.some((closed) => (latest ?? "") < closed && closed <= time)))
    if (isNew) {
      parts.push([])
      latest = null
    }
    parts.at(-1)?.push(each)
    if (time !== null && (latest === null || time > latest)) latest = time
  }
  return parts
}

/** Nearest rank. */
const rank = (values: ReadonlyArray<number>, share: number): number | null => {
  const sorted = values.toSorted((a, b) => a - b)
  return (
    sorted.find((value) => sorted.filter((each) => each <= value).length >= share * sorted.length - 1e-9) ??
    null
  )
}

const local = (time: string) => {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
    hourCycle: "h23"
  }).format(new Date(time))
  const [date = "", clock = ""] = parts.split(", ")
  return {
    date,
    hour: Number(clock.slice(0, 2)),
    weekday: ((new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7) + 1
  }
}

const tally = (keys: ReadonlyArray<string>): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

const isHandedOff = (talk: Talk): boolean =>
  talk.seen.some(([, status]) => status === "handed_off") ||
  talk.said.some(({ role }) => role === "human") ||
  talk.handoffs.length > 0

const first = (talk: Talk) => turnsOf(talk)[0]

describe("every number, worked out again from the account", () => {
  for (let seed = 0; seed < accounts; seed += 1) {
    it.scoped(`is the one that the mirror has: account ${seed}`, () =>
      Effect.gen(function* () {
        const path = yield* temporaryFile
        const random = makeRandom(mix(77, seed))
        const all = Array.from({ length: 60 }, (_, index) => begin(random, index))
        yield* Effect.gen(function* () {
          const { commit, mirror, runId } = yield* started
          yield* mirror.setBusinessTime({ timeZone: zone, businessHours: hours })
          const put = (second: number, talks: ReadonlyArray<Talk>) => {
            for (const talk of talks) {
              if (talk.seen.at(-1)?.[1] !== talk.status) talk.seen.push([at(second), talk.status])
            }
            return Effect.zipRight(
              TestClock.setTime(atMillis(second)),
              commit([page(second, talks.map(toSighting))])
            )
          }
          // At first there are less of them, and some stand otherwise.
          const younger = all
            .slice(0, 40)
            .map((talk) => ({ ...talk, said: talk.said.slice(0, 5), seen: talk.seen }))
          for (const talk of younger) talk.status = pick(random, statuses)
          yield* put(committed, younger)
          yield* put(committed + 1, all)
          const gone = all.slice(5, 9)
          for (const talk of gone) talk.deleted = true
          yield* mirror.tombstone({
            connection: "leads",
            providerIds: gone.map(({ id }) => id),
            askedAt: at(committed + 60),
            runId
          })
          const db = yield* Db
          yield* db.use("test", ({ prepare }) => {
            for (const talk of all.slice(12, 20)) {
              if (talk.status === "completed") continue
              prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(`leads:${talk.id}`)
              talk.requested = "completed"
            }
          })
          const there = all.filter(({ deleted }) => !deleted)
          yield* db.use("test", (session) => {
            const raw = (sql: string) => session.prepare(sql).raw().all()
            const rows = (sql: string) =>
              (raw(sql) as ReadonlyArray<ReadonlyArray<unknown>>).map((row) => row.join("|")).toSorted()
            const list = (values: ReadonlyArray<ReadonlyArray<unknown>>) =>
              values.map((row) => row.join("|")).toSorted()

            expect(
              rows(
                "SELECT conversation_id, turn, asked_at, answered_at, answered_by, seconds, business_seconds FROM turns"
              )
            ).toEqual(
              list(
                there.flatMap((talk) =>
                  turnsOf(talk).map(({ answered, asked, by, seconds }, index) => [
                    `leads:${talk.id}`,
                    index + 1,
                    asked,
                    answered,
                    by,
                    seconds,
                    seconds === null ? null : openSeconds(asked ?? "", answered ?? "")
                  ])
                )
              )
            )

            expect(
              rows(
                "SELECT session_id, started_at, ended_at, messages, customer_messages, human_messages, first_answer_seconds FROM sessions"
              )
            ).toEqual(
              list(
                there.flatMap((talk) =>
                  sessionsOf(talk).map((said, index) => {
                    const times = said.map((each) => known(each.at)).filter((time) => time !== null)
                    const asked = said.findIndex(({ role }) => role === "customer")
                    const answer = said.find((each, place) => asked >= 0 && place > asked && isAnswer(each))
                    return [
                      `leads:${talk.id}#${index + 1}`,
                      times[0] ?? null,
                      times.toSorted().at(-1) ?? null,
                      said.length,
                      said.filter(({ role }) => role === "customer").length,
                      said.filter(({ role }) => role === "human").length,
                      gap(known(said[asked]?.at), known(answer?.at))
                    ]
                  })
                )
              )
            )

            expect(
              rows(
                "SELECT coalesce(channel, '-') || ' ' || role || ' ' || local_date || ' ' || local_hour || ' ' || weekday, messages FROM messages_by_hour"
              )
            ).toEqual(
              list(
                tally(
                  there.flatMap((talk) =>
                    talk.said.flatMap(({ at: time, role }) => {
                      if (time === null) return []
                      const { date, hour, weekday } = local(time)
                      return [`${talk.channel ?? "-"} ${role} ${date} ${hour} ${weekday}`]
                    })
                  )
                )
              )
            )

            expect(
              rows(
                "SELECT coalesce(channel, '-'), conversations, active, handed_off, completed, abandoned, unknown, ever_handed_off, changes_requested FROM outcomes"
              )
            ).toEqual(
              list(
                ["web", "whatsapp", null].map((channel) => {
                  const own = there.filter((talk) => talk.channel === channel)
                  const standing = (status: Status) => own.filter((talk) => talk.status === status).length
                  return [
                    channel ?? "-",
                    own.length,
                    ...statuses.map(standing),
                    own.filter(isHandedOff).length,
                    own.filter(({ requested }) => requested !== null).length
                  ]
                })
              )
            )

            const durations = {
              first_answer: (talk: Talk) => first(talk)?.seconds ?? null,
              first_person: (talk: Talk) => {
                const asked = talk.said.findIndex(({ role }) => role === "customer")
                const person = talk.said.find(
                  ({ role }, index) => asked >= 0 && index > asked && role === "human"
                )
                return gap(known(talk.said[asked]?.at), known(person?.at))
              }
            }
            for (const [measure, of] of Object.entries(durations)) {
              expect(
                rows(
                  `SELECT coalesce(channel, '-'), conversations, median_seconds, p90_seconds, longest_seconds FROM response_times WHERE measure = '${measure}'`
                )
              ).toEqual(
                list(
                  ["web", "whatsapp", null].flatMap((channel) => {
                    const values = there
                      .filter((talk) => talk.channel === channel)
                      .flatMap((talk) => of(talk) ?? [])
                    return values.length === 0
                      ? []
                      : [
                          [
                            channel ?? "-",
                            values.length,
                            rank(values, 0.5),
                            rank(values, 0.9),
                            Math.max(...values)
                          ]
                        ]
                  })
                )
              )
            }

            expect(
              rows("SELECT conversation_id, last_role, requested_status FROM waiting_for_person")
            ).toEqual(
              list(
                there
                  .filter(({ status }) => status === "handed_off")
                  .map((talk) => ({
                    talk,
                    last: talk.said.findLast(({ role }) => ["agent", "customer", "human"].includes(role))
                      ?.role
                  }))
                  .filter(({ last }) => last !== "human")
                  .map(({ last, talk }) => [`leads:${talk.id}`, last ?? null, talk.requested])
              )
            )

            const dayOf = (talk: Talk) => {
              const time =
                talk.startedAt ??
                talk.said.map((each) => known(each.at)).find((each) => each !== null) ??
                null
              return time === null ? "" : local(time).date
            }
            expect(
              rows(
                "SELECT coalesce(day, '') || ' ' || status, sum(conversations) FROM daily_volume GROUP BY 1"
              )
            ).toEqual(list(tally(there.map((talk) => `${dayOf(talk)} ${talk.status}`))))

            expect(
              rows(
                "SELECT coalesce(campaign_id, '-'), sum(conversations), sum(decided), sum(qualified) FROM qualification_outcomes GROUP BY 1"
              )
            ).toEqual(
              list(
                ["k1", "k2", null].map((campaign) => {
                  const own = there.filter((talk) => talk.campaign === campaign)
                  return [
                    campaign ?? "-",
                    own.length,
                    own.filter(({ qualified }) => qualified !== null).length,
                    own.filter(({ qualified }) => qualified === true).length
                  ]
                })
              )
            )

            expect(
              rows("SELECT answered_by, sum(conversations) FROM agent_against_person GROUP BY 1")
            ).toEqual(
              list(
                tally(
                  there.map(({ said }) => {
                    const [agent, human] = ["agent", "human"].map((role) =>
                      said.some((each) => each.role === role)
                    )
                    return agent && human ? "both" : agent ? "agent" : human ? "human" : "nobody"
                  })
                )
              )
            )

            expect(
              rows("SELECT coalesce(provider_id, '-'), conversations, messages FROM human_agents")
            ).toEqual(
              list(
                ["7", "8", null].flatMap((author) => {
                  const counts = there
                    .map(
                      ({ said }) =>
                        said.filter((each) => each.role === "human" && each.author === author).length
                    )
                    .filter((count) => count > 0)
                  return counts.length === 0
                    ? []
                    : [[author ?? "-", counts.length, counts.reduce((sum, count) => sum + count, 0)]]
                })
              )
            )

            expect(
              rows(
                "SELECT conversation_id, requested_at, accepted_at, seconds_to_accept FROM handoffs WHERE evidence = 'provider'"
              )
            ).toEqual(
              list(
                there.flatMap((talk) =>
                  talk.handoffs.map(({ accepted_at, requested_at }) => [
                    `leads:${talk.id}`,
                    requested_at,
                    accepted_at,
                    gap(requested_at, accepted_at)
                  ])
                )
              )
            )
            expect(rows("SELECT DISTINCT conversation_id FROM handoffs")).toEqual(
              list(there.filter(isHandedOff).map((talk) => [`leads:${talk.id}`]))
            )

            const concerned = (is: (talk: Talk) => boolean) => there.filter(is).length
            const says = new Map(
              raw(`SELECT "check", conversations FROM data_quality`) as ReadonlyArray<[string, number]>
            )
            expect(says.get("no times") ?? 0).toBe(
              concerned(({ said }) => said.some((each) => each.at === null))
            )
            expect(says.get("times before 2000") ?? 0).toBe(
              concerned(({ said }) => said.some((each) => each.at?.startsWith("1970")))
            )
            expect(says.get("future times") ?? 0).toBe(
              concerned(({ said }) =>
                said.some((each) => each.at !== null && each.at > "2000" && !believable(each.at))
              )
            )
            expect(says.get("unknown roles") ?? 0).toBe(
              concerned(({ said }) => said.some(({ role }) => role === "unknown"))
            )
            expect(says.get("unknown statuses") ?? 0).toBe(concerned(({ status }) => status === "unknown"))
            expect(says.get("negative times") ?? 0).toBe(
              concerned((talk) =>
                turnsOf(talk).some(
                  ({ answered, asked }) => asked !== null && answered !== null && answered < asked
                )
              )
            )

            // People: by the same number or address, also through others.
            const contacts = all.flatMap(({ contact: each }) => (each === null ? [] : [each]))
            const names = contacts.map(({ email, id, phone }) => ({
              id: `leads:${id}`,
              marks: [email?.toLowerCase(), phone?.replace(/^00/, "+")].filter((mark) => mark !== undefined)
            }))
            const groups: Array<{ ids: Array<string>; marks: Set<string> }> = []
            for (const { id, marks } of names) {
              const own = groups.filter((group) => marks.some((mark) => group.marks.has(mark)))
              const joined = {
                ids: [id, ...own.flatMap(({ ids }) => ids)],
                marks: new Set([...marks, ...own.flatMap((group) => [...group.marks])])
              }
              groups.splice(0, groups.length, ...groups.filter((group) => !own.includes(group)), joined)
            }
            expect(rows("SELECT contacts, conversations FROM people")).toEqual(
              list(
                groups.map(({ ids }) => [
                  ids.length,
                  there.filter((talk) => talk.contact !== null && ids.includes(`leads:${talk.contact.id}`))
                    .length
                ])
              )
            )

            const { answerTimes, hours: week, totals } = readReport(session, at(committed + 3_600))
            const answers = there.flatMap((talk) => first(talk)?.seconds ?? [])
            expect(totals).toMatchObject({
              conversations: there.length,
              messages: there.reduce((sum, { said }) => sum + said.length, 0),
              answers: { median: rank(answers, 0.5), p90: rank(answers, 0.9), of: answers.length },
              completed: {
                share: concerned(({ status }) => status === "completed") / there.length,
                of: there.length
              },
              handedOff: { share: concerned(isHandedOff) / there.length },
              changesRequested: concerned(({ requested }) => requested !== null)
            })
            expect(answerTimes.reduce((sum, count) => sum + count, 0)).toBe(answers.length)
            expect(week.reduce((sum, { messages }) => sum + messages, 0)).toBe(
              there.reduce(
                (sum, { said }) =>
                  sum + said.filter((each) => each.role === "customer" && each.at !== null).length,
                0
              )
            )
          })
        }).pipe(Effect.provide(storeLayer(path)))
      })
    )
  }
})
