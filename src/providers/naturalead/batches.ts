import { Effect, Either, Stream } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { Malformed, type ProviderError } from "../../domain/ProviderError.ts"
import { pageSize } from "../Provider.ts"
import { type Envelope, makeSplitter, type SplitFault } from "./splitter.ts"
import { decodeEnvelope, listNames } from "./wire.ts"

/** Some elements of a list that is still arriving, each as its UTF-8 bytes. */
export interface Batch {
  readonly elements: ReadonlyArray<Uint8Array>
  /** Bytes of the body that came since the batch before. */
  readonly bytes: number
  /** Only on the last batch, and only of a body that came whole. */
  readonly end: {
    readonly elements: number
    /** How long the list says it is; null: it does not say. */
    readonly total: number | null
  } | null
}

/** A batch is handed on at so many bytes, however few its elements: they are all in memory at once. */
const batchBytes = 1 << 18

const notAList = (fault: SplitFault): Malformed =>
  new Malformed({
    message: `NaturaLead's answer to "list conversations" is not a whole JSON list: ${fault.reason}, at byte ${fault.offset}`,
    hint: "what came before is stored; check baseUrl if this stays, else the next run reads the list again",
    where: "list conversations",
    detail: fault.reason
  })

const totalOf = (fields: Readonly<Record<string, Json>>): number | null =>
  Either.match(decodeEnvelope(fields), { onLeft: () => null, onRight: (envelope) => envelope.total })

/**
 * The elements of a body, in batches of at most a page's records, while it arrives. Whatever came whole is handed on
 * before a failure: of the connection, or `Malformed` where the body is no list or ends before it does.
 *
 * @param largestElement bytes of an element that are read at most
 */
export const batchesOf = <E>(
  body: Stream.Stream<Uint8Array, E>,
  largestElement?: number
): Stream.Stream<Batch, E | Malformed> =>
  Stream.suspend(() => {
    let elements: Array<Uint8Array> = []
    let elementBytes = 0
    let bytes = 0
    const ready: Array<Either.Either<Batch, Malformed>> = []
    const flush = (end: Batch["end"]): void => {
      ready.push(Either.right({ elements, bytes, end }))
      elements = []
      elementBytes = 0
      bytes = 0
    }
    const take = () => ready.splice(0)
    const splitter = makeSplitter(
      listNames,
      (element) => {
        elements.push(element)
        elementBytes += element.length
        if (elements.length >= pageSize || elementBytes >= batchBytes) flush(null)
      },
      largestElement
    )
    const stop = (fault: SplitFault): void => {
      if (elements.length > 0) flush(null)
      ready.push(Either.left(notAList(fault)))
    }
    const finish = (envelope: Envelope): void =>
      flush({ elements: envelope.elements, total: totalOf(envelope.fields) })

    const arriving = body.pipe(
      Stream.mapConcat((piece) => {
        bytes += piece.length
        const fault = splitter.push(piece)
        if (fault !== null) stop(fault)
        return take()
      }),
      Stream.catchAll((error) => {
        if (elements.length > 0) flush(null)
        return Stream.concat(Stream.fromIterable(take()), Stream.fail(error))
      })
    )
    const ending = Stream.suspend(() => {
      Either.match(splitter.end(), { onLeft: stop, onRight: finish })
      return Stream.fromIterable(take())
    })
    return Stream.concat(arriving, ending).pipe(Stream.mapEffect((batch) => batch))
  })

/** The first element of a list, without waiting for the others; null: the list is empty. */
export const firstElement = (
  body: Stream.Stream<Uint8Array, ProviderError>
): Effect.Effect<Uint8Array | null, ProviderError> =>
  Effect.suspend(() => {
    let first: Uint8Array | null = null
    const splitter = makeSplitter(listNames, (element) => {
      first ??= element
    })
    return body.pipe(
      Stream.mapEffect((piece) => {
        const fault = splitter.push(piece)
        return fault === null || first !== null ? Effect.succeed(first) : Effect.fail(notAList(fault))
      }),
      Stream.takeUntil((found) => found !== null),
      Stream.runDrain,
      Effect.flatMap(() =>
        first !== null
          ? Effect.succeed(first)
          : Either.match(splitter.end(), {
              onLeft: (fault) => Effect.fail(notAList(fault)),
              onRight: () => Effect.succeed(null)
            })
      )
    )
  })
