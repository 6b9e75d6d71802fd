import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { verbs } from "../../../src/cli/commands/index.ts"
import { Providers } from "../../../src/cli/Providers.ts"
import { runCommand } from "../../support/cli.ts"
import { fakeRegistry } from "../../support/fakeRegistry.ts"

const watch = (argv: ReadonlyArray<string>) =>
  Effect.runPromise(
    runCommand(verbs, ["watch", ...argv], { cwd: "/nowhere" }).pipe(
      Effect.provideService(Providers, Effect.succeed(fakeRegistry))
    )
  )

describe("a schedule that cannot be kept", () => {
  const wrong: ReadonlyArray<readonly [argv: ReadonlyArray<string>, says: RegExp]> = [
    [[], /there is no schedule.*\n.*give one: --every 5m/],
    [["--every", "5m", "--cron", "* * * * *"], /two schedules/],
    [["--every", "often"], /not a duration/],
    [["--every", "10ms"], /less than 1 second/],
    [["--cron", "0 0 30 2 *"], /no such day/],
    [["--cron", "61 * * * *"], /invalid value for minute: 61/],
    [["--cron", "* * * * *", "--time-zone", "Berlin"], /no time zone "Berlin".*\n.*Europe\/Berlin/],
    [["--every", "5m", "--jitter", "10m"], /--jitter is not shorter/]
  ]
  for (const [argv, says] of wrong) {
    it(`ends with 2 and says what to write: watch ${argv.join(" ")}`, async () => {
      const { code, stderr, stdout } = await watch(argv)
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr).toMatch(says)
    })
  }

  it("is told after nothing else: the configuration is looked at once the schedule is right", async () => {
    const { code, stderr } = await watch(["--every", "5m"])
    expect(code).toBe(2)
    expect(stderr).toMatch(/parley\.yaml: no such file/)
  })
})
