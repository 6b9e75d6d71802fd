import { Either, Redacted, Schema } from "effect"
import type { ConnectionConfig, Registry } from "../config/Config.ts"
import { readConnection } from "../config/connection.ts"
import { type JsonObject, jsonSchemaOf } from "../config/jsonSchema.ts"
import { nearest } from "../config/nearest.ts"
import { needsBaseUrl } from "../config/neededKeys.ts"
import { ConnectionName } from "../config/schema.ts"
import { decode } from "../config/schemaFaults.ts"
import { keysOf } from "../config/schemaKeys.ts"
import { formatPath } from "../config/yamlSource.ts"
import { isRecord } from "../domain/isRecord.ts"
import { fromIso, type Timestamp } from "../domain/Timestamp.ts"
import { shortestKey } from "../privacy/key.ts"
import { isKeyed, keepsEverything, type Privacy } from "../privacy/policy.ts"
import type { AnyProviderDefinition } from "../providers/Provider.ts"

/*
 * What a platform's form asks for, and how it becomes a connection. One Schema makes the form and reads what it gives.
 */

const dateTime = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?Z)?$"

const StartDate = Schema.String.pipe(
  Schema.pattern(new RegExp(dateTime)),
  Schema.filter((written) => fromIso(written) !== null)
).annotations({
  description: "Only conversations that began at this moment or later (UTC). Empty: all of them.",
  message: () => ({ message: "not a moment; write it as 2026-01-31T00:00:00Z", override: true })
})

const whole = (from: number, to: number, description: string) =>
  Schema.Number.pipe(Schema.int(), Schema.between(from, to)).annotations({
    description,
    message: () => ({ message: `expected a whole number from ${from} to ${to}`, override: true })
  })

const text = (description: string) => Schema.String.annotations({ description })

/** What both connectors ask for, beside the provider and its credentials. */
const common = {
  connection: Schema.optional(
    ConnectionName.annotations({
      description:
        "The account's name, which begins every id: small letters, digits and hyphens. Empty: the provider's."
    })
  ),
  base_url: Schema.optional(
    text("Where requests go, with the provider's prefix. Empty: where the provider says.")
  ),
  quota: Schema.optional(
    whole(
      1,
      100,
      "Percent of the provider's limits to use. Connectors on other machines are not seen: give each its share."
    )
  ),
  max_wait_seconds: Schema.optional(
    whole(0, 86_400, "The longest single wait that a provider may ask for. Empty: 3600.")
  )
}

const personal = (what: string) =>
  Schema.optional(
    Schema.Literal("keep", "hash", "drop").annotations({
      description: `${what}: keep, hash (equal ones stay equal) or drop, before anything is sent on. Empty: keep.`
    })
  )

export const SourceKeys = Schema.Struct({
  ...common,
  start_date: Schema.optional(StartDate),
  mirror: Schema.optional(
    text(
      "Path of a mirror (parley.db) on the machine that runs this connector. Its rows are read, by commit, and no provider is asked."
    )
  ),
  mirror_sync: Schema.optional(
    Schema.Boolean.annotations({
      description: "Pull what changed at the provider into that mirror first."
    })
  ),
  checkpoint_seconds: Schema.optional(
    whole(0, 3600, "A state is sent at most so often, but at the end. Empty: 60.")
  ),
  privacy_names: personal("Names of people"),
  privacy_emails: personal("E-mail addresses"),
  privacy_phones: personal("Telephone numbers"),
  privacy_texts: Schema.optional(
    Schema.Literal("keep", "mask", "drop").annotations({
      description:
        "What was written: keep, mask (e-mail addresses, telephone, card and account numbers in it) or drop. Empty: keep."
    })
  ),
  hash_key: Schema.optional(
    Schema.String.pipe(Schema.minLength(shortestKey)).annotations({
      description: `The key of hashes, ${shortestKey} characters or more. Another key makes other hashes, so keep it.`,
      message: () => ({ message: `a key needs ${shortestKey} characters or more`, override: true })
    })
  )
})
export type SourceKeys = typeof SourceKeys.Type

const field = (usual: string, description: string) =>
  Schema.optional(
    Schema.String.pipe(Schema.minLength(1)).annotations({
      description: `${description} Empty: ${usual}.`,
      message: () => ({ message: "expected a column's name", override: true })
    })
  )

export const DestinationKeys = Schema.Struct({
  ...common,
  id_field: field("id", "Column with the conversation's id: the provider's own, or <connection>:<that>."),
  status_field: field("status", "Column with the wanted status."),
  category_field: field("category", "Column with a closing note's category, where the provider takes one."),
  summary_field: field("summary", "Column with a closing note's text, beside a category."),
  requested_at_field: field(
    "requested_at",
    "Column that says when the status was wanted. What changed at the provider after that is a conflict."
  ),
  on_conflict: Schema.optional(
    Schema.Literal("keep_remote", "keep_local").annotations({
      description:
        "Where the status changed at the provider meanwhile: keep_remote (usual) rejects the record, keep_local sends it."
    })
  ),
  push_brake: Schema.optional(
    whole(
      0,
      1_000_000,
      "The most status changes that one run may send; with more, it ends with an error. Empty: 100."
    )
  ),
  dry_run: Schema.optional(
    Schema.Boolean.annotations({ description: "Read and compare, and change nothing." })
  ),
  outbox: Schema.optional(
    text(
      "Path of a mirror (parley.db) that keeps requested changes between runs. Empty: they live as long as the run."
    )
  )
})
export type DestinationKeys = typeof DestinationKeys.Type

