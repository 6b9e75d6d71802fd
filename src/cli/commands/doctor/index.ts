import { type Input, lazily, verb } from "../../command.ts"
import { flag } from "../../options.ts"

const config = {
  full: flag(
    "full",
    "Also compare every index of the file with its table, which takes minutes for a large mirror."
  ),
  offline: flag("offline", "Send nothing: the clock is not compared with the providers'.")
}
export type DoctorInput = Input<typeof config>

export const doctor = verb(
  {
    name: "doctor",
    description:
      "Examines this installation: the mirror's file, who can read it, the disk, the clock against the providers', leases, versions. A line each: ok, warn or bad; ends with 3 where something is bad. Changes nothing; sends one request without credentials to each provider.",
    config,
    examples: ["parley doctor", "parley doctor --full --offline --json"]
  },
  lazily(async () => (await import("./run.ts")).doctor)
)
