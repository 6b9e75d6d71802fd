import { type Input, lazily, verb } from "../../command.ts"
import { integer, text } from "../../options.ts"

const config = {
  to: text(
    "to",
    "FILE",
    "The backup. An older backup of the same mirror is replaced, once the new one is proved; any other file is left alone."
  ),
  keep: integer(
    "keep",
    "N",
    "Keep so many good backups, the new one included: FILE is the newest, and the others beside it have the moment that they show in their names. Before one is deleted, those that stay are read to their last byte; a damaged one does not count. Default: FILE alone is replaced, and others are left as they are."
  ),
  verify: text(
    "verify",
    "FILE",
    "Make no backup; read this one, and say whether it is good or what is wrong with it. Ends with 3 where something is. Needs no mirror."
  )
}
export type BackupInput = Input<typeof config>

export const backup = verb(
  {
    name: "backup",
    description:
      "Copies the mirror as it is at one moment, while syncs go on, into one file that only its owner may read. The copy is proved before it takes its name: every byte, SQLite's own structures and all rows are read again and compared with the mirror.",
    config,
    examples: [
      "parley backup --to backup.db",
      "parley backup --to /mnt/backups/parley.db --keep 7",
      "parley backup --verify /mnt/backups/parley.db"
    ],
    whenStopped: "no backup was made; what was there before is as it was"
  },
  lazily(async () => (await import("./run.ts")).backup)
)
