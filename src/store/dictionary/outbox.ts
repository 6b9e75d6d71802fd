import { connection, conversationId, count, seq, type TableEntry, time } from "./entry.ts"

/** What people here want of the providers. */
export const outbox: ReadonlyArray<TableEntry> = [
  {
    table: "status_changes",
    meaning:
      "The outbox: every change that was requested here. A change goes pending, sending, (queued,) sent, confirmed; or it ends rejected, in conflict or cancelled.",
    example:
      "SELECT id, conversation_id, to_status, state, last_error FROM status_changes WHERE state = 'conflict'",
    columns: {
      id: { meaning: "The change's number.", example: 7 },
      conversation_id: conversationId,
      from_status: { meaning: "What the mirror held when the change was requested.", example: "active" },
      from_provider_status: {
        meaning: "The vendor's own word for from_status.",
        nullMeans: "the vendor sent none",
        example: "ai-chatting"
      },
      to_status: {
        meaning: "The wanted status: active, handed_off, completed or abandoned.",
        nullMeans: "the change is about other fields alone",
        example: "completed"
      },
      to_provider_status: {
        meaning: "The vendor's own word that is to be shown again, where a change was undone.",
        nullMeans: "any of its words for to_status will do",
        example: "human-chatting"
      },
      from_updated_at: time(
        "The provider's time of its last change, as known when the change was requested.",
        {
          nullMeans: "the vendor gives no such time, or it was not known"
        }
      ),
      refused_at: time(
        "When the provider first refused it in a way that may not be about this change alone.",
        {
          nullMeans: "it was not refused so"
        }
      ),
      category: {
        meaning: "The name of the closing note, where the vendor takes one.",
        nullMeans: "none was given",
        example: "Spam"
      },
      summary: {
        meaning: "The text of the closing note, where the vendor takes one.",
        nullMeans: "none was given",
        example: "This contact is a bot"
      },
      fields: {
        meaning:
          "Title and tags to be set, where the vendor takes them. Tags are merged there, and none is removed.",
        unit: "JSON object",
        nullMeans: "none was given",
        example: '{"title":"Resolved","tags":["resolved"]}'
      },
      state: {
        meaning:
          "proposed (someone has to approve it), pending, sending, queued, sent, confirmed, rejected, conflict or cancelled.",
        example: "pending"
      },
      attempts: count("How often it was sent.", { example: 1 }),
      not_before: time("Not sent again before this moment.", { nullMeans: "it may be sent at once" }),
      last_error: {
        meaning: "Why it is where it is, in words.",
        nullMeans: "nothing went wrong",
        example: "the provider holds another status than when the change was requested"
      },
      requested_at: time("When it was requested."),
      requested_by: {
        meaning: "Who asked: sql for an UPDATE, otherwise the command.",
        example: "sql"
      },
      sqlite_version: {
        meaning:
          "The version of SQLite in the program that asked. One before 3.51.3 should write with PRAGMA wal_autocheckpoint = 0.",
        nullMeans: "it was requested before this was recorded",
        example: "3.53.2"
      },
      sent_at: time("When it was last sent.", { nullMeans: "it was not sent yet" }),
      found: {
        meaning: "What the provider was read to hold just before the change was last sent.",
        unit: "JSON object",
        nullMeans: "it was not sent yet",
        example: '{"status":"active"}'
      },
      ended_at: time("When it ended confirmed, rejected, in conflict or cancelled.", {
        nullMeans: "it is open"
      }),
      resolved_at: time("When a change that ended rejected or in conflict was resolved.", {
        nullMeans: "it was not, or did not have to be"
      }),
      seq
    }
  },
  {
    table: "mirror_identity",
    meaning:
      "One row: the identity of this mirror, by which a push notices that copies of the file are in use.",
    columns: {
      only_row: { meaning: "Always 1.", example: 1 },
      id: {
        meaning: "Random, made with the mirror; a copy has the same.",
        example: "9f86d081884c7d659a2feaa0c55ad015"
      }
    }
  },
  {
    table: "change_events",
    meaning: "What happened to each change, in the order in which it happened.",
    example: "SELECT at, state, detail FROM change_events WHERE change_id = 7 ORDER BY id",
    columns: {
      id: { meaning: "The row's number; orders what happened.", example: 1 },
      change_id: { meaning: "The change: status_changes.id.", example: 7 },
      at: time("When it happened."),
      state: { meaning: "The change's state from then on.", example: "sent" },
      detail: {
        meaning: "In words: the vendor's, or ours.",
        nullMeans: "there is nothing to add",
        example: "asked for by sql"
      },
      run_id: {
        meaning: "The run in which it happened: runs.id.",
        nullMeans: "no run was involved",
        example: 12
      }
    }
  },
  {
    table: "writable_statuses",
    meaning: "Which statuses each connection's provider accepts, and the word that is sent for each.",
    columns: {
      connection,
      status: { meaning: "A status that can be requested.", example: "completed" },
      provider_status: { meaning: "The word that is sent for it.", example: "ended_chat" }
    }
  },
  {
    table: "readable_statuses",
    meaning: "Which statuses each connection's provider has words for: rates of all others are not known.",
    columns: {
      connection,
      status: { meaning: "A status that a conversation of it can have.", example: "abandoned" }
    }
  }
]
