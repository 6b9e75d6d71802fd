import { Effect } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { isHashed } from "../../domain/phone.ts"
import type { StatusChange } from "../../domain/StatusChange.ts"
import type { Known, Likeness, Provider, SurveyScope } from "../../providers/Provider.ts"
import type { HeldConversation } from "../../store/mirror/Mirror.ts"

/*
 * What tells one account from another where the vendor does not: the conversations that it knows, and those that it lists.
 */

/** A phone number or address that can be compared; hashes say something only where they are equal: the key may be another. */
const phoneDigits = (phone: string | null): string | null =>
  phone !== null && /^[+(]?[\d\s().-]{4,}$/.test(phone) ? phone.replace(/\D/g, "") : null
const address = (email: string | null): string | null => (email?.includes("@") ? email.toLowerCase() : null)

const agreeIn =
  (form: (value: string | null) => string | null) =>
  (left: string | null, right: string | null): boolean | null =>
    left !== null && left === right && isHashed(left) ? true : agree(form(left), form(right))

const agree = (left: string | null, right: string | null): boolean | null =>
  left === null || right === null ? null : left === right

/** Whether two conversations with the same counted id are the same, as far as their fields show. */
export const areAlike = (left: Likeness, right: Likeness): boolean => {
  if (agree(left.startedAt, right.startedAt) === false) return false
  const reached = [agreeIn(phoneDigits)(left.phone, right.phone), agreeIn(address)(left.email, right.email)]
  return reached.includes(true) || !reached.includes(false)
}

/** A read of a conversation's status that changes nothing. */
const probeOf = (connection: string, { agentId, providerId }: HeldConversation): StatusChange => ({
  id: 0,
  connection,
  conversationId: `${connection}:${providerId}`,
  providerId,
  agentId,
  fromStatus: "unknown",
  requested: { status: null, category: null, summary: null, title: null, tags: [] },
  state: "pending",
  attempts: 0,
  notBefore: null,
  lastError: null,
  requestedAt: "1970-01-01T00:00:00.000Z" as StatusChange["requestedAt"],
  requestedBy: "parley",
  sentAt: null
})

/**
 * Whether the account knows any of these conversations; asks for one after the other until it does. What it refuses to show
 * it does not know. Fails where no answer could be read, or none came.
 */
export const knowsAnyOf = (
  provider: Provider,
  connection: string,
  sample: ReadonlyArray<HeldConversation>
): Effect.Effect<boolean, ProviderError> =>
  Effect.gen(function* () {
    let isAbsent = false
    let unclear: ProviderError | null = null
    for (const held of sample) {
      const read = yield* Effect.either(provider.readStatus(probeOf(connection, held)))
      if (read._tag === "Right") {
        const { right: state } = read
        if (state !== null && (state.likeness === undefined || areAlike(state.likeness, held))) return true
        isAbsent = true
        continue
      }
      const { left: error } = read
      const isRefused = error._tag === "Rejected" || (error._tag === "Unauthorized" && error.status === 403)
      if (isRefused) isAbsent = true
      else if (error._tag === "Malformed") unclear = error
      else return yield* Effect.fail(error)
    }
    return isAbsent || unclear === null ? false : yield* Effect.fail(unclear)
  })

/**
 * Whether the account's list shows conversations, and none that is held. False, too, where the list is refused: an outage
 * that answers "not found" to everything looks like an account without conversations. Counted ids are held by other
 * accounts as well: of these, the list must not show one of the sample.
 * @param heldOf what is held of these (the vendor's ids)
 */
export const listsOthers = (
  { idsAreCounted = false, survey }: Provider,
  sample: ReadonlyArray<HeldConversation>,
  heldOf: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, HeldConversation>>
): Effect.Effect<boolean, ProviderError> => {
  if (survey === undefined) return Effect.succeed(false)
  const sampled = new Set(sample.map(({ providerId }) => providerId))
  let isAnyShown = false
  let isAnyHeld = false
  const scope: SurveyScope = {
    cursor: null,
    since: null,
    until: null,
    covered: [],
    refetch: false,
    reconcile: false,
    messages: false,
    concurrency: 1,
    learned: new Map(),
    held: 0,
    isWhole: true,
    known: (ids) =>
      Effect.map(heldOf(ids), (held) => {
        isAnyShown ||= ids.length > 0
        isAnyHeld ||= idsAreCounted ? ids.some((id) => sampled.has(id)) : held.size > 0
        return new Map<string, Known>()
      })
  }
  return survey(scope).pipe(
    Effect.map(() => isAnyShown && !isAnyHeld),
    Effect.catchTags({
      Rejected: () => Effect.succeed(false),
      Malformed: () => Effect.succeed(false)
    })
  )
}
