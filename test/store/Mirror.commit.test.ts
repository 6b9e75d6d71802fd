import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  at,
  contact,
  faults,
  freshStore,
  messagesOf,
  page,
  raw,
  rows,
  sighting,
  started
} from "./fixtures.ts"

it.scoped("stores a conversation with its contact, messages, payload and history in one page", () =>
  Effect.gen(function* () {
    const { commit, runId } = yield* started
    const totals = yield* commit([
      page(1, [
        sighting(
          { contactId: "p1", tags: ["vip"], attributes: { score: 3 } },
          {
            contact: contact({ email: "ann@example.com" }),
            messages: { extent: "whole", items: messagesOf("Hello", "Good day") },
            raw: [raw('{"id":"c1"}')],
            fingerprint: "f1"
          }
        )
      ])
    ])
    expect(totals).toEqual({
      pages: 1,
      received: 4,
      inserted: 4,
      updated: 0,
      unchanged: 0,
      filtered: 0,
      quarantined: 0,
      conversations: 1,
      messages: 2
    })
    expect(
      yield* rows(
        "SELECT id, contact_id, status, stored_messages, tags, attributes, last_seen_at FROM conversations"
      )
    ).toEqual([
      {
        id: "leads:c1",
        contact_id: "leads:p1",
        status: "active",
        stored_messages: 2,
        tags: '["vip"]',
        attributes: '{"score":3}',
        last_seen_at: at(1)
      }
    ])
    expect(yield* rows("SELECT id, position, content FROM messages ORDER BY position")).toEqual([
      { id: "leads:c1:m0", position: 0, content: "Hello" },
      { id: "leads:c1:m1", position: 1, content: "Good day" }
    ])
    expect(yield* rows("SELECT from_status, to_status, origin, run_id FROM status_history")).toEqual([
      { from_status: null, to_status: "active", origin: "provider", run_id: runId }
    ])
    expect(yield* rows("SELECT received, inserted FROM run_connections")).toEqual([
      { received: 4, inserted: 4 }
    ])
    expect(yield* faults).toEqual([])
  }).pipe(Effect.provide(freshStore))
)
