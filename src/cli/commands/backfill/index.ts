import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { flag, maxWait, names, text } from "../../options.ts"

const config = {
  names,
  since: text("since", "TIME", "Only conversations that began at this time or later."),
  until: text("until", "TIME", "Only conversations that began before this time."),
  restart: flag(
    "restart",
    "Forget which parts of the window earlier backfills and syncs have listed, and list it again."
  ),
  plan: flag(
    "plan",
    "Show how many requests, how much time and what share of the limits it would take. Sends a few requests; writes nothing."
  ),
  deadline: text(
    "deadline",
    "DURATION",
    "When it must be done, such as 2h. Refused at once if that is impossible; otherwise the backfill stops there, and the next one resumes."
  ),
  maxWait
}
export type BackfillInput = Input<typeof config>

export const backfill = verb(
  {
    name: "backfill",
    description:
      "Pulls the full history, or what is missing of it, beside the scheduled sync and at a lower priority. An interrupted backfill resumes where it stopped.",
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
