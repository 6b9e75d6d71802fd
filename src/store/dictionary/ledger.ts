import { connection, count, lane, pageId, provider, runId, type TableEntry, tallies, time } from "./entry.ts"

/** How the rows got here. */
export const ledger: ReadonlyArray<TableEntry> = [
  {
    table: "runs",
    meaning: "Every execution of a command that talks to providers.",
    example: "SELECT id, command, started_at, outcome FROM runs ORDER BY id DESC LIMIT 10",
    columns: {
      id: { meaning: "The run's number.", example: 12 },
      command: { meaning: "The verb: sync, backfill, push, verify, …", example: "sync" },
      started_at: time("When it started."),
      finished_at: time("When it ended.", { nullMeans: "it is running" }),
      outcome: {
        meaning:
          "running, complete, partial (something failed or is missing, the rest is stored), failed, held (other runs were at all of it), or interrupted.",
        example: "complete"
      },
      exit_code: {
        meaning: "The command's exit code.",
        nullMeans: "it is running, or was killed",
        example: 0
      },
      host: { meaning: "The machine it ran on.", example: "worker-1" },
      pid: { meaning: "Its process id there.", example: 4242 },
      process_start: {
        meaning:
          "When the machine started that process, in the machine's own count: distinguishes it from a later process with the same number.",
        nullMeans: "the machine does not say",
        example: "48213377"
      }
    }
  },
  {
    table: "run_connections",
    meaning: "What each run did for each connection.",
    example:
      "SELECT connection, outcome, requests, received, error_message FROM run_connections WHERE run_id = 12",
    columns: {
      run_id: runId,
      connection,
      lane,
      outcome: {
        meaning: "running, complete, partial, failed, held (another run was at it) or interrupted.",
        example: "complete"
      },
      started_at: time("When the run began with this connection."),
      finished_at: time("When it was done with it.", { nullMeans: "it is running" }),
      requests: count("Requests that were sent."),
      rate_limited: count("Answers that asked to wait (429)."),
      queued: count("Answers that put the request into the vendor's queue (449)."),
      waited_ms: {
        meaning: "How long it waited for the vendor's limits.",
        unit: "milliseconds",
        example: 2500
      },
      pages: count("Pages that were stored."),
      ...tallies,
      conversations: count("Conversations among the received records."),
      messages: count("Messages among the received records."),
      changes_confirmed: count("Changes that the provider confirmed."),
      changes_queued: count("Changes that the provider queued, to be looked at again."),
      changes_rejected: count("Changes that the provider refused."),
      changes_conflict: count("Changes that ended because the provider's status had changed meanwhile."),
      changes_pending: count("Changes that still wait to be sent."),
      error_kind: {
        meaning: "What went wrong, in a word for programs.",
        nullMeans: "nothing did",
        example: "rate_limited"
      },
      error_message: {
        meaning: "What went wrong, in words.",
        nullMeans: "nothing did",
        example: "the key is not accepted"
      },
      error_hint: {
        meaning: "What to do about it.",
        nullMeans: "nothing went wrong",
        example: "check INBOX_TOKEN"
      }
    }
  },
  {
    table: "pages",
    meaning:
      "Every request whose answer was stored: at most 500 records, committed together with all that came from them.",
    example: "SELECT operation, path, status, received FROM pages WHERE run_id = 12",
    columns: {
      id: { meaning: "The page's number.", example: 4711 },
      run_id: runId,
      connection,
      lane,
      operation: { meaning: "What was requested, in the adapter's words.", example: "list conversations" },
      method: { meaning: "The HTTP method.", example: "GET" },
      path: {
        meaning: "The URL's path and query, without host and secrets.",
        example: "/agents/agent-1/convos?limit=20"
      },
      status: { meaning: "The HTTP status of the answer.", example: 200 },
      requested_at: time("When the request was sent."),
      received_at: time("When the answer was there."),
      bytes: { meaning: "Size of the answer.", unit: "bytes", example: 20480 },
      ...tallies
    }
  },
  {
    table: "quarantine",
    meaning:
      "Records that could not be read, kept whole. The next good sighting of a record resolves its rows; parley quarantine retry reads them again, parley quarantine dismiss accepts that they are broken.",
    example:
      "SELECT connection, kind, reason, path FROM quarantine WHERE resolved_at IS NULL AND dismissed_at IS NULL",
    columns: {
      id: { meaning: "The row's number.", example: 3 },
      connection,
      kind: { meaning: "What the record is, in the adapter's words.", example: "message" },
      provider_id: {
        meaning: "The vendor's id of the record.",
        nullMeans: "it could not be read",
        example: "m-17"
      },
      conversation_provider_id: {
        meaning: "The vendor's id of the conversation that the record belongs to.",
        nullMeans: "it could not be read",
        example: "DL2kG9YWdZpGGOn"
      },
      reason: { meaning: "What is wrong with it, in words.", example: 'expected a number, got "twelve"' },
      path: { meaning: "Where in the record: a JSON path.", example: "$.messages[3].timestamp" },
      payload: {
        meaning: "The record as it came.",
        unit: "JSON",
        example: '{"id":"m-17","timestamp":"twelve"}'
      },
      payload_hash: { meaning: "Tells payloads apart.", example: "b1946ac9" },
      seen: count("How often it was received like this.", { example: 1 }),
      first_seen_at: time("When it was first received."),
      last_seen_at: time("When it was last received."),
      resolved_at: time("When a good sighting of the record was stored.", {
        nullMeans: "it is still not readable"
      }),
      dismissed_at: time(
        "When it was accepted as broken: runs end complete despite it, and it no longer counts as open. It counts again if the record changes.",
        { nullMeans: "it was not" }
      ),
      page_id: { ...pageId, meaning: "The request that last brought it: pages.id." }
    }
  },
  {
    table: "raw_records",
    meaning:
      "What the vendors sent, as it came: everything else can be made again from it. lineage leads from any row to its raw records.",
    example:
      "SELECT kind, observed_at, encoding, payload_length FROM raw_records WHERE conversation_provider_id = '…'",
    columns: {
      key: { meaning: "The row's number.", example: 99 },
      connection,
      kind: {
        meaning: "What the record is, in the adapter's words: conversation, export, message, …",
        example: "conversation"
      },
      provider_id: { meaning: "The vendor's id of the record.", example: "DL2kG9YWdZpGGOn" },
      conversation_provider_id: {
        meaning: "The vendor's id of the conversation that the record belongs to.",
        example: "DL2kG9YWdZpGGOn"
      },
      hash: { meaning: "Tells versions of a record apart.", example: "b1946ac9" },
      newest: {
        meaning:
          "1: the newest version; 0: an older one, or of a message that is gone at the vendor, kept with keepRaw: all.",
        example: 1
      },
      encoding: {
        meaning:
          "How payload is stored: json (plain text), or brotli (a block of records, compressed together; Python: brotli.decompress(payload)[payload_start:][:payload_length]).",
        example: "brotli"
      },
      payload: {
        meaning: "The record as it came, or the block that it is in.",
        unit: "JSON, as encoding says"
      },
      payload_start: { meaning: "Where in the block it begins.", unit: "bytes", example: 0 },
      payload_length: { meaning: "How long it is.", unit: "bytes", example: 1200 },
      observed_at: time("When the request was sent that brought it."),
      page_id: { ...pageId, meaning: "The request that brought it: pages.id." }
    }
  },
  {
    table: "connections",
    meaning: "Every account that was ever synchronized into this file.",
    columns: {
      name: { ...connection, meaning: "The name that the configuration gives it." },
      provider,
      conflict_policy: {
        meaning: "Who wins where both sides changed a status: manual, remote-wins or local-wins.",
        example: "manual"
      },
      first_seen_at: time("When it was first synchronized."),
      last_complete_scan_at: time("When the last scan began that listed everything the account holds.", {
        nullMeans: "no scan was complete yet"
      }),
      forgotten_at: time("When it was forgotten: since then nothing of it is stored.", {
        nullMeans: "it was not, or was taken up again"
      }),
      privacy: {
        meaning:
          "The privacy that all that is stored of it follows, as JSON: names, emails and phones are keep, hash or drop, texts keep, mask or drop; mixed: some of it was stored under another setting. key tells one key of hashes from another.",
        nullMeans: "all is as it came",
        example: '{"emails":"hash","names":"drop","phones":"hash","texts":"mask","key":"1f0c2a41"}'
      }
    }
  },
  {
    table: "covered_ranges",
    meaning:
      "Which conversations were listed whole, by when they began: what a backfill need not ask for again. Between the ranges are the gaps.",
    example: "SELECT connection, since, until, listed_at FROM covered_ranges ORDER BY connection, since",
    columns: {
      id: { meaning: "The row's number.", example: 3 },
      connection,
      subject: {
        meaning:
          "The settings that decide what the account shows, as a hash: ranges that were listed with others do not count.",
        example: "5f0c2a41"
      },
      since: time("The first moment inside.", { nullMeans: "everything before until" }),
      until: time("The first moment outside."),
      listed_at: time("When the scan began that listed them.")
    }
  },
  {
    table: "freshness",
    meaning: "How current and how whole each connection's data is.",
    example: "SELECT * FROM freshness",
    columns: {
      connection,
      provider,
      last_complete_sync_at: time("When the last scan began that listed everything the account holds.", {
        nullMeans: "no scan was complete yet"
      }),
      last_attempt_at: time("When a sync or backfill last began.", { nullMeans: "none did" }),
      last_attempt_outcome: {
        meaning: "How it ended: complete, partial, failed, held, interrupted; or running.",
        nullMeans: "none began",
        example: "complete"
      },
      newest_message_at: time("When the newest message was sent.", { nullMeans: "there is none" }),
      conversations: count("Conversations that the provider still has."),
      conversations_incomplete: count(
        "Conversations with fewer messages stored than the vendor says there are."
      ),
      changes_open: count("Changes requested here that the provider has not confirmed yet."),
      quarantined: count("Records in quarantine that were not dismissed.")
    }
  },
  {
    table: "account_bindings",
    meaning:
      "Whose account each connection speaks for. The newest row of a connection counts, the others are history.",
    example: "SELECT connection, account, reason, bound_at FROM account_bindings ORDER BY id",
    columns: {
      id: { meaning: "The binding's number.", example: 1 },
      connection,
      account: {
        meaning: "The vendor's id of the account.",
        nullMeans: "the vendor does not say; the stored conversations show whether it is the same",
        example: "665f1a2b3c4d5e6f7a8b9c0e"
      },
      reason: {
        meaning: "first: its first run; rebind: a person accepted another account (`parley sync --rebind`).",
        example: "first"
      },
      bound_at: time("When it was bound."),
      run_id: { ...runId, nullMeans: "it was bound outside of a run" }
    }
  },
  {
    table: "requests_refused",
    meaning:
      "Requests that a provider refused (a status of 400 or more) or left unanswered, in the order in which they were sent; of a run that had more than 1,000 of a connection, the first and the last 500.",
    example:
      "SELECT at, connection, operation, status, retry_after FROM requests_refused ORDER BY id DESC LIMIT 20",
    columns: {
      id: { meaning: "The row's number.", example: 1 },
      run_id: runId,
      connection,
      operation: { meaning: "What was requested, in words.", example: "list conversations" },
      method: { meaning: "The HTTP method.", example: "GET" },
      path: {
        meaning: "The path, with the names of its query and without their values.",
        example: "/v1/contacts?cursor=&limit="
      },
      status: {
        meaning: "The status of the answer.",
        nullMeans: "no answer came, or not the whole of one",
        example: 429
      },
      retry_after: {
        meaning: "The header Retry-After, as it came.",
        nullMeans: "there was none",
        example: "30"
      },
      attempt: { meaning: "How often the request had been sent by then, from 1.", example: 1 },
      milliseconds: {
        meaning: "From the request to its answer, or to the end of waiting for one.",
        unit: "milliseconds",
        example: 212
      },
      at: time("When the request left.")
    }
  },
  {
    table: "migrations",
    meaning: "The steps that made this file's tables.",
    columns: {
      version: { meaning: "The file's version after the step.", example: 3 },
      name: { meaning: "What the step is about.", example: "analysis" },
      applied_at: time("When it was taken."),
      program_version: { meaning: "The Parley that took it.", example: "0.1.0" }
    }
  }
]
