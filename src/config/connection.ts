import { Either, Redacted } from "effect"
import { isRecord } from "../domain/isRecord.ts"
import type { Limit } from "../http/contract.ts"
import type { Privacy } from "../privacy/policy.ts"
import type { AnyProviderDefinition, CommonSettings } from "../providers/Provider.ts"
import { readBaseUrl } from "./baseUrl.ts"
import type { ConnectionConfig, Registry } from "./Config.ts"
import { credentialFault } from "./credentialFault.ts"
import { suggestion } from "./nearest.ts"
import { choices, neededKeys, needsBaseUrl } from "./neededKeys.ts"
import { CommonKeys } from "./schema.ts"
import { decode, type Report } from "./schemaFaults.ts"
import { type Key, keysOf } from "./schemaKeys.ts"
import { spellDuration } from "./units.ts"
import { proposedVariable, resolveVariables, type Variables, variableOf } from "./variables.ts"
import type { Path } from "./yamlSource.ts"

interface ConnectionContext extends Variables {
  readonly registry: Registry
}

const commonKeys = keysOf(CommonKeys)

/** Fewer deletions than this are never held back. */
const deleteBrakeRows = 50

/** More status changes than this are not sent in one run unless their number is confirmed. */
const defaultPushBrake = 100

const day = 86_400_000

type Written = Readonly<Record<string, unknown>>

const pick = (written: Written, keys: ReadonlyArray<Key>): Written =>
  Object.fromEntries(keys.filter(({ name }) => name in written).map(({ name }) => [name, written[name]]))

/** Replaces `${…}` in every text, however deep. */
const resolveAll = (value: unknown, path: Path, context: ConnectionContext, report: Report): unknown => {
  if (typeof value === "string") {
    const { text, faults } = resolveVariables(value, context.environment, context.dotenv)
    for (const fault of new Set(faults)) report(path, fault)
    return text
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => resolveAll(item, [...path, index], context, report))
  }
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, resolveAll(inner, [...path, key], context, report)])
  )
}

const checkSecret = (key: Key, value: unknown, provider: string, report: Report): void => {
  const remedy = `write ${key.name}: \${${proposedVariable(provider, key.name)}} and set that variable`
  if (value === null || value === undefined || value === "") {
    report([key.name], `nothing is written here; ${remedy}`)
  } else if (typeof value !== "string" || variableOf(value) === null) {
    report([key.name], `a secret may not be written in this file; ${remedy}`)
  }
}

/** Webhooks lead to requests: where they arrive and who signs them are secrets both. */
const checkHints = (definition: AnyProviderDefinition | null, written: unknown, report: Report): void => {
  if (definition !== null && definition.hints === undefined) {
    report(["hints"], `${definition.title} sends no webhooks; leave hints out`)
  }
  if (!isRecord(written)) return
  const check = (path: Path, value: unknown): void => {
    if (Array.isArray(value))
      value.forEach((one, index) => {
        check([...path, index], one)
      })
    else if (typeof value !== "string" || variableOf(value) === null) {
      report(path, `a secret may not be written in this file; write \${MY_VARIABLE} and set that variable`)
    }
  }
  for (const [key, value] of Object.entries(written)) check(["hints", key], value)
}

/** A credential that cannot be sent as it is would fail at every request, in words about the network. */
const checkCredentials = (
  definition: AnyProviderDefinition,
  settings: CommonSettings,
  written: Written,
  resolved: Written,
  report: Report
): void => {
  const isHeader = definition.authorize(settings)._tag === "Fixed"
  for (const { name, secret } of keysOf(definition.settings)) {
    const [text, value] = [written[name], resolved[name]]
    const variable = typeof text === "string" ? variableOf(text) : null
    if (variable === null || typeof value !== "string" || variableOf(value) !== null) continue
    const fault = credentialFault(variable, value, secret && isHeader)
    if (fault !== null) report([name], fault)
  }
}

const findDefinition = (
  written: Written,
  registry: Registry,
  report: Report
): AnyProviderDefinition | null => {
  const { provider } = written
  const known = Object.keys(registry)
  if (typeof provider !== "string") {
    const state = "provider" in written ? "expected a provider's name" : "missing"
    report(["provider"], `${state}; write provider: and one of ${known.join(", ")}`)
    return null
  }
  const definition = Object.hasOwn(registry, provider) ? registry[provider] : undefined
  if (definition === undefined) report(["provider"], `no such provider${suggestion(provider, known)}`)
  return definition ?? null
}

const configuredLimits = (limits: CommonKeys["limits"]): ReadonlyArray<Limit> | null =>
  limits?.map(({ requests, per, scope = "connection" }) => ({
    name: `${requests} in ${spellDuration(per)}`,
    requests,
    perMillis: per,
    scope
  })) ?? null

