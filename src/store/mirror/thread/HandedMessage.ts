import type { Attributes, Message, Role } from "../../../domain/Conversation.ts"
import { parseExactly } from "../../../domain/exactJson.ts"
import type { Timestamp } from "../../../domain/Timestamp.ts"
import { attributesJson } from "../canonical.ts"

/** How many texts a message is handed over as. */
export const fieldsOfMessage = 9

/** A message that came from another thread. Its attributes are stored as they are written, and seldom read. */
export class HandedMessage implements Message {
  readonly messageId: string
  readonly providerId: string | null
  readonly role: Role
  readonly providerRole: string | null
  readonly type: string
  readonly content: string | null
  readonly sentAt: Timestamp | null
  readonly sentAtSource: string | null
  readonly attributesJson: string

  /** @param texts of many messages; `from` the first of this one's */
  constructor(texts: ReadonlyArray<string | null>, from: number) {
    this.messageId = texts[from] as string
    this.providerId = texts[from + 1] as string | null
    this.role = texts[from + 2] as Role
    this.providerRole = texts[from + 3] as string | null
    this.type = texts[from + 4] as string
    this.content = texts[from + 5] as string | null
    this.sentAt = texts[from + 6] as Timestamp | null
    this.sentAtSource = texts[from + 7] as string | null
    this.attributesJson = texts[from + 8] as string
  }

  get attributes(): Attributes {
    return parseExactly(this.attributesJson) as Attributes
  }
}

/** JSON text of a message's attributes, as it is stored. */
export const attributesOf = (message: Message): string =>
  message instanceof HandedMessage ? message.attributesJson : attributesJson(message.attributes)

/** Adds the texts that a message is made of again. */
export const addTexts = (texts: Array<string | null>, one: Message): void => {
  texts.push(
    one.messageId,
    one.providerId,
    one.role,
    one.providerRole,
    one.type,
    one.content,
    one.sentAt,
    one.sentAtSource,
    attributesOf(one)
  )
}
