import {
  channel,
  connection,
  conversationId,
  count,
  provider,
  seq,
  status,
  type TableEntry,
  time,
  yesOrNo
} from "./entry.ts"

/** What the providers hold. */
export const records: ReadonlyArray<TableEntry> = [
  {
    table: "conversations",
    meaning:
      "Every conversation that was seen, one row each. UPDATE conversations SET status = '…' WHERE id = '…' asks the provider for another status: the next sync or push carries it.",
    example:
      "SELECT id, status, title FROM conversations WHERE connection = 'support' AND status = 'handed_off'",
    columns: {
      id: {
        meaning: "<connection>:<provider_id>, unique in the mirror.",
        example: "support:DL2kG9YWdZpGGOn"
      },
      connection,
      provider,
      provider_id: {
        meaning: "The vendor's id. Of a vendor that has no conversations, it is the contact's.",
        example: "DL2kG9YWdZpGGOn"
      },
      contact_id: {
        meaning: "Whom it is held with: contacts.id.",
        nullMeans: "the vendor names none",
        example: "support:27986828194334741"
      },
      channel,
      provider_channel: {
        meaning: "The vendor's own word for the channel.",
        nullMeans: "the vendor does not say",
        example: "web-chat"
      },
      status,
      remote_status: {
        meaning: "What the provider was last seen to hold, in the mirror's words.",
        example: "active"
      },
      provider_status: {
        meaning: "What the provider was last seen to hold, in its own word, verbatim.",
        nullMeans: "the vendor sent none",
        example: "ai-chatting"
      },
      change_state: {
        meaning: "State of the requested change: pending, sending, queued or sent.",
        nullMeans: "nothing is wanted of the provider",
        example: "pending"
      },
      agent_id: {
        meaning:
          "The vendor's id of the agent (or its configuration) that holds the conversation, or in whose list it was seen.",
        nullMeans: "the vendor does not say",
        example: "agent-1"
      },
      campaign_id: {
        meaning: "The vendor's id of the campaign that started it.",
        nullMeans: "no campaign did, or the vendor does not say",
        example: "665f1a2b3c4d5e6f7a8b9c0e"
      },
      title: {
        meaning: "The vendor's title.",
        nullMeans: "it has none",
        example: "Product Inquiry - Resolved"
      },
      summary: {
        meaning: "The vendor's summary, mostly written by a model.",
        nullMeans: "it has none",
        example: "Asked for a viewing on Friday."
      },
      qualified: {
        meaning: "Whether the lead was found to qualify.",
        unit: yesOrNo,
        nullMeans: "not decided, or the vendor does not decide",
        example: 1
      },
      qualification_reason: {
        meaning: "Why, in the vendor's words.",
        nullMeans: "not decided, or the vendor does not decide",
        example: "Budget and dates fit."
      },
      tags: {
        meaning: "The vendor's tags. json_each(tags) makes rows of them.",
        unit: "JSON array of texts",
        example: '["new-lead"]'
      },
      attributes: {
        meaning:
          "Every field that has no column, under the vendor's name: attributes ->> '$.lang'; those that the vendor does not document within $other: attributes ->> '$.$other.tokenUsage.cumulativeUsd'. $handoffs and $assignee are the same for every vendor.",
        unit: "JSON object",
        example: '{"lang":"en","leadScore":40,"$other":{"tokenUsage":{"cumulativeUsd":0.02}}}'
      },
      declared_messages: count("How many messages the vendor says there are.", {
        nullMeans: "the vendor does not say",
        example: 12
      }),
      stored_messages: count("How many messages are in the mirror.", { example: 12 }),
      expired_messages: count(
        "How many messages the vendor has and the mirror does not, because they are older than the configuration keeps them.",
        { example: 0 }
      ),
      complete: {
        meaning:
          "Whether as many messages are stored, or let go because of their age, as the vendor says there are, or more; otherwise some are missing.",
        unit: yesOrNo,
        nullMeans: "the vendor does not say how many there are",
        example: 1
      },
      started_at: time(
        "When it started; of a vendor that has no conversations, when the contact was created.",
        {
          nullMeans:
            "the vendor does not say; conversation_facts.started_at then has the first message's time"
        }
      ),
      last_message_at: time("When its last message was sent.", {
        nullMeans: "there is none, or its time is not known"
      }),
      updated_at: time("When the vendor says that it last changed.", {
        nullMeans: "the vendor does not say"
      }),
      first_seen_at: time("When the mirror first stored it."),
      last_seen_at: time(
        "When it was last known to be there: last received, or covered by a complete scan since."
      ),
      deleted_at: time("When the provider answered that it no longer exists.", {
        nullMeans: "it exists, as far as is known, by itself or within the one it was merged into"
      }),
      merged_into: {
        meaning:
          "The conversation that it was merged into at the provider: its id there is gone, and what it held belongs to that one. It counts nowhere as one of its own.",
        nullMeans: "it was not merged, as far as is known",
        example: "inbox:123"
      },
      seq: {
        ...seq,
        meaning:
          "The commit that last changed the row, its open change included: see change_feed. A complete scan that raises last_seen_at changes no row."
      }
    }
  },
  {
    table: "messages",
    meaning:
      "What was said, one row a message. Found at once by conversation_id or key; by id or sent_at alone every message is looked at.",
    example: "SELECT role, sent_at, content FROM messages WHERE conversation_id = '…' ORDER BY position",
    columns: {
      key: {
        meaning:
          "The row's number: message_search.rowid. It may differ after the mirror was made again; id stays.",
        example: 1
      },
      id: {
        meaning:
          "<conversation_id>:<message's id>, unique in the mirror and the same on every sync, also where the vendor gives no id.",
        example: "support:DL2kG9YWdZpGGOn:3f1c"
      },
      conversation_id: conversationId,
      provider_id: {
        meaning: "The vendor's id.",
        nullMeans: "the vendor gives none",
        example: "1662965880"
      },
      position: count("Its place in the conversation: 0 is the first.", { example: 0 }),
      role: {
        meaning:
          "Who wrote it: customer, agent (the machine), human (a person on our side), system, or unknown.",
        example: "customer"
      },
      provider_role: {
        meaning: "The vendor's own word for who wrote it.",
        nullMeans: "the vendor sent none",
        example: "user"
      },
      type: {
        meaning: "The vendor's word for what it is: text, attachment, choice, …",
        example: "text"
      },
      content: {
        meaning:
          "What was said. Where the connection's privacy masks texts, [email], [phone], [card] and [iban] stand for what was there.",
        nullMeans: "it has no text, as an image without a caption, or the connection's privacy drops texts",
        example: "Do you have a table for two on Friday?"
      },
      sent_at: time("When it was sent.", {
        nullMeans: "the vendor gives no time"
      }),
      sent_at_source: {
        meaning: "The vendor's field that sent_at was taken from.",
        nullMeans: "sent_at is null",
        example: "status[0].timestamp"
      },
      attributes: {
        meaning:
          "Every field that has no column, under the vendor's name; those that the vendor does not document within $other. $author is the vendor's id of the person on our side who wrote.",
        unit: "JSON object",
        example: '{"channelId":7}'
      },
      page_id: { meaning: "The request that last changed the row: pages.id.", example: 4711 },
      seq
    }
  },
  {
    table: "message_search",
    meaning:
      "Full-text index over messages.content. Words of scripts that are written without spaces are found too; rowid is messages.key. The view search_results shows hits with excerpts.",
    example:
      "SELECT m.conversation_id, snippet(message_search, 0, '[', ']', '…', 12) FROM message_search s JOIN messages m ON m.key = s.rowid WHERE message_search MATCH 'termin AND freitag' ORDER BY rank LIMIT 20",
    columns: {
      content: {
        meaning:
          "The text that is searched: messages.content, or its words with spaces between them where the script has none.",
        nullMeans: "the message has no text",
        example: "Do you have a table for two on Friday?"
      }
    }
  },
  {
    table: "contacts",
    meaning:
      "The people on the other side, one row each for a connection. Where conversations describe one differently, the latest of them counts.",
    example: "SELECT name, email FROM contacts WHERE email LIKE '%@example.com'",
    columns: {
      id: { meaning: "<connection>:<provider_id>, unique in the mirror.", example: "inbox:4711" },
      connection,
      provider,
      provider_id: {
        meaning:
          "The vendor's id of the contact; hash:… where that is a number or an address, which is not stored.",
        example: "4711"
      },
      name: {
        meaning: "The name, first and last in one; hash:… where the connection's privacy hashes names.",
        nullMeans: "never said, or dropped",
        example: "Alex Kim"
      },
      email: {
        meaning:
          "The email address; hash:… where the connection's privacy hashes them, equal for equal ones.",
        nullMeans: "never said, or dropped",
        example: "alex@example.com"
      },
      phone: {
        meaning:
          "The telephone number, as the vendor writes it; hash:… where the connection's privacy hashes them, equal for equal ones.",
        nullMeans: "never said, or dropped",
        example: "+15555550100"
      },
      attributes: {
        meaning:
          "Every field of the contact that has no column, under the vendor's name; those that the vendor does not document within $other.",
        unit: "JSON object",
        example: '{"countryCode":"MY","language":"en"}'
      },
      first_seen_at: time("When the mirror first stored it."),
      last_seen_at: time("When it, or one of its conversations, was last known to be there."),
      seq: {
        ...seq,
        meaning:
          "The commit that last changed the row: see change_feed. A sighting of one of its conversations, which raises last_seen_at, does not change it."
      }
    }
  },
  {
    table: "status_history",
    meaning: "Every status that a conversation was seen to have, with the moment it was first seen.",
    example:
      "SELECT observed_at, from_status, to_status, origin FROM status_history WHERE conversation_id = '…' ORDER BY id",
    columns: {
      id: { meaning: "The row's number.", example: 1 },
      conversation_id: conversationId,
      from_status: {
        meaning: "The status before, in the mirror's words.",
        nullMeans: "the conversation was seen for the first time",
        example: "active"
      },
      to_status: { meaning: "The status from then on, in the mirror's words.", example: "completed" },
      provider_status: {
        meaning: "The vendor's own word for to_status.",
        nullMeans: "the vendor sent none",
        example: "ended_chat"
      },
      origin: {
        meaning: "provider: it changed there; local: a change requested here arrived.",
        example: "provider"
      },
      observed_at: time(
        "When the request was sent whose answer showed it. The change itself is up to one sync older."
      ),
      run_id: { meaning: "The run that saw it: runs.id.", example: 12 },
      seq
    }
  },
  {
    table: "change_feed",
    meaning:
      "The latest change of each row of conversations, messages, contacts, status_changes and status_history, in the order of commits. After a committed read, WHERE seq > (the greatest seq read) misses nothing, whatever runs overlap. Rows that were committed together have the same seq: to read in parts, go on with WHERE (seq, table_name, row_id) > (?, ?, ?) ORDER BY seq, table_name, row_id.",
    example: "SELECT * FROM change_feed WHERE seq > 4711 ORDER BY seq",
    columns: {
      seq,
      at: time("When it was committed.", { nullMeans: "not recorded" }),
      op: {
        meaning:
          "delete: the row is gone, or the conversation is (its row stays, with deleted_at); upsert: anything else.",
        example: "upsert"
      },
      table_name: {
        meaning: "conversations, messages, contacts, status_changes or status_history.",
        example: "messages"
      },
      row_id: { meaning: "The row's id, as text.", example: "support:DL2kG9YWdZpGGOn:3f1c" },
      run_id: {
        meaning: "The run that did it: runs.id.",
        nullMeans: "no run did, or it is not recorded which",
        example: 12
      }
    }
  }
]
