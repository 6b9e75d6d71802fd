import { Effect, Either } from "effect"
import type { Json } from "../../domain/Conversation.ts"
import { isRecord } from "../../domain/isRecord.ts"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Answer, ProviderClient, ProviderRequest } from "../../http/client.ts"
import type { ContractFinding } from "../Provider.ts"
import { isMissing, statesFailure } from "./answer.ts"
import { parseJson } from "./decode.ts"
import type { Facts, FieldFact } from "./facts.ts"

/*
 * A live account compared with what its vendor documents. Only reads are sent, and of what they answer only types,
 * documented words and counts are reported, never a customer's text.
 */

interface Seen {
  readonly ok: boolean
  readonly detail: string
}

/** What a few reads showed of an account, by the names of the facts. */
interface Sample {
  readonly endpoints: Record<string, Seen>
  readonly sizes: Record<string, Seen>
  /** Requests allowed in a window, as the vendor's headers say. */
  readonly rates: Record<string, number>
  readonly records: Record<string, ReadonlyArray<Json>>
}

export const emptySample = (): Sample => ({ endpoints: {}, sizes: {}, rates: {}, records: {} })

/** Sends one read and notes how its endpoint answered; null: not as documented. */
export const sampleEndpoint = (
  client: ProviderClient,
  sample: Sample,
  name: string,
  request: ProviderRequest
): Effect.Effect<Answer | null, ProviderError> => {
  const differs = (detail: string) =>
    Effect.sync(() => {
      sample.endpoints[name] = { ok: false, detail }
      return null
    })
  const refused = ({ message }: { readonly message: string }) => differs(message)
  return Effect.flatMap(client.read(request), (answer): Effect.Effect<Answer | null> => {
    if (isMissing(answer)) return differs(`answered ${answer.status}`)
    const json = parseJson(answer.text)
    if (Either.isLeft(json)) return differs("the answer is no JSON")
    if (statesFailure(json.right)) return differs(`says that it failed: ${answer.words(answer.text)}`)
    sample.endpoints[name] = { ok: true, detail: `answered ${answer.status}` }
    return Effect.succeed(answer)
  }).pipe(Effect.catchTags({ Malformed: refused, Rejected: refused, Unauthorized: refused }))
}

/** Notes how many rows came where the largest page was requested. */
export const sampleSize = (sample: Sample, name: string, rows: number | null, most: number): void => {
  sample.sizes[name] =
    rows === null
      ? { ok: false, detail: `a page of ${most} is refused` }
      : { ok: rows <= most, detail: `asked for ${most}, ${rows} came` }
}

/** The JSON type of a value, as facts name it. */
const typeOf = (value: Json): string => {
  if (Array.isArray(value)) return "list"
  if (isRecord(value)) return "object"
  if (typeof value === "boolean") return "flag"
  return typeof value === "string" ? "text" : "number"
}

const takes = (fact: FieldFact, type: string): boolean => {
  const documented = fact.replace("?", "")
  return documented === "any" || documented.split(" or ").includes(type)
}

type Verdict = Pick<ContractFinding, "verdict" | "seen">

const notSeen = (seen = ""): Verdict => ({ verdict: "not seen", seen })

const fieldVerdict = (name: string, fact: FieldFact, records: ReadonlyArray<Json>): Verdict => {
  const found = records.filter((record) => isRecord(record))
  if (found.length === 0) return notSeen("no such record")
  const values = found.flatMap((record) => {
    const value = record[name]
    return value === undefined || value === null ? [] : [value]
  })
  const others = [...new Set(values.map(typeOf))].filter((type) => !takes(fact, type))
  if (others.length > 0) return { verdict: "differs", seen: `${others.join(", ")} instead of ${fact}` }
  const missing = found.length - values.length
  if (!fact.endsWith("?") && missing > 0) {
    return { verdict: "differs", seen: `missing in ${missing} of ${found.length}` }
  }
  return values.length === 0
    ? notSeen("in no record")
    : { verdict: "ok", seen: `in ${values.length} records` }
}

