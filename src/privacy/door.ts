import { Chunk, Effect, Stream } from "effect"
import { mapKnown } from "../domain/settled.ts"
import type { Answer, ProviderClient, StreamedAnswer } from "../http/client.ts"
import type { PersonalFields } from "./policy.ts"
import { makeRewriter, rewrite } from "./rewrite.ts"
import type { Treatment } from "./treat.ts"

/*
 * The door: whatever a vendor answers goes through here before an adapter sees it, so that nothing behind it, from raw
 * payloads to the words of errors, can hold what is not to be stored.
 */

/** How a connection's answers are treated. */
export interface Door {
  readonly fields: PersonalFields
  readonly treatment: Treatment
}

export const throughDoor = ({ fields, treatment }: Door, text: string): string =>
  rewrite(text, fields, treatment)

const whole =
  (door: Door) =>
  (answer: Answer): Answer => ({ ...answer, text: throughDoor(door, answer.text) })

const inPieces =
  (door: Door) =>
  (answer: StreamedAnswer): StreamedAnswer => ({
    ...answer,
    body: Stream.suspend(() => {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
      const encoder = new TextEncoder()
      const rewriter = makeRewriter(door.fields, door.treatment, answer.largestElement)
      const encoded = (text: string): Chunk.Chunk<Uint8Array> =>
        text === "" ? Chunk.empty() : Chunk.of(encoder.encode(text))
      const last = Stream.suspend(() =>
        Stream.fromChunk(encoded(rewriter.push(decoder.decode()) + rewriter.end()))
      )
      return Stream.concat(
        Stream.mapChunks(answer.body, (pieces) =>
          Chunk.flatMap(pieces, (piece) => encoded(rewriter.push(decoder.decode(piece, { stream: true }))))
        ),
        last
      )
    })
  })

/** The same client, whose answers have come through the door. */
export const withDoor = (client: ProviderClient, door: Door | null): ProviderClient =>
  door === null
    ? client
    : {
        read: (request) => Effect.map(client.read(request), whole(door)),
        begin: (request, done) => client.begin(request, (rest) => done(mapKnown(rest, whole(door)))),
        write: (request) => Effect.map(client.write(request), whole(door)),
        stream: (request) => Effect.map(client.stream(request), inPieces(door))
      }

/** What is kept of a value that is not in an answer; null: nothing. */
export const keptOf = (
  { treatment }: Door,
  value: string | null,
  fieldClass: "name" | "email" | "phone" | "text" | "contact"
): string | null => {
  if (value === null) return null
  const treated = treatment.text(value, fieldClass, "")
  return treated === undefined ? value : treated
}