/** Not shown: for tests, and for what only a machine's owner can know. */
const hidden: ReadonlySet<string> = new Set(["base_url", "checkpoint_seconds"])
const secretKeys: ReadonlySet<string> = new Set(["hash_key"])

const titleOf = (name: string): string => {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ")
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase()
}

/** Only the mirror is read, and no provider named. */
const onlyMirror = "mirror"

const variantOf = (definition: AnyProviderDefinition): JsonObject => {
  const keys = keysOf(definition.settings)
  const properties: Record<string, JsonObject> = {
    provider: { type: "string", const: definition.id, order: 0 }
  }
  for (const [index, key] of keys.entries()) {
    properties[key.name] = {
      title: titleOf(key.name),
      ...(key.secret ? { type: "string", minLength: 1, airbyte_secret: true } : jsonSchemaOf(key.ast)),
      order: index + 1
    }
  }
  if (needsBaseUrl(definition)) {
    properties.base_url = {
      title: "Address",
      type: "string",
      description: "Where your account is reached, such as https://api.example.com.",
      order: keys.length + 1
    }
  }
  return {
    title: definition.title,
    type: "object",
    required: ["provider", ...keys.filter(({ required }) => required).map(({ name }) => name)],
    properties
  }
}

/** The JSON Schema (draft 7) of what a connector is configured with. @param withMirror a mirror alone will do */
export const connectionSpecification = <A, I>(
  registry: Registry,
  keys: Schema.Schema<A, I>,
  withMirror: boolean
): JsonObject => {
  const variants = Object.values(registry).map(variantOf)
  const mirror: JsonObject = {
    title: "A mirror alone",
    type: "object",
    required: ["provider"],
    properties: { provider: { type: "string", const: onlyMirror, order: 0 } }
  }
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Parley",
    type: "object",
    required: ["provider"],
    additionalProperties: true,
    properties: {
      provider: {
        title: "Provider",
        description: "Who holds the conversations, and how to log in there.",
        type: "object",
        order: 0,
        oneOf: withMirror ? [...variants, mirror] : variants
      },
      ...Object.fromEntries(
        keysOf(keys).map(({ ast, name }, index) => [
          name,
          {
            title: titleOf(name),
            ...jsonSchemaOf(ast),
            order: index + 1,
            ...(hidden.has(name) ? { airbyte_hidden: true } : {}),
            ...(secretKeys.has(name) ? { airbyte_secret: true } : {}),
            ...(name === "start_date" ? { format: "date-time", examples: ["2026-01-31T00:00:00Z"] } : {})
          }
        ])
      )
    }
  }
}

export interface Settings<Keys> {
  /** Null: only a mirror is read. */
  readonly connection: ConnectionConfig | null
  readonly keys: Keys
}

type Written = Readonly<Record<string, unknown>>

/** Forms send null, or nothing between quotes, for what was left empty. */
const filledIn = (written: Written): Written =>
  Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null && value !== ""))

/**
 * Reports keys that would do nothing where something was meant by them: mistyped ones, and those that belong at the other
 * level. Whatever else a platform adds is left alone.
 * @param elsewhere keys of the other level, and where that is
 */
const reportUnused = (
  written: Written,
  known: ReadonlyArray<string>,
  elsewhere: { readonly keys: ReadonlyArray<string>; readonly place: string },
  report: (key: string, message: string) => void
): void => {
  for (const key of Object.keys(written)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    if (elsewhere.keys.includes(key)) report(key, `does nothing here; write it ${elsewhere.place}`)
    else if (near !== null) report(key, `unknown key; did you mean "${near}"?`)
  }
}

/** What of people is not to be sent on. */
const privacyIn = (
  keys: Partial<SourceKeys>,
  report: (where: string, message: string) => void
): Pick<ConnectionConfig, "privacy" | "hashKey"> => {
  const privacy: Privacy = {
    names: keys.privacy_names ?? "keep",
    emails: keys.privacy_emails ?? "keep",
    phones: keys.privacy_phones ?? "keep",
    texts: keys.privacy_texts ?? "keep"
  }
  // A platform may run each read on another machine, and none of them keeps a key.
  if (keys.hash_key === undefined && keys.mirror === undefined && isKeyed(privacy)) {
    report("hash_key", "missing: hashes need a key, and so do ids where numbers or addresses are dropped")
  }
  return {
    ...(keepsEverything(privacy) ? {} : { privacy }),
    ...(keys.hash_key === undefined ? {} : { hashKey: Redacted.make(keys.hash_key) })
  }
}