/** Where requests go: what is written, or what the provider's settings say. Null where something was reported. */
const readPlace = (
  definition: AnyProviderDefinition,
  settings: unknown,
  resolved: Written,
  report: Report
): string | null => {
  if (typeof resolved.baseUrl === "string") {
    const url = readBaseUrl(resolved.baseUrl)
    if (Either.isLeft(url)) report(["baseUrl"], url.left)
    return Either.getOrNull(url)
  }
  const usual = settings === null ? null : definition.baseUrl(settings)
  // Settings that could not be read may still say it; a provider that never says it needs it written.
  const isMissing = settings === null ? needsBaseUrl(definition) : usual === null
  if (isMissing && !("baseUrl" in resolved)) {
    const place = neededKeys(definition).find(({ ast }) => choices(ast).length > 0)
    const words = place === undefined ? "" : `${place.name}: ${choices(place.ast).join(" or ")}, or `
    report(
      [place?.name ?? "baseUrl"],
      `missing; write ${words}baseUrl: https://… (the address your account is reached at)`
    )
  }
  return usual
}

const privacyOf = ({ emails, names, phones, texts }: NonNullable<CommonKeys["privacy"]>): Privacy => ({
  names: names ?? "keep",
  emails: emails ?? "keep",
  phones: phones ?? "keep",
  texts: texts ?? "keep"
})

/** One entry of `connections`; null where something was reported. */
export const readConnection = (
  entry: unknown,
  context: ConnectionContext,
  addFault: Report
): ConnectionConfig | null => {
  if (!isRecord(entry)) {
    addFault([], "expected keys with values; write - name: my-inbox and, below it, provider: and its keys")
    return null
  }
  const reported = new Set<string>()
  const report: Report = (path, message) => {
    // One error for each key: consequences of the first one do not help.
    const place = JSON.stringify(path)
    if (reported.has(place)) return
    reported.add(place)
    addFault(path, message)
  }
  const definition = findDefinition(entry, context.registry, report)
  const ownKeys = definition === null ? [] : keysOf(definition.settings)
  const keys = [...commonKeys, ...ownKeys]
  const names = [...new Set(keys.map(({ name }) => name))]
  const foreign =
    definition === null ? Object.values(context.registry).flatMap(({ settings }) => keysOf(settings)) : []
  for (const name of Object.keys(entry)) {
    if (names.includes(name) || foreign.some((key) => key.name === name)) continue
    report([name], `unknown key${suggestion(name, names)}`)
  }

  const secrets = [...ownKeys, ...foreign].filter(({ secret }) => secret)
  for (const key of secrets) {
    if (key.name in entry) checkSecret(key, entry[key.name], definition?.id ?? "my", report)
  }
  if ("hints" in entry) checkHints(definition, entry.hints, report)
  // A connection that is switched off may lack its secrets.
  const lenient = new Set(entry.enabled === false ? [...secrets.map(({ name }) => name), "hints"] : [])
  const resolved = Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [
      name,
      resolveAll(value, [name], context, lenient.has(name) ? () => undefined : report)
    ])
  )

  const isLenient = entry.enabled === false
  const commonOf = isLenient ? commonKeys.filter(({ name }) => name !== "hints") : commonKeys
  const common = decode(CommonKeys, pick(resolved, commonOf), (path, message, missing) =>
    report(path, missing ? "missing; write name: and a name of your own, such as my-inbox" : message)
  )
  if (definition === null) return null
  const settings = decode(definition.settings, pick(resolved, ownKeys), (path, message, missing) => {
    const [name] = path
    const key = ownKeys.find((candidate) => candidate.name === name)
    const example = key?.secret ? `\${${proposedVariable(definition.id, key.name)}}` : "and its value"
    report(path, missing ? `missing; write ${String(path.at(-1))}: ${example}` : message)
  })
  if (settings != null) checkCredentials(definition, settings as CommonSettings, entry, resolved, report)
  const url = readPlace(definition, settings, resolved, report)
  if (reported.size > 0 || common === null || settings === null || url === null) return null
  const { write } = definition.statusMap
  const statusMap = { ...write, ...common.statusMap }
  return {
    name: common.name,
    provider: definition.id,
    enabled: common.enabled ?? true,
    baseUrl: url,
    settings: { ...(settings as object), name: common.name, baseUrl: url, statusMap },
    quota: common.quota ?? 1,
    limits: configuredLimits(common.limits) ?? definition.limits,
    concurrency: common.concurrency ?? null,
    maxAnswerBytes: common.maxAnswer ?? null,
    messages: common.messages ?? "auto",
    deleteBrake: { share: common.deleteBrake ?? 0.02, rows: deleteBrakeRows },
    pushBrake: common.pushBrake ?? defaultPushBrake,
    statusMap,
    keepRaw: common.keepRaw ?? "newest",
    conflict: common.conflict ?? "manual",
    reconcileMillis: common.reconcile ?? day,
    ...(common.privacy === undefined ? {} : { privacy: privacyOf(common.privacy) }),
    ...(common.hints === undefined
      ? {}
      : {
          hints: {
            path: Redacted.make(common.hints.path),
            signingKeys: [common.hints.signingKey].flat().map((key) => Redacted.make(key))
          }
        }),
    definition
  }
}
