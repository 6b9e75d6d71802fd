import type { Session } from "../store/Db.ts"
import { hashedForm } from "../store/read/findConversation.ts"
import { searchMessages } from "../store/read/searchMessages.ts"

/** Messages looked at for the conversations that a search finds, and people. */
const mostMessages = 500
const mostPeople = 100

/** Conversations of people of this name, address or number. */
const ofPeople = ({ prepare }: Session, words: string, connection: string | null): ReadonlyArray<string> => {
  const like = `%${words.trim().replace(/[\\%_]/g, "\\$&")}%`
  const people = prepare(
    `SELECT id FROM contacts
     WHERE (name LIKE $like ESCAPE '\\' OR email LIKE $like ESCAPE '\\' OR phone LIKE $like ESCAPE '\\'
         OR name = $name OR email = $email OR phone = $phone)
       AND ($connection IS NULL OR connection = $connection) LIMIT ${mostPeople}`
  )
    .pluck()
    .all({
      like,
      connection,
      name: hashedForm("name", words),
      email: hashedForm("email", words),
      phone: hashedForm("phone", words)
    }) as ReadonlyArray<string>
  const conversations = prepare(
    "SELECT id FROM conversations WHERE contact_id = ? ORDER BY last_message_at DESC LIMIT 20"
  ).pluck()
  return people.flatMap((id) => conversations.all(id) as ReadonlyArray<string>)
}

interface FoundConversation {
  readonly id: string
  /** What was said there; null: it is with someone of that name. */
  readonly excerpt: string | null
}

/** Conversations with people of that name, then those in which the words were said, the most relevant first. */
export const findConversations = (
  session: Session,
  words: string,
  connection: string | null
): ReadonlyArray<FoundConversation> => {
  const found = new Map<string, FoundConversation>()
  for (const id of ofPeople(session, words, connection)) found.set(id, { id, excerpt: null })
  for (const { conversationId: id, excerpt } of searchMessages(session, {
    words,
    connection,
    limit: mostMessages
  })) {
    if (!found.has(id)) found.set(id, { id, excerpt })
  }
  return [...found.values()]
}