/** An undocumented word is shown if it looks like a single word: anything longer may be a customer's text. */
const shown = (word: string): string => (/^[\w-]{1,32}$/.test(word) ? word : "another text")

const wordsVerdict = (field: string, words: ReadonlyArray<string>, records: ReadonlyArray<Json>): Verdict => {
  const values = records
    .filter((record) => isRecord(record))
    .flatMap((record) => {
      const value = record[field]
      return typeof value === "string" ? [value] : []
    })
  const others = [...new Set(values)].filter((value) => !words.includes(value)).map(shown)
  if (others.length > 0) return { verdict: "differs", seen: `also ${[...new Set(others)].join(", ")}` }
  return values.length === 0 ? notSeen("no value") : { verdict: "ok", seen: [...new Set(values)].join(", ") }
}

const seenVerdict = (seen: Seen | undefined, otherwise: string): Verdict =>
  seen === undefined ? notSeen(otherwise) : { verdict: seen.ok ? "ok" : "differs", seen: seen.detail }

/** Each documented fact beside what a sample showed of it. */
export const compareWith = (facts: Facts, sample: Sample): ReadonlyArray<ContractFinding> => {
  const entries = Object.entries
  const anyOk = Object.values(sample.endpoints).some(({ ok }) => ok)
  return [
    {
      fact: `credential in ${facts.credential.is.header}`,
      source: facts.credential.source,
      ...(anyOk ? { verdict: "ok" as const, seen: "taken" } : notSeen("no request was served"))
    },
    ...entries(facts.endpoints).map(([name, { is, source }]): ContractFinding => {
      const otherwise = is.startsWith("GET")
        ? "nothing to ask it for"
        : "not tried, since it may change something"
      return { fact: `endpoint ${is}`, source, ...seenVerdict(sample.endpoints[name], otherwise) }
    }),
    ...entries(facts.sizes).map(
      ([name, { is, source }]): ContractFinding => ({
        fact: `at most ${is}: ${name}`,
        source,
        ...seenVerdict(sample.sizes[name], "not tried")
      })
    ),
    ...entries(facts.rates).map(([name, { is, source }]): ContractFinding => {
      const stated = sample.rates[name]
      const fact = `${is.requests} requests in ${is.perMillis} ms: ${name}`
      if (stated === undefined) return { fact, source, ...notSeen("no header says it") }
      return { fact, source, verdict: stated === is.requests ? "ok" : "differs", seen: `it says ${stated}` }
    }),
    ...entries(facts.words).map(([name, { is, source }]): ContractFinding => {
      const [kind = "", field = ""] = name.split(".")
      const fact = `words of ${name}: ${is.join(", ")}`
      if (kind === "write") return { fact, source, ...notSeen("not tried, since it would change something") }
      return { fact, source, ...wordsVerdict(field, is, sample.records[kind] ?? []) }
    }),
    ...entries(facts.records).flatMap(([kind, { is, source }]) =>
      entries(is).map(
        ([field, fact]): ContractFinding => ({
          fact: `field ${kind}.${field}: ${fact.replace("?", ", or none")}`,
          source,
          ...fieldVerdict(field, fact, sample.records[kind] ?? [])
        })
      )
    )
  ]
}

/** The records under a field of an answer, or the list that it is; of anything else none. */
export const recordsOf = (answer: Answer | null, field: string | null): ReadonlyArray<Json> => {
  const json = answer === null ? null : Either.getOrNull(parseJson(answer.text))
  const list = field === null ? json : isRecord(json) ? json[field] : null
  return Array.isArray(list)
    ? (list as ReadonlyArray<Json>)
    : list === null || list === undefined
      ? []
      : [list]
}

/** A number in a header; undefined: there is none. */
export const headerNumber = (headers: Readonly<Record<string, string>>, name: string): number | undefined => {
  const value = headers[name]
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined
}
