import { Options } from "@effect/cli"
import { type Input, lazily, verb } from "../../command.ts"
import { choice, integer } from "../../options.ts"

const config = {
  to: Options.text("to").pipe(
    Options.withPseudoName("DIR"),
    Options.withDescription(
      "The folder; created if it is missing. It gets parley.db and manifest.json, which are replaced at once: who has the older file open reads on in it."
    )
  ),
  keep: integer(
    "keep",
    "N",
    "Keep so many publications, the new one included; older ones have the moment that they show in their names. Default: the newest alone is replaced."
  ),
  mode: Options.text("mode").pipe(
    Options.withPseudoName("MODE"),
    Options.withDescription("Who may read the files, as for chmod: 0600, 0640 or 0644. Default: 0644."),
    Options.withDefault("0644")
  ),
  without: choice(
    "without",
    ["raw"],
    "raw: leave out the payloads as they came, those in quarantine included. The file is smaller, and rows stay as they are."
  )
}
export type PublishInput = Input<typeof config>

export const publish = verb(
  {
    name: "publish",
    description:
      "Writes a copy of the mirror for readers who must not touch the live one: one SQLite file of one moment, without a write-ahead log, which opens in folders that cannot be written. It has everything that the dictionary explains, and nothing that only Parley needs, nothing that was deleted. Where readers would see nothing new, nothing is written.",
    config,
    examples: [
      "parley publish --to /srv/reports",
      "parley publish --to /srv/reports --mode 0640 --without raw --keep 3"
    ],
    whenStopped: "nothing was published; what was there before is as it was"
  },
  lazily(async () => (await import("./run.ts")).publish)
)
