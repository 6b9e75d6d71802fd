import { Effect, Either, Stream } from "effect"
import { Malformed, type ProviderError } from "../../domain/ProviderError.ts"
import type { StreamedAnswer } from "../../http/client.ts"
import { failedInWords, malformed, pagingIn, saysMore, statesFailure } from "../kit/answer.ts"
import { pageSize } from "../Provider.ts"
import { title } from "./facts.ts"
import { type Envelope, makeSplitter, type Recognise, type SplitFault, type Splitter } from "./splitter.ts"
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
    /** It says that more follows. */
    readonly more: boolean
  } | null
}

/** A batch is handed on at so many bytes, however few its elements: they are all in memory at once. */
const batchBytes = 1 << 18

const operation = "list conversations"

/** The answer says that it failed, in the fields around the list; null: it does not. */
const failureIn = (
  fields: ReturnType<Splitter["fields"]>,
  words: StreamedAnswer["words"]
): Malformed | null =>
  statesFailure(fields) ? failedInWords(title, operation, words(JSON.stringify(fields))) : null

/** What is around the list may say why there is none. */
const notAList = (
  fault: SplitFault,
  fields: ReturnType<Splitter["fields"]>,
  words: StreamedAnswer["words"]
): Malformed => {
  const said = Object.keys(fields).length === 0 ? "" : words(JSON.stringify(fields))
  return new Malformed({
    message: `${title}'s answer to "${operation}" is not a whole JSON list: ${fault.reason}, at byte ${fault.offset}${said === "" ? "" : `; it says: ${said}`}`,
    hint: `what came before is stored; ${fault.isTooLong === true ? "if it is right, allow more with maxAnswer of this connection" : "check baseUrl if this stays, else the next run reads the list again"}`,
    where: operation,
    detail: fault.reason
  })
}

type ListAnswer = Pick<StreamedAnswer, "body" | "headers" | "largestElement" | "words">

/**
 * The elements of a body, in batches of at most a page's records, while it arrives. Whatever came whole is handed on
 * before a failure: of the connection, or `Malformed` where the body is no list, ends before it does, or says that it
 * failed.
 * @param recognise as of the splitter
 */
export const batchesOf = (
  { body, headers, largestElement, words }: ListAnswer,
  recognise?: Recognise
): Stream.Stream<Batch, ProviderError> =>
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
      largestElement,
      recognise
    )
    const stop = (failure: Malformed): void => {
      if (elements.length > 0) flush(null)
      ready.push(Either.left(failure))
    }
    const stopAt = (fault: SplitFault): void =>
      stop(failureIn(splitter.fields(), words) ?? notAList(fault, splitter.fields(), words))
    const finish = (envelope: Envelope): void => {
      const { elements, fields } = envelope
      const failure = failureIn(fields, words)
      const around = decodeEnvelope(fields)
      if (failure !== null) stop(failure)
      else if (Either.isRight(around)) {
        const paging = pagingIn(headers)
        const total = around.right.total ?? paging.total
        flush({ elements, total, more: paging.more || saysMore(fields) })
      } else stop(malformed(title, operation, `${around.left.reason} at ${around.left.path}`))
    }

    const arriving = body.pipe(
      Stream.mapConcat((piece) => {
        bytes += piece.length
        const fault = splitter.push(piece)
        if (fault !== null) stopAt(fault)
        return take()
      }),
      Stream.catchAll((error) => {
        if (elements.length > 0) flush(null)
        return Stream.concat(Stream.fromIterable(take()), Stream.fail(error))
      })
    )
    const ending = Stream.suspend(() => {
      Either.match(splitter.end(), { onLeft: stopAt, onRight: finish })
      return Stream.fromIterable(take())
    })
    return Stream.concat(arriving, ending).pipe(Stream.mapEffect((batch) => batch))
  })

/** The first element of a list, without waiting for the others; null: the list is empty. */
export const firstElement = ({
  body,
  words
}: Pick<StreamedAnswer, "body" | "words">): Effect.Effect<Uint8Array | null, ProviderError> =>
  Effect.suspend(() => {
    let first: Uint8Array | null = null
    const splitter = makeSplitter(listNames, (element) => {
      first ??= element
    })
    return body.pipe(
      Stream.mapEffect((piece) => {
        const fault = splitter.push(piece)
        const failure = failureIn(splitter.fields(), words)
        if (failure !== null) return Effect.fail(failure)
        return fault === null || first !== null
          ? Effect.succeed(first)
          : Effect.fail(notAList(fault, splitter.fields(), words))
      }),
      Stream.takeUntil((found) => found !== null),
      Stream.runDrain,
      Effect.flatMap(() =>
        first !== null
          ? Effect.succeed(first)
          : Either.match(splitter.end(), {
              onLeft: (fault) => Effect.fail(notAList(fault, splitter.fields(), words)),
              onRight: () => Effect.succeed(null)
            })
      )
    )
  })
