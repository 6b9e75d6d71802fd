import { Either } from "effect"
import {
  isExactNumber,
  isJsonObject,
  parseExactly,
  wholeDigits,
  writeExactly,
  writtenNumber
} from "../../domain/exactJson.ts"
import { isWantedStatus, WantedStatus } from "../../domain/Status.ts"
import type { RequestedChange } from "../../domain/StatusChange.ts"
import { fromIso, type Timestamp } from "../../domain/Timestamp.ts"
import type { DestinationKeys } from "../settings.ts"

/*
 * What a platform sends to a destination, line by line.
 */

/** A record that asks for nothing that can be done. */
interface Unusable {
  /** The vendor's id of the conversation; null: it names none. */
  readonly providerId: string | null
  /** Without any of its texts. */
  readonly reason: string
}

/** A status that a record asks for. */
export interface Wish {
  /** The vendor's id of the conversation. */
  readonly providerId: string
  readonly requested: RequestedChange
  /** When it was wanted; null: the record does not say. */
  readonly wantedAt: Timestamp | null
}

export type Incoming =
  | {
      readonly _tag: "Record"
      readonly stream: string
      readonly wish: Either.Either<Wish, Unusable>
    }
  /** @param stream of which it speaks; null: of all */
  | { readonly _tag: "State"; readonly stream: string | null; readonly text: string }
  | { readonly _tag: "Ignored" }
  | { readonly _tag: "Unreadable" }

type Json = { readonly [key: string]: unknown }

/** Text, or a whole number in all its digits; null: neither. */
const textOf = (value: unknown): string | null => {
  if (typeof value === "string") return value.trim() === "" ? null : value.trim()
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null
  return isExactNumber(value) ? wholeDigits(writtenNumber(value)) : null
}

const optional = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null)

const readWish = (data: Json, connection: string, keys: DestinationKeys): Either.Either<Wish, Unusable> => {
  const fields = {
    id: keys.id_field ?? "id",
    status: keys.status_field ?? "status",
    category: keys.category_field ?? "category",
    summary: keys.summary_field ?? "summary",
    wantedAt: keys.requested_at_field ?? "requested_at"
  }
  const id = textOf(data[fields.id])
  if (id === null) return Either.left({ providerId: null, reason: `the column "${fields.id}" holds no id` })
  const providerId = id.startsWith(`${connection}:`) ? id.slice(connection.length + 1) : id
  const unusable = (reason: string) => Either.left({ providerId, reason })
  const status = data[fields.status]
  if (typeof status !== "string" || !isWantedStatus(status))
    return unusable(`the column "${fields.status}" holds none of ${WantedStatus.literals.join(", ")}`)
  const wanted = data[fields.wantedAt] ?? null
  const wantedAt = typeof wanted === "string" ? fromIso(wanted) : null
  if (wanted !== null && wantedAt === null)
    return unusable(`the column "${fields.wantedAt}" holds no moment that can be read`)
  return Either.right({
    providerId,
    requested: {
      status,
      category: optional(data[fields.category]),
      summary: optional(data[fields.summary]),
      title: null,
      tags: []
    },
    wantedAt
  })
}

const streamOf = (state: Json): string | null => {
  const descriptor = isJsonObject(state.stream) ? state.stream.stream_descriptor : null
  return isJsonObject(descriptor) && typeof descriptor.name === "string" ? descriptor.name : null
}

/** @param connection the account's name, with which ids may begin */
export const readLine = (line: string, connection: string, keys: DestinationKeys): Incoming => {
  if (line.trim() === "") return { _tag: "Ignored" }
  let message: unknown
  try {
    message = parseExactly(line)
  } catch {
    return { _tag: "Unreadable" }
  }
  if (!isJsonObject(message)) return { _tag: "Unreadable" }
  const { record, state, type } = message
  if (type === "RECORD" && isJsonObject(record) && typeof record.stream === "string") {
    const wish = isJsonObject(record.data)
      ? readWish(record.data, connection, keys)
      : Either.left({ providerId: null, reason: "it has no data" })
    return { _tag: "Record", stream: record.stream, wish }
  }
  if (type === "STATE" && isJsonObject(state))
    return { _tag: "State", stream: streamOf(state), text: writeExactly(state) }
  return type === "RECORD" || type === "STATE" ? { _tag: "Unreadable" } : { _tag: "Ignored" }
}
