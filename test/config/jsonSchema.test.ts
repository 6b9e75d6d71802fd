import { describe, expect, it } from "vitest"
import { exampleConfiguration, exampleVariables } from "../../src/config/example.ts"
import { configurationJsonSchema } from "../../src/config/jsonSchema.ts"
import { CommonKeys } from "../../src/config/schema.ts"
import { fakeRegistry, placedProvider } from "../support/fakeRegistry.ts"

interface Rule {
  readonly if: { readonly properties: { readonly provider: { readonly const: string } } }
  readonly then: {
    readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
    readonly required: ReadonlyArray<string>
    readonly additionalProperties: boolean
  }
}

const schema = JSON.parse(configurationJsonSchema(fakeRegistry))
const rules: ReadonlyArray<Rule> = schema.properties.connections.items.allOf
const ruleOf = (provider: string) =>
  rules.find((rule) => rule.if.properties.provider.const === provider)?.then

describe("the JSON Schema of a configuration", () => {
  it("knows every provider, its own keys, and the common ones", () => {
    expect(schema.properties.connections.items.properties.provider.enum).toEqual(Object.keys(fakeRegistry))
    expect(Object.keys(ruleOf("regional")?.properties ?? {}).sort()).toEqual(
      [...Object.keys(CommonKeys.fields), "token", "region", "agents", "exportTimeZone"].sort()
    )
    expect(ruleOf("plain")?.properties).not.toHaveProperty("region")
    expect(ruleOf("plain")?.properties).not.toHaveProperty("exportTimeZone")
    expect(ruleOf("plain")?.additionalProperties).toBe(false)
  })

  it("requires what cannot be left out, and no more", () => {
    expect(ruleOf("plain")?.required).toEqual(["name", "provider", "apiKey"])
    expect(ruleOf("regional")?.required).toEqual(["name", "provider", "token"])
    expect(ruleOf("hosted")?.required).toEqual(["name", "provider"])
  })

  it("takes a secret only as a variable", () => {
    const { pattern = "" } = ruleOf("plain")?.properties.apiKey ?? {}
    expect(`\${MY_KEY}`).toMatch(new RegExp(String(pattern)))
    expect("sk-live-1234").not.toMatch(new RegExp(String(pattern)))
  })

  it("explains its keys, and lists the words that can be chosen", () => {
    expect(ruleOf("plain")?.properties.quota?.description).toMatch(/60%/)
    expect(ruleOf("regional")?.properties.region?.enum).toEqual(["eu", "na"])
    expect(ruleOf("plain")?.properties.messages?.enum).toEqual(["auto", "off"])
  })
})

describe("an example configuration", () => {
  it("gives each provider the fewest keys that it needs", () => {
    const text = exampleConfiguration(fakeRegistry)
    expect(text).toContain(`    apiKey: \${PLAIN_API_KEY}\n`)
    expect(text).toContain(`    email: \${HOSTED_EMAIL}\n    password: \${HOSTED_PASSWORD}\n`)
    expect(text).toContain("    baseUrl: https://api.hosted.example")
    expect(text).toContain("    #   region: eu # eu | na\n")
    expect(exampleVariables(fakeRegistry)).toMatch(
      /^PLAIN_API_KEY=\n.*\n*.*\nREGIONAL_TOKEN=\n.*\n*.*\nHOSTED_EMAIL=\nHOSTED_PASSWORD=$/m
    )
  })

  it("says where an account is reached, by the word that stands for it or by its address", () => {
    const text = exampleConfiguration({ placed: placedProvider })
    expect(text).toContain("    region: eu # eu | na\n")
    expect(text).not.toContain("baseUrl: https")
  })

  it("can be for some providers alone", () => {
    const text = exampleConfiguration(fakeRegistry, ["regional"])
    expect(text).toContain("provider: regional")
    expect(text).not.toContain("provider: plain")
  })
})
