import { Clock, Effect } from "effect"
import { atLeast, exactly } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { ProviderClient } from "../../http/client.ts"
import type { PullScope, Survey } from "../Provider.ts"
import { isOutside } from "../page.ts"
import { readList } from "./list.ts"
import { readContact } from "./normalize.ts"
import { largestLimit, listContacts, listMessages } from "./requests.ts"
import { lessonHolds, lessonName } from "./scan.ts"

/** Contacts with more messages than one request brings: at most this share more, on average. */
const furtherMessages = 0.05

/** One page of contacts. The list says neither how many there are nor where it ends. */
export const survey = <E>(
  client: ProviderClient,
  messages: boolean,
  scope: PullScope<E>
): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const lesson = scope.learned.get(lessonName)
    const isAbsent = lesson?.value === "absent" && now - toMillis(lesson.at) < lessonHolds
    const { items, next } = yield* readList(yield* client.read(listContacts({ limit: largestLimit })))
    const contacts = items.map(readContact).flatMap((wire) => ("custom_fields" in wire ? [wire] : []))
    const inside = contacts.filter((wire) => !isOutside(wire.created_at, scope))
    const known = yield* scope.known(inside.map(({ id }) => id))
    const perContact = {
      request: listMessages("any", { limit: largestLimit }),
      perConversation: { low: 1, likely: 1, high: 1 + furtherMessages }
    }
    return {
      costs: {
        once: 0,
        list: {
          request: listContacts({ limit: largestLimit }),
          requests: (rows) => Math.max(1, Math.ceil(rows / largestLimit))
        },
        inside: messages && scope.messages && !isAbsent ? [perContact] : [],
        fetched: []
      },
      listed: next === null ? exactly(items.length) : atLeast(items.length + 1),
      inside: next === null ? exactly(inside.length) : atLeast(inside.length),
      seen: {
        inside: inside.length,
        missing: inside.filter(({ id }) => known.get(id)?.deleted !== false).length,
        changed: 0,
        isAll: next === null
      },
      listMillis: null,
      unsure: next === null ? null : "Aelyst's list does not say how many contacts it holds"
    }
  })
