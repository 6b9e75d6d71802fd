import { Redacted, Schema } from "effect"
import type { Registry } from "../../src/config/Config.ts"
import { anyProvider, type Provider, type ProviderDefinition } from "../../src/providers/Provider.ts"

const authorize = (credential: Redacted.Redacted) => () => ({
  _tag: "Fixed" as const,
  headers: {},
  credential,
  setting: "token"
})

const noProvider = (): Provider => {
  throw new Error("a fake provider talks to nobody")
}

const statusMap: ProviderDefinition<unknown, unknown>["statusMap"] = {
  means: ["active", "completed"],
  read: () => "unknown",
  write: { active: "open", completed: "close" }
}

const limits = [{ name: "500 a minute", requests: 500, perMillis: 60_000, scope: "connection" as const }]

const common = {
  docs: "https://example.com",
  limits,
  statusMap,
  columns: {},
  personal: {},
  authorize: authorize(Redacted.make("")),
  make: noProvider
}

const plain = Schema.Struct({ apiKey: Schema.Redacted(Schema.String) })

const regional = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  region: Schema.optionalWith(Schema.Literal("eu", "na"), { default: () => "eu" as const }),
  agents: Schema.optional(Schema.Array(Schema.String)),
  exportTimeZone: Schema.optionalWith(Schema.String, { default: () => "UTC" })
})

const either = Schema.Union(
  Schema.Struct({ email: Schema.String, password: Schema.Redacted(Schema.String) }),
  Schema.Struct({ token: Schema.Redacted(Schema.String) })
)

/** A provider whose address depends on a word that can be left out. */
const regions = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  region: Schema.optional(Schema.Literal("eu", "na"))
})

export const placedProvider = anyProvider({
  ...common,
  id: "placed",
  exampleName: "placed",
  title: "Placed",
  settings: regions,
  baseUrl: ({ region }: typeof regions.Type) =>
    region === undefined ? null : `https://${region}.placed.example`
})

/** Three providers that differ in what can be configured: one secret, defaults and lists, either of two ways to log in. */
export const fakeRegistry: Registry = {
  plain: anyProvider({
    ...common,
    id: "plain",
    exampleName: "plain",
    title: "Plain",
    settings: plain,
    baseUrl: () => "https://api.plain.example"
  }),
  regional: anyProvider({
    ...common,
    id: "regional",
    exampleName: "regional",
    title: "Regional",
    settings: regional,
    baseUrl: ({ region }: typeof regional.Type) => `https://${region}.regional.example/v3`
  }),
  hosted: anyProvider({
    ...common,
    id: "hosted",
    exampleName: "hosted",
    title: "Hosted",
    settings: either,
    baseUrl: () => null
  })
}
