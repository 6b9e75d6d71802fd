import { Options } from "@effect/cli"
import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { maxWait, names } from "../../options.ts"

const time = (name: "since" | "until", means: string) =>
  Options.text(name).pipe(Options.withPseudoName("TIME"), Options.withDescription(means), Options.optional)

const config = {
  names,
  since: time("since", "Only conversations that began at this time or later."),
  until: time("until", "Only conversations that began before this time."),
  restart: Options.boolean("restart").pipe(
    Options.withDescription(
      "Forget what earlier backfills and syncs have listed of the window, and list it again."
    )
  ),
  plan: Options.boolean("plan").pipe(
    Options.withDescription(
      "Show how many requests, how much time and what share of the limits it would take, asked with a few requests; write nothing."
    )
  ),
  deadline: Options.text("deadline").pipe(
    Options.withPseudoName("DURATION"),
    Options.withDescription(
      "When it must be done, such as 2h. Refused at once where that cannot be; else it stops there, and the next one goes on."
    ),
    Options.optional
  ),
  maxWait
}
export type BackfillInput = Input<typeof config>

export const backfill = verb(
  {
    name: "backfill",
    description:
      "Pulls the full history, or what is missing of it, beside the scheduled sync and behind it in line. An interrupted one goes on where it stopped.",
    config,
    whenStopped: goesOn,
    examples: [
      "parley backfill",
      "parley backfill support --since 2026-01-01 --until 2026-02-01",
      "parley backfill --plan --deadline 2h",
      "parley backfill --restart --max-wait 10m"
    ]
  },
  lazily(async () => (await import("./run.ts")).backfill)
)
