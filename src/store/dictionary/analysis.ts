import {
  type ColumnEntry,
  channel,
  connection,
  conversationId,
  count,
  lane,
  localDayUnit,
  provider,
  seconds,
  share,
  type TableEntry,
  time,
  yesOrNo
} from "./entry.ts"

const heldStatus: ColumnEntry = {
  meaning:
    "What the provider holds: active, handed_off (to a person), completed, abandoned, or unknown (the vendor's word means none of these).",
  example: "completed"
}

const requestedStatus: ColumnEntry = {
  meaning: "The status that an open change asks the provider for.",
  nullMeans: "no change is open",
  example: "completed"
}

const who = { connection, provider, channel }

const campaign: ColumnEntry = {
  meaning: "The vendor's id of the campaign that started them.",
  nullMeans: "no campaign did, or the vendor does not say",
  example: "665f1a2b3c4d5e6f7a8b9c0e"
}

const agent: ColumnEntry = {
  meaning: "The vendor's id of the agent.",
  nullMeans: "the vendor does not say",
  example: "agent-1"
}

const completionRate = share("Which share of these conversations is completed.", {
  nullMeans: "the vendor has no word for completed",
  example: 0.6
})
const abandonmentRate = share("Which share of these conversations is abandoned.", {
  nullMeans: "the vendor has no word for abandoned",
  example: 0.1
})

/** Who spoke how often, and when. */
const activity: Readonly<Record<string, ColumnEntry>> = {
  customer_messages: count("Messages of the customer.", { example: 6 }),
  agent_messages: count("Messages of the agent, the machine.", { example: 5 }),
  human_messages: count("Messages of people on our side.", { example: 1 }),
  first_customer_at: time("When the customer first wrote.", {
    nullMeans: "the customer did not write, or the time is not known"
  }),
  first_answer_at: time("When an agent or a person first wrote after the customer's first message.", {
    nullMeans: "no one answered, or the time is not known"
  }),
  first_answer_by: {
    meaning: "Who gave that first answer: agent or human.",
    nullMeans: "no one answered",
    example: "agent"
  },
  first_human_at: time("When a person on our side first wrote.", {
    nullMeans: "none did, or the time is not known"
  }),
  last_customer_at: time("When the customer last wrote.", {
    nullMeans: "the customer did not write, or the time is not known"
  }),
  last_role: {
    meaning: "Who had the last word: customer, agent or human.",
    nullMeans: "none of them wrote",
    example: "customer"
  },
  unanswered_since: time("When the customer wrote the first message that is still unanswered.", {
    nullMeans: "everything was answered, or the time is not known"
  })
}

