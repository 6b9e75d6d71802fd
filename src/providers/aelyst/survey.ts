import { Clock, Effect } from "effect"
import { atLeast, exactly } from "../../domain/Interval.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { ProviderClient } from "../../http/client.ts"
import { mostLooks } from "../kit/listSampling.ts"
import { isOutside, lessonOf } from "../kit/page.ts"
import type { Written } from "../kit/written.ts"
import type { Survey, SurveyScope } from "../Provider.ts"
import { makeWalk, mostContactResponses, readList } from "./list.ts"
import { readContact } from "./normalize.ts"
import { contactsLimit, listContacts, listMessages, messagesLimit } from "./requests.ts"
import { lessonName } from "./scan.ts"

/** Contacts with more messages than one request brings: at most this share more, on average. */
const furtherMessages = 0.05

/** The first pages of contacts. The list says neither how many there are nor where it ends. */
export const survey = <E>(
  client: ProviderClient,
  messages: boolean,
  scope: SurveyScope<E>
): Effect.Effect<Survey, ProviderError | E> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const isAbsent = lessonOf(scope, lessonName, now) === "absent"
    const walk = makeWalk("list contacts", mostContactResponses)
    const listed: Array<Written> = []
    let cursor: string | null | undefined
    // If the mirror holds everything, it says more than a few pages would.
    const most = scope.isWhole ? 1 : mostLooks
    for (let looks = 0; cursor !== null && looks < most; looks += 1) {
      const paging = cursor === undefined ? {} : { cursorId: cursor }
      const { items, next } = yield* readList(
        yield* client.read(listContacts({ limit: contactsLimit, ...paging }))
      )
      listed.push(...walk.fresh(items, "id"))
      if (next !== null) yield* walk.goOn(next)
      cursor = next
    }
    const isAll = cursor === null
    const inside = listed
      .map(readContact)
      .flatMap((wire) => ("custom_fields" in wire && !isOutside(wire.created_at, scope) ? [wire.id] : []))
    const known = yield* scope.known(inside)
    const missing = inside.filter((id) => known.get(id)?.deleted !== false).length
    const perContact = {
      request: listMessages("any", { limit: messagesLimit }),
      perConversation: { low: 1, likely: 1, high: 1 + furtherMessages }
    }
    return {
      costs: {
        once: 0,
        list: {
          request: listContacts({ limit: contactsLimit }),
          // One more asks what follows the last contact.
          requests: (rows) => (rows === 0 ? 1 : Math.ceil(rows / contactsLimit) + 1)
        },
        inside: messages && scope.messages && !isAbsent ? [perContact] : [],
        fetched: []
      },
      listed: isAll ? exactly(listed.length) : atLeast(listed.length + 1),
      inside: isAll ? exactly(inside.length) : atLeast(inside.length),
      missing: isAll ? exactly(missing) : atLeast(missing),
      // All contacts are asked for their messages: no number of changes matters.
      changed: exactly(0),
      listMillis: null,
      unsure: isAll ? null : "Aelyst's list does not say how many contacts it holds"
    }
  })
