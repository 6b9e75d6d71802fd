import { Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { readNotify } from "../../src/config/notify.ts"
import { alertEvents } from "../../src/config/schema.ts"

const read = (written: unknown, environment: Record<string, string> = {}) => {
  const faults: Array<string> = []
  const targets = readNotify(written, { environment, dotenv: ".env" }, (path, message) => {
    faults.push(`${path.join(".")}: ${message}`)
  })
  return { targets, faults }
}

/** As it is written in a configuration. */
const variable = (name: string): string => ["$", "{", name, "}"].join("")

describe("notify", () => {
  it("names programs and addresses, of everything unless it says of what", () => {
    const { faults, targets } = read(
      [{ command: ["mail", "ops"], on: ["failed", "recovered"], stale: "2h" }, { url: variable("HOOK") }],
      { HOOK: " https://hooks.example/T0/B0?token=x " }
    )
    expect(faults).toEqual([])
    expect(targets[0]).toEqual({
      to: { _tag: "Command", words: ["mail", "ops"] },
      on: new Set(["failed", "recovered"]),
      staleMillis: 7_200_000
    })
    expect(targets[1]?.on).toEqual(new Set(alertEvents))
    const to = targets[1]?.to
    expect(to?._tag === "Url" ? Redacted.value(to.url) : null).toBe("https://hooks.example/T0/B0?token=x")
    expect(JSON.stringify(targets)).not.toContain("hooks.example")
  })

  it("says of each fault where it is and what to write, and repeats no address", () => {
    const wrong = [
      ["mail", ": expected a list; each entry begins with - command: or - url:"],
      [["mail"], "0: expected keys with values"],
      [[{ url: "https://hooks.example/secret" }], "0.url: the address of a webhook is a secret"],
      [[{ url: variable("NONE") }], "0.url: the variable NONE is not set"],
      [[{ url: variable("PLAIN") }], "0.url: the value of PLAIN is plain http would show credentials"],
      [[{ url: variable("BAD") }], "0.url: the value of BAD is not a URL"],
      [[{ comand: ["x"] }], '0.comand: unknown key; did you mean "command"?'],
      [[{}], `0: one of command: [...] and url: ${variable("PARLEY_NOTIFY_URL")} is needed`],
      [[{ command: "mail ops" }], "0.command: expected a program and its arguments as a list"],
      [[{ command: ["x"], url: variable("BAD") }], "0: one of command"],
      [[{ command: ["x"], on: ["fail"] }], "0.on.0: "],
      [[{ command: ["x"], stale: "soon" }], "0.stale: not a duration"]
    ] as const
    for (const [written, message] of wrong) {
      const { faults, targets } = read(written, { PLAIN: "http://hooks.example/s", BAD: "hooks" })
      expect(targets).toEqual([])
      expect(faults.join("\n")).toContain(message)
      expect(faults.join("\n")).not.toContain("hooks.example")
    }
  })
})