/**
 * The provider's part of the form as an entry of `connections`.
 * @param names keys beside it
 */
const readProvider = (
  registry: Registry,
  provider: Written,
  keys: typeof SourceKeys.Type | typeof DestinationKeys.Type,
  names: ReadonlyArray<string>,
  report: (where: string, message: string) => void
): ConnectionConfig | null => {
  const definition =
    typeof provider.provider === "string" && Object.hasOwn(registry, provider.provider)
      ? registry[provider.provider]
      : undefined
  if (definition === undefined) {
    report("provider.provider", `expected one of ${Object.keys(registry).join(", ")}`)
    return null
  }
  const own = keysOf(definition.settings)
  reportUnused(
    provider,
    ["provider", "base_url", ...own.map(({ name }) => name)],
    { keys: names, place: "beside provider" },
    (key, message) => report(`provider.${key}`, message)
  )
  const environment: Record<string, string> = {}
  const entry: Record<string, unknown> = {}
  for (const { name, required, secret } of own) {
    const value = provider[name]
    if (value === undefined) {
      if (required) report(`provider.${name}`, "missing")
    } else if (!secret) entry[name] = value
    else if (typeof value !== "string") report(`provider.${name}`, "expected text")
    else {
      // A configuration file may only name where a secret is.
      environment[name] = value
      entry[name] = `\${${name}}`
    }
  }
  const baseUrl = keys.base_url ?? provider.base_url
  const reported = new Set<string>()
  const connection = readConnection(
    {
      ...entry,
      name: keys.connection ?? definition.id,
      provider: definition.id,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(keys.quota === undefined ? {} : { quota: `${keys.quota}%` })
    },
    { registry, environment, dotenv: "the form" },
    (path, message) => {
      const where = formatPath(path)
      if (reported.has(where)) return
      reported.add(where)
      const isMissing = own.some(
        ({ name, required }) => name === where && required && provider[name] === undefined
      )
      if (!isMissing)
        report(
          where === "baseUrl" ? "base_url" : `provider.${where}`,
          message.replace("baseUrl:", "base_url:")
        )
    }
  )
  return connection === null ? null : { ...connection, ...privacyIn(keys, report) }
}

const keysOfProviders = (registry: Registry): ReadonlyArray<string> =>
  Object.values(registry).flatMap(({ settings }) => keysOf(settings).map(({ name }) => name))

/** Reads what a form gave; left: what is wrong with it, a line each, without any value. */
export const readSettings = <Keys extends SourceKeys | DestinationKeys, I>(
  registry: Registry,
  schema: Schema.Schema<Keys, I>,
  value: unknown
): Either.Either<Settings<Keys>, ReadonlyArray<string>> => {
  if (!isRecord(value)) return Either.left(["expected an object with the key provider"])
  const faults: Array<string> = []
  const report = (where: string, message: string): void => {
    faults.push(`${where}: ${message}`)
  }
  const keys = decode(schema, filledIn(value), (path, message) => report(formatPath(path), message), "ignore")
  if (keys === null) return Either.left(faults)
  const names = keysOf(schema).map(({ name }) => name)
  reportUnused(
    filledIn(value),
    ["provider", ...names],
    { keys: keysOfProviders(registry), place: "in provider" },
    report
  )
  const isAlone =
    names.includes("mirror") && isRecord(value.provider) && value.provider.provider === onlyMirror
  if (isAlone) {
    if (!("mirror" in keys) || keys.mirror === undefined)
      report("mirror", "missing; write the path of parley.db")
    if ("mirror_sync" in keys && keys.mirror_sync === true)
      report("mirror_sync", "no provider is named that could be pulled from")
  } else if (!isRecord(value.provider)) report("provider", "missing; choose who holds the conversations")
  else if ("mirror_sync" in keys && keys.mirror_sync === true && keys.mirror === undefined)
    report("mirror_sync", "no mirror is named; write the path of parley.db as mirror")
  const connection =
    isAlone || !isRecord(value.provider)
      ? null
      : readProvider(registry, filledIn(value.provider), keys, names, report)
  return faults.length > 0 ? Either.left(faults) : Either.right({ connection, keys })
}

/** The same for a connector that cannot do without a provider. */
export const readConnected = <Keys extends SourceKeys | DestinationKeys, I>(
  registry: Registry,
  schema: Schema.Schema<Keys, I>,
  value: unknown
): Either.Either<{ readonly connection: ConnectionConfig; readonly keys: Keys }, ReadonlyArray<string>> =>
  Either.flatMap(readSettings(registry, schema, value), ({ connection, keys }) =>
    connection === null ? Either.left(["provider: missing"]) : Either.right({ connection, keys })
  )

/** The beginning of the window that is read; null: everything. */
export const startOf = ({ start_date }: SourceKeys): Timestamp | null =>
  start_date === undefined ? null : fromIso(start_date)
