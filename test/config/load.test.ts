import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { afterEach, beforeEach, describe, expect } from "vitest"
import { formatFault } from "../../src/config/Config.ts"
import { type LoadOptions, loadConfig, loadDatabasePath, unreadable } from "../../src/config/load.ts"
import { fakeRegistry, placedProvider } from "../support/fakeRegistry.ts"

let folder = ""

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-config-"))
  mkdirSync(join(folder, "config"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const environment = {
  PLAIN_KEY: "plain-secret",
  TOKEN: "token-secret",
  PASSWORD: "password-secret",
  EMPTY: "",
  HOST: "https://salon.example"
}

const options = (more: Partial<LoadOptions> = {}): LoadOptions => ({
  registry: fakeRegistry,
  config: null,
  database: null,
  cwd: folder,
  environment,
  ...more
})

const write = (text: string, path = "config/parley.yaml") => writeFileSync(join(folder, path), text)

/** Every fault of a configuration, as a person reads it, without the file's name. */
const faultsOf = (more: Partial<LoadOptions> = {}) =>
  loadConfig(options(more)).pipe(
    Effect.as("nothing was found wrong"),
    Effect.flip,
    Effect.map(({ faults }) => faults.map((fault) => formatFault(fault).replace("config/parley.yaml:", "")))
  )

const good = `database: ../parley.db
connections:
  - name: leads
    provider: plain
    apiKey: \${PLAIN_KEY}
  - name: support
    provider: regional
    token: \${TOKEN}
    agents: [agent-1]
    quota: 60%
    limits: [{ requests: 500, per: 1 minute, scope: path }]
    concurrency: 3
    messages: off
    deleteBrake: 5%
    pushBrake: 25
    exportTimeZone: Europe/Berlin
    statusMap: { completed: ended_chat }
    keepRaw: all
    conflict: remote-wins
    reconcile: 12 hours
  - name: salon
    provider: hosted
    baseUrl: \${HOST}/
    email: someone@example.com
    password: \${PASSWORD}
    enabled: false
`

describe("a credential that cannot be sent as it is", () => {
  it.effect("is a fault of the configuration that names the variable, and never its value", () =>
    Effect.gen(function* () {
      write(good)
      const faults = yield* faultsOf({
        environment: { ...environment, PLAIN_KEY: "plain-secret\n", TOKEN: "tokén-secret" }
      })
      expect(faults).toEqual([
        "5: connections[0].apiKey: the value of PLAIN_KEY ends with a line break; set it again to the key or token alone, as the vendor shows it",
        "8: connections[1].token: the value of TOKEN has inside it the character U+00E9; set it again to the key or token alone, as the vendor shows it"
      ])
    })
  )
})

describe("a right configuration", () => {
  it.effect("decodes to what every part of Parley needs, with defaults and overrides in place", () =>
    Effect.gen(function* () {
      write(good)
      const config = yield* loadConfig(options())
      expect(config.database).toBe(join(folder, "parley.db"))
      expect(config.path).toBe("config/parley.yaml")
      const [leads, support, salon] = config.connections
      expect(leads).toMatchObject({
        name: "leads",
        provider: "plain",
        enabled: true,
        baseUrl: "https://api.plain.example",
        quota: 1,
        limits: [{ requests: 500, perMillis: 60_000 }],
        concurrency: null,
        messages: "auto",
        deleteBrake: { share: 0.02, rows: 50 },
        pushBrake: 100,
        statusMap: { active: "open", completed: "close" },
        keepRaw: "newest",
        conflict: "manual",
        reconcileMillis: 86_400_000
      })
      expect(leads?.definition).toBe(fakeRegistry.plain)
      expect(support).toMatchObject({
        baseUrl: "https://eu.regional.example/v3",
        quota: 0.6,
        limits: [{ name: "500 in 1 minute", requests: 500, perMillis: 60_000, scope: "path" }],
        concurrency: 3,
        messages: "off",
        deleteBrake: { share: 0.05, rows: 50 },
        pushBrake: 25,
        statusMap: { active: "open", completed: "ended_chat" },
        keepRaw: "all",
        conflict: "remote-wins",
        reconcileMillis: 43_200_000
      })
      expect(support?.settings).toMatchObject({
        name: "support",
        baseUrl: "https://eu.regional.example/v3",
        agents: ["agent-1"],
        exportTimeZone: "Europe/Berlin",
        statusMap: { active: "open", completed: "ended_chat" }
      })
      expect(salon).toMatchObject({ enabled: false, baseUrl: "https://salon.example" })
      const secrets = salon?.settings as { password?: Redacted.Redacted } | undefined
      expect(secrets?.password && Redacted.value(secrets.password)).toBe("password-secret")
      expect(JSON.stringify(config)).not.toContain("-secret")
    })
  )

  it.effect("takes the file from --config before $PARLEY_CONFIG before config/parley.yaml", () =>
    Effect.gen(function* () {
      write(good)
      write(good.replace("../parley.db", "b.db"), "b.yaml")
      write(good.replace("../parley.db", "c.db"), "c.yaml")
      const named = { environment: { ...environment, PARLEY_CONFIG: "b.yaml" } }
      expect((yield* loadConfig(options())).database).toBe(join(folder, "parley.db"))
      expect((yield* loadConfig(options(named))).database).toBe(join(folder, "b.db"))
      expect((yield* loadConfig(options({ ...named, config: "c.yaml" }))).database).toBe(join(folder, "c.db"))
    })
  )

  it.effect("reads .env beside the configuration, and lets the environment win", () =>
    Effect.gen(function* () {
      write(good)
      write(
        "TOKEN=from-file\nPLAIN_KEY='quoted secret'\nPASSWORD=x\nHOST=https://salon.example\n",
        "config/.env"
      )
      const config = yield* loadConfig(options({ environment: { TOKEN: "from-environment" } }))
      const [leads, support] = config.connections.map(
        ({ settings }) => settings as unknown as Record<string, Redacted.Redacted>
      )
      expect(leads?.apiKey && Redacted.value(leads.apiKey)).toBe("quoted secret")
      expect(support?.token && Redacted.value(support.token)).toBe("from-environment")
    })
  )

  it.effect("puts --db before the file's database, from the current folder", () =>
    Effect.gen(function* () {
      write(good)
      expect((yield* loadConfig(options({ database: "other.db" }))).database).toBe(join(folder, "other.db"))
      write(good.replace(/database.*\n/, ""))
      expect((yield* loadConfig(options({ database: "other.db" }))).database).toBe(join(folder, "other.db"))
    })
  )

  it.effect("finds the database without looking at connections or secrets", () =>
    Effect.gen(function* () {
      write(good)
      expect(yield* loadDatabasePath(options({ environment: {} }))).toBe(join(folder, "parley.db"))
      expect(yield* loadDatabasePath(options({ database: "x.db", config: "none.yaml" }))).toBe(
        join(folder, "x.db")
      )
    })
  )

  it.effect("lets a connection that is switched off lack its secrets", () =>
    Effect.gen(function* () {
      write(good)
      const { PASSWORD: _, ...rest } = environment
      expect((yield* loadConfig(options({ environment: rest }))).connections).toHaveLength(3)
    })
  )
})

const leads = (more: string) => `database: x.db\nconnections:\n  - name: leads\n    provider: plain\n${more}`
const key = `    apiKey: \${PLAIN_KEY}\n`

const cases: ReadonlyArray<readonly [name: string, text: string, faults: ReadonlyArray<string>]> = [
  [
    "a variable that is not set",
    leads(`    apiKey: \${NO_SUCH_KEY}\n`),
    [
      "5: connections[0].apiKey: the variable NO_SUCH_KEY is not set; set it in the environment, or in config/.env"
    ]
  ],
  [
    "a variable that is empty",
    leads(`    apiKey: \${EMPTY}\n`),
    [
      "5: connections[0].apiKey: the variable EMPTY is empty; set it in the environment, or in config/.env, which counts for what the environment does not have at all"
    ]
  ],
  [
    "a secret written out",
    leads("    apiKey: sk-live-1234\n"),
    [
      `5: connections[0].apiKey: a secret may not be written in this file; write apiKey: \${PLAIN_API_KEY} and set that variable`
    ]
  ],
  [
    "a secret that is partly written out",
    leads(`    apiKey: sk-\${PLAIN_KEY}\n`),
    [
      `5: connections[0].apiKey: a secret may not be written in this file; write apiKey: \${PLAIN_API_KEY} and set that variable`
    ]
  ],
  [
    "a secret written as a number",
    leads("    apiKey: 12345\n"),
    [
      `5: connections[0].apiKey: a secret may not be written in this file; write apiKey: \${PLAIN_API_KEY} and set that variable`
    ]
  ],
  [
    "a secret left empty",
    leads("    apiKey:\n"),
    [
      `5: connections[0].apiKey: nothing is written here; write apiKey: \${PLAIN_API_KEY} and set that variable`
    ]
  ],
  [
    "another notation for variables",
    leads(`${key}    baseUrl: \${HOST:-https://x.example}\n`),
    [
      `6: connections[0].baseUrl: only a name of letters, digits and underscores can stand between the braces of a variable`
    ]
  ],
  [
    "an unknown key near a right one",
    leads("    api_kee: sk-live-1234\n"),
    [
      `3: connections[0].apiKey: missing; write apiKey: \${PLAIN_API_KEY}`,
      '5: connections[0].api_kee: unknown key; did you mean "apiKey"?'
    ]
  ],
  [
    "an unknown key near no other",
    leads(`${key}    zzzzzzzz: 1\n`),
    [
      "6: connections[0].zzzzzzzz: unknown key; known here: name, provider, enabled, baseUrl, quota, limits, concurrency, maxAnswer, messages, deleteBrake, pushBrake, statusMap, keepRaw, conflict, privacy, hints, reconcile, apiKey"
    ]
  ],
  [
    "an unknown key at the top",
    `databse: x.db\n${leads(key)}`,
    ['1: databse: unknown key; did you mean "database"?']
  ],
  [
    "an unknown key in a limit",
    leads(`${key}    limits:\n      - { requests: 1, per: 1s, scop: path }\n`),
    ['7: connections[0].limits[0].scop: unknown key; did you mean "scope"?']
  ],
  [
    "a status nobody can ask for",
    leads(`${key}    statusMap: { unknown: x }\n`),
    ["6: connections[0].statusMap.unknown: unknown key; known here: active, handed_off, completed, abandoned"]
  ],
  [
    "the same name twice",
    leads(`${key}  - name: leads\n    provider: plain\n${key}`),
    ["6: connections[1].name: connections[0] has this name too; give each connection its own"]
  ],
  [
    "a name with capitals and blanks",
    leads(key).replace("name: leads", "name: My Leads"),
    [
      "3: connections[0].name: not a name for a connection; write small letters, digits and hyphens, such as my-inbox"
    ]
  ],
  [
    "a name left out",
    leads(key).replace("name: leads\n    ", ""),
    ["3: connections[0].name: missing; write name: and a name of your own, such as my-inbox"]
  ],
  [
    "a URL that is none",
    leads(`${key}    baseUrl: api.example.com\n`),
    [
      "6: connections[0].baseUrl: not a URL to send requests to; write it in full, such as https://api.example.com/v1"
    ]
  ],
  [
    "a URL of another protocol",
    leads(`${key}    baseUrl: ftp://api.example.com\n`),
    [
      "6: connections[0].baseUrl: not a URL to send requests to; write it in full, such as https://api.example.com/v1"
    ]
  ],
  [
    "a URL with credentials",
    leads(`${key}    baseUrl: https://me:secret@api.example.com\n`),
    ["6: connections[0].baseUrl: a URL holds no credentials; take what stands before the @ out of it"]
  ],
  [
    "a URL with a query",
    leads(`${key}    baseUrl: https://api.example.com/v1?x=1\n`),
    [
      "6: connections[0].baseUrl: only scheme, host and path belong here; take the part from ? or # on out of it"
    ]
  ],
  [
    "plain http to another host",
    leads(`${key}    baseUrl: http://api.example.com\n`),
    [
      "6: connections[0].baseUrl: plain http would show credentials to the network; write https:// (http is for localhost)"
    ]
  ],
  [
    "plain http to a host that only looks like this machine",
    leads(`${key}    baseUrl: http://localhost.example.com\n`),
    [
      "6: connections[0].baseUrl: plain http would show credentials to the network; write https:// (http is for localhost)"
    ]
  ],
  [
    "a base URL left out where there is no usual one",
    leads(key)
      .replace("provider: plain", "provider: hosted")
      .replace(`apiKey: \${PLAIN_KEY}`, `token: \${TOKEN}`),
    ["3: connections[0].baseUrl: missing; write baseUrl: https://… (the address your account is reached at)"]
  ],
  [
    "neither an address nor a way to log in",
    leads("").replace("provider: plain", "provider: hosted"),
    [
      `3: connections[0].token: missing; write token: \${HOSTED_TOKEN}`,
      "3: connections[0].baseUrl: missing; write baseUrl: https://… (the address your account is reached at)"
    ]
  ],
  [
    "a provider that is misspelt",
    leads(key).replace("provider: plain", "provider: plian"),
    ['4: connections[0].provider: no such provider; did you mean "plain"?']
  ],
  [
    "a provider nobody knows",
    leads(key).replace("provider: plain", "provider: somebody"),
    ["4: connections[0].provider: no such provider; known here: plain, regional, hosted"]
  ],
  [
    "a provider left out",
    leads(key).replace("    provider: plain\n", ""),
    ["3: connections[0].provider: missing; write provider: and one of plain, regional, hosted"]
  ],
  [
    "one of two ways to log in, half written",
    leads("    email: a@example.com\n    baseUrl: https://x.example\n").replace("plain", "hosted"),
    [`3: connections[0].password: missing; write password: \${HOSTED_PASSWORD}`]
  ],
  [
    "a word that is not one of the choices",
    leads(`    token: \${TOKEN}\n    region: us\n`).replace("plain", "regional"),
    ["6: connections[0].region: expected one of eu, na, found other text"]
  ],
  [
    "a list that is none",
    leads(`    token: \${TOKEN}\n    agents: one\n`).replace("plain", "regional"),
    ["6: connections[0].agents: expected a list, found other text"]
  ],
  [
    "a number where text belongs",
    leads(`    token: \${TOKEN}\n    agents:\n      - a\n      - 7\n`).replace("plain", "regional"),
    ["8: connections[0].agents[1]: expected text, found a number; put it in quotes"]
  ],
  [
    "true or false written as text",
    leads(`${key}    enabled: "no"\n`),
    ["6: connections[0].enabled: expected true or false, found other text"]
  ],
  [
    "a duration without a unit",
    leads(`${key}    reconcile: 24\n`),
    [
      "6: connections[0].reconcile: not a duration; write a number and a unit, such as 500ms, 30s, 5m, 2h, 1d or 1 minute"
    ]
  ],
  [
    "a duration in a limit that lasts no time",
    leads(`${key}    limits: [{ requests: 5, per: 0s }]\n`),
    [
      "6: connections[0].limits[0].per: not a duration; write a number and a unit, such as 500ms, 30s, 5m, 2h, 1d or 1 minute"
    ]
  ],
  [
    "limits that are no list",
    leads(`${key}    limits: 500\n`),
    [
      "6: connections[0].limits: expected a list such as [{ requests: 500, per: 1 minute, scope: connection }]"
    ]
  ],
  [
    "a percentage without its sign",
    leads(`${key}    quota: 60\n`),
    ["6: connections[0].quota: not a percentage above 0% and up to 100%; write it with its sign, such as 60%"]
  ],
  [
    "more than all",
    leads(`${key}    quota: 120%\n`),
    ["6: connections[0].quota: not a percentage above 0% and up to 100%; write it with its sign, such as 60%"]
  ],
  [
    "half a request in flight",
    leads(`${key}    concurrency: 0.5\n`),
    ["6: connections[0].concurrency: expected a whole number from 1 on"]
  ],
  [
    "no connections",
    "database: x.db\nconnections: []\n",
    ["2: connections: expected a list with at least one connection; each begins with - name: and provider:"]
  ],
  [
    "connections left out, and the database too",
    "other: 1\n",
    [
      "1: database: missing; write database: ../parley.db, or give --db FILE",
      "1: other: unknown key; known here: database, timeZone, businessHours, keep, notify, connections",
      "1: connections: missing; expected a list with at least one connection; each begins with - name: and provider:"
    ]
  ],
  [
    "a time zone and business hours that cannot be meant",
    "database: x.db\ntimeZone: Europe/Berlni\nbusinessHours: 9 to 5\nconnections: [leads]\n",
    [
      "2: timeZone: not a time zone; write a name such as Europe/Berlin or America/New_York",
      "3: businessHours: not business hours; write days and times, such as Mon-Fri 09:00-17:00, Sat 10:00-14:00",
      "4: connections[0]: expected keys with values; write - name: my-inbox and, below it, provider: and its keys"
    ]
  ],
  [
    "how long things are kept, wrongly",
    "database: x.db\nkeep:\n  messages: 400\n  raws: 30 days\nconnections: [leads]\n",
    [
      "3: keep.messages: not a duration; write a number and a unit, such as 500ms, 30s, 5m, 2h, 1d or 1 minute",
      '4: keep.raws: unknown key; did you mean "raw"?',
      "5: connections[0]: expected keys with values; write - name: my-inbox and, below it, provider: and its keys"
    ]
  ],
  [
    "a connection that is only a word",
    "database: x.db\nconnections:\n  - leads\n",
    [
      "3: connections[0]: expected keys with values; write - name: my-inbox and, below it, provider: and its keys"
    ]
  ],
  [
    "an empty file",
    "# nothing yet\n",
    ["1: nothing is written in it; delete it and let `parley init` write one"]
  ],
  ["a list instead of keys", "- 1\n", ["1: expected the keys database: and connections: at the left margin"]],
  [
    "a key written twice",
    leads(`${key}    quota: 50%\n    quota: 60%\n`),
    ["7: connections[0].quota: written twice (first in line 6); remove one of them"]
  ],
  [
    "anchors and aliases",
    leads(`${key}    agents: &a [x]\n    statusMap: *a\n`),
    [
      "6: connections[0].agents: anchors and aliases are not read; write the value out",
      "7: connections[0].statusMap: anchors and aliases are not read; write the value out"
    ]
  ],
  [
    "a list that is never closed",
    `${leads(key)}    agents: [a, b\n`,
    [
      "7: column 1: not readable as YAML: Flow sequence in block collection must be sufficiently indented and end with a ]"
    ]
  ],
  [
    "a tab for indentation",
    leads(`\tapiKey: x\n`),
    ["5: column 1: not readable as YAML: Tabs are not allowed as indentation"]
  ],
  [
    "one configuration after another",
    `${leads(key)}---\n${leads(key)}`,
    [
      "6: column 1: not readable as YAML: a second document begins here; keep one of them, without `---` between"
    ]
  ]
]

describe("a wrong configuration", () => {
  for (const [name, text, faults] of cases) {
    it.effect(`is told about ${name}, with the place and the remedy`, () =>
      Effect.gen(function* () {
        write(text)
        expect(yield* faultsOf()).toEqual(faults)
      })
    )
  }

  it.effect("is told which word would say where the account is reached", () =>
    Effect.gen(function* () {
      write(leads(`    token: \${TOKEN}\n`).replace("plain", "placed"))
      expect(yield* faultsOf({ registry: { placed: placedProvider } })).toEqual([
        "3: connections[0].region: missing; write region: eu or na, or baseUrl: https://… (the address your account is reached at)"
      ])
    })
  )

  it.effect("is told everything at once, in the order of its lines, without ever repeating a secret", () =>
    Effect.gen(function* () {
      write(`database: 7
connections:
  - name: leads
    provider: plain
    apiKey: sk-live-1234
  - name: leads
    provider: regional
    tokn: sk-live-5678
    reconcile: often
  - name: salon
    provider: hosted
    baseUrl: http://salon.example
    email: \${NOBODY}
    password: \${PASSWORD}
`)
      const faults = yield* faultsOf()
      expect(faults.map((fault) => fault.split(": ").slice(0, 2).join(": "))).toEqual([
        "1: database",
        "5: connections[0].apiKey",
        "6: connections[1].token",
        "6: connections[1].name",
        "8: connections[1].tokn",
        "9: connections[1].reconcile",
        "12: connections[2].baseUrl",
        "13: connections[2].email"
      ])
      expect(faults.join("\n")).not.toContain("sk-live")
    })
  )
})

describe("a configuration that cannot be read", () => {
  const only = (more: Partial<LoadOptions> = {}) =>
    loadConfig(options(more)).pipe(
      Effect.as("nothing was found wrong"),
      Effect.flip,
      Effect.map(({ message }) => message)
    )

  it.effect("says what to do where there is no file", () =>
    Effect.gen(function* () {
      expect(yield* only()).toBe(
        "config/parley.yaml: no such file; `parley init` writes one, or name another with --config FILE"
      )
      expect(yield* only({ config: "elsewhere.yaml" })).toMatch(/^elsewhere\.yaml: no such file; /)
      expect(yield* only({ environment: { PARLEY_CONFIG: "named.yaml" } })).toMatch(
        /^named\.yaml: no such file; /
      )
    })
  )

  it.effect("says so where it is nested without end, and where the mirror's path can be none", () =>
    Effect.gen(function* () {
      writeFileSync(join(folder, "deep.yaml"), `database: x.db\nconnections: ${"[".repeat(50_000)}`)
      expect(yield* only({ config: "deep.yaml" })).toMatch(
        /^deep\.yaml:2: column \d+: not readable as YAML: it is nested too deeply$/
      )
      for (const [path, what] of [
        ['"x\\0.db"', /no path holds the character NUL/],
        [`\${NOWHERE}/x.db`, /the variable NOWHERE is not set/],
        [`\${__proto__}/x.db`, /the variable __proto__ is not set/],
        [`\${constructor}/x.db`, /the variable constructor is not set/]
      ] as const) {
        writeFileSync(join(folder, "path.yaml"), `database: ${path}\nconnections: []\n`)
        const failure = yield* Effect.flip(loadDatabasePath(options({ config: "path.yaml" })))
        expect(failure.message).toMatch(what)
      }
    })
  )

  it.effect("says so where it is a folder, a ring of links, or no text", () =>
    Effect.gen(function* () {
      expect(yield* only({ config: "config" })).toBe(
        "config: a folder, not a file; name the file in it, such as config/parley.yaml"
      )
      symlinkSync("ring.yaml", join(folder, "ring.yaml"))
      expect(yield* only({ config: "ring.yaml" })).toBe(
        "ring.yaml: cannot be read: its path goes through symbolic links that lead back to themselves, or through too many; name the file itself"
      )
      writeFileSync(join(folder, "binary.yaml"), Buffer.from([0xff, 0xfe, 0x00]))
      expect(yield* only({ config: "binary.yaml" })).toBe(
        "binary.yaml: not text in UTF-8; save it again in that encoding"
      )
      expect(unreadable("a.yaml", "EACCES")).toBe(
        "no permission to read it; allow that with: chmod u+r a.yaml"
      )
    })
  )

  it.effect("does not overlook a .env that cannot be read", () =>
    Effect.gen(function* () {
      write(good)
      mkdirSync(join(folder, "config/.env"))
      expect(yield* only()).toMatch(/^config\/\.env: a folder, not a file/)
    })
  )
})
