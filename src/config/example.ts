import { present } from "../domain/present.ts"
import type { AnyProviderDefinition } from "../providers/Provider.ts"
import type { Registry } from "./Config.ts"
import { choices, neededKeys, needsBaseUrl } from "./neededKeys.ts"
import { type Key, keysOf } from "./schemaKeys.ts"
import { proposedVariable } from "./variables.ts"

/*
 * The configuration that `parley init` writes, made from what the registry holds. With every variable set it loads as
 * it is.
 */

const head = `# yaml-language-server: $schema=./parley.schema.json

# Where the mirror is. A relative path starts at this file's folder.
database: ../parley.db

# The clock of local days and hours in views and the report, and when people are there to answer by it.
# timeZone: Europe/Berlin
# businessHours: Mon-Fri 09:00-17:00

# How long things are kept; what is left out is kept for ever.
# keep: { messages: 400 days, raw: 30 days, ledger: 90 days }

# Who is told when a connection fails, is stale, or has conflicts or records in quarantine, and when that is over.
# notify:
#   - url: \${PARLEY_NOTIFY_URL}      # of a Slack, Mattermost, Teams or Discord webhook, or your own
#   - command: [mail, -s, Parley, ops@example.com]   # gets the event as JSON on stdin
#     on: [failed, recovered, stale, conflict, quarantine, brake]

# One entry for each account. Secrets stand in the environment or in .env beside this file, never here.
connections:
`

const tail = `
# Every connection can also have:
#   enabled: false            leaves it out, and keeps what is mirrored of it
#   quota: 60%                the share of the vendor's limits to use (default 100%)
#   concurrency: 4            requests in flight at most (default: as many as the limits allow)
#   maxAnswer: 128MB          the largest answer that is read (default: 64MB); a list that is streamed may be 64 times as large
#   limits: [{ requests: 500, per: 1 minute, scope: connection }]
#                             replaces the limits that are known of the vendor; scope: connection | path
#   messages: off             conversations without their messages (default auto)
#   reconcile: 24 hours       how often to fetch details that a list cannot show
#   deleteBrake: 2%           at most this share (or 50) is marked deleted in one run
#   pushBrake: 100            more status changes than this in one run wait for parley push --confirm N
#   conflict: manual          when a status changed on both sides: manual | remote-wins | local-wins
#   statusMap: { completed: ended_chat }
#                             the vendor's word to write for a status, where it is not the usual one
#   privacy: { names: hash, emails: hash, phones: hash, texts: mask }
#                             what is not stored as it came: keep | hash | drop, texts keep | mask | drop (default keep)
#   hints:                    webhooks, where the vendor sends some: see parley watch --help
#     path: \${MY_HINTS_PATH}
#     signingKey: \${MY_HINTS_KEY}
#   keepRaw: newest           payloads kept as they came: newest | all
`

const variableOf = (definition: AnyProviderDefinition, key: Key): string =>
  proposedVariable(definition.id, key.name)

/** `region: eu  # eu | na`, `token: ${MY_VENDOR_TOKEN}` */
const keyLine = (definition: AnyProviderDefinition, key: Key): string => {
  const [first, ...others] = choices(key.ast)
  if (first === undefined) return `${key.name}: \${${variableOf(definition, key)}}`
  return `${key.name}: ${first}${others.length === 0 ? "" : ` # ${[first, ...others].join(" | ")}`}`
}

const block = (definition: AnyProviderDefinition): string => {
  const needed = neededKeys(definition)
  const rest = keysOf(definition.settings).filter(
    ({ name }) => name !== "baseUrl" && !needed.some((key) => key.name === name)
  )
  const name = definition.exampleName
  const optionalLine = (key: Key): string => {
    if (key.secret || choices(key.ast).length > 0) return keyLine(definition, key)
    return `${key.name}: …${key.description === null ? "" : ` # ${key.description}`}`
  }
  return present(
    `  # ${definition.title}: ${definition.docs}`,
    `  - name: ${name}`,
    `    provider: ${definition.id}`,
    needsBaseUrl(definition) && `    baseUrl: https://api.${name}.example # where your account is reached`,
    ...needed.map((key) => `    ${keyLine(definition, key)}`),
    rest.length > 0 && "    # Also understood here:",
    ...rest.map((key) => `    #   ${optionalLine(key)}`)
  ).join("\n")
}

const chosen = (registry: Registry, providers: ReadonlyArray<string>): ReadonlyArray<AnyProviderDefinition> =>
  Object.values(registry).filter(({ id }) => providers.length === 0 || providers.includes(id))

/** @param providers ids to write a connection for; none: all there are */
export const exampleConfiguration = (registry: Registry, providers: ReadonlyArray<string> = []): string =>
  `${head}${chosen(registry, providers).map(block).join("\n\n")}\n${tail}`

const variables = (definition: AnyProviderDefinition): ReadonlyArray<string> =>
  neededKeys(definition)
    .filter(({ ast }) => choices(ast).length === 0)
    .map((key) => variableOf(definition, key))

/** What `.env` must say for that configuration, with the values left out. */
export const exampleVariables = (registry: Registry, providers: ReadonlyArray<string> = []): string => {
  const blocks = chosen(registry, providers).map((definition) =>
    [`# ${definition.title}: ${definition.docs}`, ...variables(definition).map((name) => `${name}=`)].join(
      "\n"
    )
  )
  return [
    "# Copy this file to .env beside it and fill it in. Keep .env out of version control.",
    "# Variables of the environment win over those written here.",
    "",
    blocks.join("\n\n"),
    ""
  ].join("\n")
}
