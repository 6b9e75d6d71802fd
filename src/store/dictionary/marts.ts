import {
  channel,
  connection,
  conversationId,
  count,
  localDay,
  seconds,
  type TableEntry,
  time
} from "./entry.ts"

const where = { connection, channel }

const answeredBy = (nullMeans: string) => ({
  meaning: "Who answered: agent or human.",
  nullMeans,
  example: "agent"
})

/** What is counted with each commit. Conversations that the provider no longer has are left out. */
export const marts: ReadonlyArray<TableEntry> = [
  {
    table: "sessions",
    meaning: "Conversations cut where they paused for 24 hours or were opened again.",
    example:
      "SELECT date(started_at) AS day, count(*), avg(messages) FROM sessions GROUP BY day ORDER BY day DESC",
    columns: {
      session_id: {
        meaning: "The conversation and the session's number.",
        example: "support:DL2kG9YWdZpGGOn#1"
      },
      conversation_id: conversationId,
      ...where,
      number: { meaning: "1 for the first of the conversation.", example: 1 },
      started_at: time("When its first message was sent.", { nullMeans: "no time is known" }),
      ended_at: time("When its last message was sent.", { nullMeans: "no time is known" }),
      messages: count("Messages of everyone.", { example: 12 }),
      customer_messages: count("Messages of the customer.", { example: 6 }),
      agent_messages: count("Messages of the agent, the machine.", { example: 5 }),
      human_messages: count("Messages of people on our side.", { example: 1 }),
      first_answer_seconds: seconds("From the customer's first message in it to the first answer after it.", {
        nullMeans: "no one answered, a time is not known, or the answer is dated before the question",
        example: 4.2
      }),
      first_answer_by: answeredBy("no one answered")
    }
  },
  {
    table: "turns",
    meaning:
      "Each time that a customer waited: from the first message after our last answer to the next answer. A broadcast, or a message of a workflow, is no answer.",
    example:
      "SELECT avg(seconds <= 60) AS within_a_minute, count(*) AS turns FROM turns WHERE seconds IS NOT NULL",
    columns: {
      conversation_id: conversationId,
      ...where,
      turn: { meaning: "1 for the first of the conversation.", example: 1 },
      asked_at: time("When the customer began to wait.", { nullMeans: "the time is not known" }),
      answered_at: time("When an agent or a person answered.", {
        nullMeans: "no one did yet, or the time is not known"
      }),
      answered_by: answeredBy("no one answered yet"),
      seconds: seconds("How long the customer waited.", {
        nullMeans: "no one answered, a time is not known, or the answer is dated before the question",
        example: 4.2
      }),
      business_seconds: seconds("Of these, how many were within businessHours of the configuration.", {
        nullMeans: "seconds is null, or no business hours are configured",
        example: 4.2
      })
    }
  },
  {
    table: "handoffs",
    meaning:
      "Each time that a conversation was handed to a person: by the provider's record, otherwise by the statuses that were seen, otherwise because a person wrote.",
    example:
      "SELECT connection, count(*) AS handoffs, count(accepted_at) AS accepted FROM handoffs GROUP BY connection",
    columns: {
      conversation_id: conversationId,
      connection,
      requested_at: time("When a person was requested; by status: when that was first seen.", {
        nullMeans: "not known"
      }),
      accepted_at: time("When a person accepted; by status or message: when one wrote.", {
        nullMeans: "no one did yet, or it is not known"
      }),
      completed_at: time("When it was over; by status: when that was first seen.", {
        nullMeans: "it is not over, or it is not known"
      }),
      accepted_by: {
        meaning: "The vendor's id of the person: human_agents.provider_id.",
        nullMeans: "no one accepted, or the vendor does not say who",
        example: "42"
      },
      evidence: {
        meaning: "How it is known: provider (its own record), status (seen in status_history) or message.",
        example: "provider"
      },
      seconds_to_accept: seconds("From the request to its acceptance.", {
        nullMeans: "one of both is not known, or they are in the wrong order",
        example: 95
      })
    }
  },
  {
    table: "messages_by_hour",
    meaning:
      "Messages by the hour in which they were sent, on the clock of the configured time zone. Messages without a time are left out.",
    example:
      "SELECT local_hour, sum(messages) FROM messages_by_hour WHERE role = 'customer' GROUP BY local_hour ORDER BY local_hour",
    columns: {
      ...where,
      role: { meaning: "Who wrote: customer, agent, human, system or unknown.", example: "customer" },
      local_date: { ...localDay("The day."), example: "2026-03-07" },
      local_hour: {
        meaning: "0 to 23. In the night in which a clock is put back, the hour that comes twice counts both.",
        unit: "hour",
        example: 9
      },
      weekday: { meaning: "1 Monday to 7 Sunday.", example: 6 },
      messages: count("Messages.", { example: 42 })
    }
  },
  {
    table: "people",
    meaning:
      "Contacts of all connections that are one person: by the same phone number (E.164 where its country is known) or e-mail address, without regard to case, directly or through others. An address that more than 50 contacts share counts for nothing.",
    example: "SELECT name, phone, email, connections, conversations FROM people WHERE connections > 1",
    columns: {
      person_id: { meaning: "The contact that was there first: contacts.id.", example: "support:42" },
      phone: {
        meaning: "E.164, or its digits where the country is not known; the first of several.",
        nullMeans: "none is known",
        example: "+10005550100"
      },
      email: {
        meaning: "In small letters; the first of several.",
        nullMeans: "none is known",
        example: "kim@example.com"
      },
      name: { meaning: "As a vendor gives it.", nullMeans: "none is known", example: "Alex Kim" },
      contacts: count("Contacts that are this person.", { example: 2 }),
      connections: count("Connections that know the person.", { example: 2 }),
      conversations: count("Conversations with the person that the providers still have.", { example: 3 }),
      first_seen_at: time("When the first of the contacts was first in the mirror."),
      last_seen_at: time("When the last of the contacts was last seen to change.")
    }
  },
  {
    table: "person_contacts",
    meaning: "Which contact is which person.",
    example:
      "SELECT c.* FROM person_contacts p JOIN conversations c ON c.contact_id = p.contact_id WHERE p.person_id = 'support:42'",
    columns: {
      person_id: { meaning: "people.person_id.", example: "support:42" },
      contact_id: { meaning: "contacts.id.", example: "salon:7" },
      connection
    }
  },
  {
    table: "human_agents",
    meaning: "People on our side who wrote messages.",
    example:
      "SELECT name, conversations, median_first_answer_seconds FROM human_agents ORDER BY conversations DESC",
    columns: {
      connection,
      provider_id: {
        meaning: "The vendor's id of the person.",
        nullMeans: "the vendor does not say who it was: all of those together",
        example: "42"
      },
      name: {
        meaning: "As the vendor gives it.",
        nullMeans: "the vendor does not tell",
        example: "Kate Ong"
      },
      email: {
        meaning: "As the vendor gives it.",
        nullMeans: "the vendor does not tell",
        example: "kate@example.com"
      },
      conversations: count("Conversations in which they wrote.", { example: 12 }),
      messages: count("Messages that they wrote.", { example: 40 }),
      median_first_answer_seconds: seconds(
        "The median (nearest rank) from the customer's first message to theirs, of conversations in which they were the first person to write after it.",
        { nullMeans: "there is none, or no time is known", example: 640 }
      )
    }
  },
  {
    table: "data_quality",
    meaning: "What to distrust: how many conversations it concerns, and one of them.",
    example: 'SELECT connection, "check", conversations, hint FROM data_quality ORDER BY conversations DESC',
    columns: {
      connection,
      check: {
        meaning:
          "future times, times before 2000, negative times, no times, unknown roles, unknown statuses, no messages, messages missing, start not plausible or zone mismatch. A word of SQL: write it in double quotes.",
        example: "negative times"
      },
      conversations: count("How many conversations it concerns.", { example: 3 }),
      example_id: {
        ...conversationId,
        nullMeans: "it concerns all of the connection's conversations"
      },
      hint: {
        meaning: "What it means, and what the numbers make of it.",
        example: "Answers are dated before what they answer: such durations are null."
      }
    }
  },
  {
    table: "zone_offsets",
    meaning: "The clock of the configured time zone: from each moment on it is so many seconds ahead of UTC.",
    example:
      "SELECT datetime(m.sent_at, (SELECT z.seconds FROM zone_offsets z WHERE z.from_at <= m.sent_at ORDER BY z.from_at DESC LIMIT 1) || ' seconds') AS local FROM messages m LIMIT 5",
    columns: {
      from_second: {
        meaning: "From when on, in seconds since 1970, UTC.",
        unit: "epoch seconds",
        example: 1774746000
      },
      from_at: {
        meaning:
          "The same as text, to compare with times of other tables; empty for all time before the first change.",
        example: "2026-03-29T01:00:00.000Z"
      },
      seconds: { meaning: "How far ahead of UTC; negative: behind.", unit: "whole seconds", example: 7200 }
    }
  }
]