/** Views for what is asked most. They leave out conversations that the provider no longer has. */
export const analysis: ReadonlyArray<TableEntry> = [
  {
    table: "conversation_facts",
    meaning:
      "One row for each conversation that the provider still has, with what the other views count: times, speakers, outcomes.",
    example:
      "SELECT day, avg(seconds_to_first_answer) FROM conversation_facts WHERE channel = 'whatsapp' GROUP BY day",
    columns: {
      conversation_id: conversationId,
      ...who,
      status: heldStatus,
      requested_status: requestedStatus,
      agent_id: agent,
      campaign_id: campaign,
      contact_id: {
        meaning: "Whom it is held with: contacts.id.",
        nullMeans: "the vendor names none",
        example: "support:42"
      },
      title: { meaning: "The vendor's title.", nullMeans: "it has none", example: "Refund" },
      qualified: {
        meaning: "Whether the lead was found to qualify.",
        unit: yesOrNo,
        nullMeans: "not decided, or the vendor does not decide",
        example: 1
      },
      day: {
        meaning: "The day on which it started.",
        unit: localDayUnit,
        nullMeans: "the start is not known",
        example: "2026-03-07"
      },
      started_at: time("When it started, by the vendor's word or else by its first message.", {
        nullMeans: "the start is not known"
      }),
      last_message_at: time("When its last message was sent.", {
        nullMeans: "there is none, or its time is not known"
      }),
      messages: count("Messages in the mirror.", { example: 12 }),
      ...activity,
      seconds_to_first_answer: seconds("From the customer's first message to the first answer.", {
        nullMeans: "no one answered, a time is not known, or the answer is dated before the question",
        example: 4.2
      }),
      seconds_to_person: seconds(
        "From the customer's first message to the first message of a person on our side after it.",
        {
          nullMeans: "no person wrote, or a time is not known",
          example: 640
        }
      ),
      seconds_to_completion: seconds(
        "From the customer's first message (or the first of all) to the last message of a completed conversation.",
        { nullMeans: "it is not completed, or a time is not known", example: 1800 }
      ),
      handed_off: {
        meaning:
          "Whether it is or was handed to a person: by its status, its history, or because a person wrote.",
        unit: yesOrNo,
        example: 0
      }
    }
  },
  {
    table: "daily_volume",
    meaning: "Conversations by the day on which they started, and the messages that they hold.",
    example:
      "SELECT day, sum(conversations) FROM daily_volume WHERE connection = 'support' GROUP BY day ORDER BY day",
    columns: {
      day: {
        meaning: "The day on which they started.",
        unit: localDayUnit,
        nullMeans: "their starts are not known",
        example: "2026-03-07"
      },
      ...who,
      status: heldStatus,
      conversations: count("Conversations."),
      messages: count("Messages that these conversations hold, whenever they were sent.")
    }
  },
  {
    table: "response_times",
    meaning: "How long customers waited, by connection and channel.",
    example:
      "SELECT connection, channel, median_seconds, p90_seconds FROM response_times WHERE measure = 'first_answer'",
    columns: {
      measure: {
        meaning:
          "first_answer: to the first answer of an agent or a person; first_person: to the first message of a person; completion: to the last message of a completed conversation.",
        example: "first_answer"
      },
      ...who,
      conversations: count("Conversations in which it happened."),
      median_seconds: seconds(
        "The median, nearest rank: the shortest time that half of them did not exceed.",
        { example: 4.2 }
      ),
      p90_seconds: seconds(
        "The ninth decile, nearest rank: the shortest time that nine of ten did not exceed.",
        { example: 60 }
      ),
      mean_seconds: seconds("The arithmetic mean.", { example: 12.5 }),
      longest_seconds: seconds("The longest of all.", { example: 86400 })
    }
  },
  {
    table: "outcomes",
    meaning:
      "How conversations stand, and hand-off, completion and abandonment rates, by connection and channel.",
    example:
      "SELECT connection, channel, hand_off_rate, abandonment_rate FROM outcomes ORDER BY conversations DESC",
    columns: {
      ...who,
      conversations: count("All of them."),
      active: count("Those whose status is active."),
      handed_off: count("Those whose status is handed_off."),
      completed: count("Those whose status is completed."),
      abandoned: count("Those whose status is abandoned."),
      unknown: count("Those whose status means none of these."),
      ever_handed_off: count("Those that are or were handed to a person."),
      hand_off_rate: share("Which share is or was handed to a person."),
      completion_rate: completionRate,
      abandonment_rate: abandonmentRate,
      changes_requested: count("Those with an open change of their status, which counts in no other column.")
    }
  },
  {
    table: "waiting_for_person",
    meaning: "Conversations that were handed to a person and in which no person had the last word.",
    example:
      "SELECT conversation_id, title, waiting_seconds / 3600 AS hours FROM waiting_for_person ORDER BY waiting_since LIMIT 20",
    columns: {
      conversation_id: conversationId,
      ...who,
      contact_id: {
        meaning: "Who waits: contacts.id.",
        nullMeans: "the vendor names none",
        example: "support:42"
      },
      title: { meaning: "The vendor's title.", nullMeans: "it has none", example: "Refund" },
      agent_id: agent,
      campaign_id: campaign,
      waiting_since: time(
        "Since the customer's unanswered message, otherwise since the last message or the start.",
        {
          nullMeans: "no time is known"
        }
      ),
      waiting_seconds: seconds("From then until now.", { nullMeans: "no time is known", example: 5400 }),
      last_role: {
        meaning: "Who had the last word: customer or agent.",
        nullMeans: "neither wrote",
        example: "customer"
      },
      last_message_at: time("When the last message was sent.", {
        nullMeans: "there is none, or its time is not known"
      }),
      messages: count("Messages in the mirror.", { example: 12 }),
      requested_status: requestedStatus
    }
  },
  {
    table: "qualification_outcomes",
    meaning: "How many leads turned out qualified, by connection, channel and campaign.",
    example:
      "SELECT campaign_id, qualified, decided, qualified_rate FROM qualification_outcomes WHERE decided > 0",
    columns: {
      ...who,
      campaign_id: campaign,
      conversations: count("All of them."),
      decided: count("Those in which the vendor decided."),
      qualified: count("Those that qualified."),
      not_qualified: count("Those that did not."),
      undecided: count("Those without a decision."),
      qualified_rate: share("Which share of the decided ones qualified.", { nullMeans: "none was decided" })
    }
  },
  {
    table: "busiest_hours",
    meaning: "How many messages were sent in each hour of the week, over all of the mirror.",
    example:
      "SELECT weekday, hour, customer_messages FROM busiest_hours ORDER BY customer_messages DESC LIMIT 5",
    columns: {
      weekday: { meaning: "1 Monday to 7 Sunday.", example: 1 },
      hour: { meaning: "0 to 23, on the clock of the configured time zone.", unit: "hour", example: 10 },
      customer_messages: count("Messages of customers."),
      agent_messages: count("Messages of agents, the machines."),
      human_messages: count("Messages of people on our side.")
    }
  },
  {
    table: "agent_against_person",
    meaning: "Outcomes of conversations by who answered: agents only, people only, both, or no one.",
    example: "SELECT answered_by, sum(conversations) FROM agent_against_person GROUP BY answered_by",
    columns: {
      ...who,
      answered_by: { meaning: "agent, human, both, or nobody: no one answered.", example: "agent" },
      conversations: count("Conversations."),
      customer_messages: count("Messages of customers in them."),
      agent_messages: count("Messages of agents in them."),
      human_messages: count("Messages of people on our side in them."),
      answered_conversations: count("Conversations whose time to the first answer is known."),
      seconds_to_first_answer: seconds(
        "The sum of these times: divide sums to get the mean of several rows.",
        {
          nullMeans: "no one answered, or no time is known",
          example: 1250
        }
      ),
      mean_seconds_to_first_answer: seconds(
        "From the customer's first message to the first answer, on average.",
        {
          nullMeans: "no one answered, or no time is known",
          example: 12.5
        }
      ),
      completion_rate: completionRate,
      abandonment_rate: abandonmentRate
    }
  },
  {
    table: "open_changes",
    meaning: "Changes that were requested here and are not confirmed by the provider yet.",
    example:
      "SELECT change_id, conversation_id, remote_status, to_status, state, last_error FROM open_changes ORDER BY requested_at",
    columns: {
      change_id: { meaning: "The change: status_changes.id.", example: 7 },
      conversation_id: conversationId,
      connection,
      provider,
      remote_status: { meaning: "What the provider was last seen to hold.", example: "active" },
      to_status: {
        meaning: "The wanted status.",
        nullMeans: "the change is about other fields alone",
        example: "completed"
      },
      category: {
        meaning: "The name of the closing note, where the vendor takes one.",
        nullMeans: "none was given",
        example: "Spam"
      },
      fields: {
        meaning: "Title and tags to be set, where the vendor takes them.",
        unit: "JSON object",
        nullMeans: "none was given",
        example: '{"tags":["resolved"]}'
      },
      state: { meaning: "pending, sending, queued or sent.", example: "pending" },
      attempts: count("How often it was sent.", { example: 0 }),
      not_before: time("Not sent again before this moment.", { nullMeans: "it may be sent at once" }),
      last_error: {
        meaning: "Why it is where it is, in words.",
        nullMeans: "nothing went wrong",
        example: "the vendor queued it"
      },
      requested_at: time("When it was requested."),
      requested_by: { meaning: "Who asked: sql for an UPDATE, otherwise the command.", example: "sql" },
      sent_at: time("When it was last sent.", { nullMeans: "it was not sent yet" }),
      open_seconds: seconds("From the request until now.", { example: 90 })
    }
  },
  {
    table: "search_results",
    meaning:
      "Messages that a full-text search finds, each with an excerpt. To be asked with search MATCH '…'; fastest ordered by rank (best first) or key. It cannot be grouped: for that, join message_search with messages.",
    example:
      "SELECT conversation_id, sent_at, excerpt FROM search_results WHERE search MATCH 'person OR 人工' ORDER BY rank LIMIT 20",
    columns: {
      search: {
        meaning:
          'What MATCH is asked of: words, "a phrase", word* for its beginning, AND, OR, NOT, NEAR. Its value says nothing.',
        example: "WHERE search MATCH 'table AND friday'"
      },
      rank: {
        meaning: "How well the message fits, the best lowest.",
        nullMeans: "nothing was searched",
        example: -7.2
      },
      key: { meaning: "The message: messages.key. Newer messages mostly have higher ones.", example: 1 },
      message_id: { meaning: "The message: messages.id.", example: "support:DL2kG9YWdZpGGOn:3f1c" },
      conversation_id: conversationId,
      position: count("Its place in the conversation: 0 is the first.", { example: 0 }),
      role: { meaning: "Who wrote it: customer, agent, human, system or unknown.", example: "customer" },
      sent_at: time("When it was sent.", { nullMeans: "the vendor gives no time" }),
      excerpt: {
        meaning:
          "What was said around the first hit, in [ ]; … marks omissions. Of the message itself, also where the index holds cut words.",
        example: "我想和[人工]客服说话。"
      },
      content: { meaning: "The whole text of the message.", example: "我想和人工客服说话。" }
    }
  },
  {
    table: "lineage",
    meaning:
      "Where a row came from: the request that last changed it, that request's run, and the raw records that are kept of it. One row for each raw record.",
    example:
      "SELECT run_id, path, requested_at, raw_kind, raw_key FROM lineage WHERE table_name = 'messages' AND row_id = '…'",
    columns: {
      table_name: {
        meaning:
          "conversations, messages, contacts, status_history, status_changes, quarantine or raw_records.",
        example: "messages"
      },
      row_id: {
        meaning: "The row's id (raw_records: its key), as text.",
        nullMeans: "the conversation has no contact",
        example: "support:DL2kG9YWdZpGGOn:3f1c"
      },
      conversation_id: {
        ...conversationId,
        nullMeans: "the conversation is not known"
      },
      connection,
      run_id: { meaning: "The run: runs.id.", example: 12 },
      command: { meaning: "The run's command.", example: "sync" },
      run_started_at: time("When the run started."),
      page_id: {
        meaning: "The request: pages.id.",
        nullMeans: "the run did it, no single request",
        example: 4711
      },
      lane: { ...lane, nullMeans: "the run did it, no single request" },
      operation: {
        meaning: "What was requested.",
        nullMeans: "the run did it, no single request",
        example: "list conversations"
      },
      method: { meaning: "The HTTP method.", nullMeans: "the run did it, no single request", example: "GET" },
      path: {
        meaning: "The URL's path and query.",
        nullMeans: "the run did it, no single request",
        example: "/conversations"
      },
      http_status: {
        meaning: "The answer's HTTP status.",
        nullMeans: "the run did it, no single request",
        example: 200
      },
      requested_at: time("When the request was sent.", { nullMeans: "the run did it, no single request" }),
      received_at: time("When the answer was there.", { nullMeans: "the run did it, no single request" }),
      raw_key: { meaning: "The raw record: raw_records.key.", nullMeans: "none is kept", example: 99 },
      raw_kind: { meaning: "What the raw record is.", nullMeans: "none is kept", example: "conversation" },
      raw_provider_id: {
        meaning: "The vendor's id of the raw record.",
        nullMeans: "none is kept",
        example: "DL2kG9YWdZpGGOn"
      },
      raw_hash: { meaning: "The raw record's hash.", nullMeans: "none is kept", example: "b1946ac9" },
      raw_encoding: {
        meaning: "How its payload is stored: json or brotli, as in raw_records.encoding.",
        nullMeans: "none is kept",
        example: "brotli"
      },
      raw_observed_at: time("When the request was sent that brought the raw record.", {
        nullMeans: "none is kept"
      })
    }
  },
  {
    table: "dictionary",
    meaning: "What every table and column means. Parley rewrites it whenever its texts change.",
    example:
      "SELECT column_name, meaning, unit, null_means FROM dictionary WHERE table_name = 'conversations'",
    columns: {
      table_name: { meaning: "The table or view.", example: "messages" },
      column_name: {
        meaning: "The column.",
        nullMeans: "the entry is about the table itself",
        example: "sent_at"
      },
      meaning: { meaning: "What it says.", example: "When it was sent." },
      unit: {
        meaning: "What it is counted in, or how it is written.",
        nullMeans: "plain text or a number without a unit",
        example: "seconds"
      },
      null_means: {
        meaning: "What null says.",
        nullMeans: "the column is never null",
        example: "the vendor gives no time"
      },
      source: {
        meaning:
          "For each vendor the JSON path, in its raw record, of what it is taken from. A vendor that is absent never says it.",
        unit: "JSON object",
        nullMeans: "it is made here, not taken from a vendor",
        example: '{"my-vendor":"$.created_at"}'
      },
      example: {
        meaning: "A value; for a table, a query.",
        nullMeans: "there is none",
        example: "2026-03-07T10:00:00.000Z"
      }
    }
  }
]
