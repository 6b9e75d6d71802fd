import { Effect } from "effect"
import { present } from "../../../domain/present.ts"
import type { Mirror } from "../../../store/mirror/Mirror.ts"
import { existingStoreLayer, talkingLayer } from "../../../sync/layers.ts"
import type { Progress } from "../../../sync/progress.ts"
import { type Fault, type LaneWork, run } from "../../../sync/run.ts"
import { type Verdict, verify as verifyConnection } from "../../../sync/verify.ts"
import { loadConfiguration, selectConnections } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { maxWaitMillis } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { counted, grouped } from "../../terminal/numbers.ts"
import type { VerifyInput } from "./index.ts"

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.01 ? 2 : 1)}%`

/** What came of those that the provider answered for. @param count how many these are */
const compared = (
  { contacts, outdated, overtaken, repaired, unreadable, withoutMessages }: Verdict,
  count: number
): ReadonlyArray<string> =>
  present(
    repaired.length > 0 &&
      `${counted(repaired.length, "was", "were")} wrong and repaired (${repaired.slice(0, 5).join(", ")}${repaired.length > 5 ? ", …" : ""})`,
    repaired.length + contacts === 0 &&
      count > unreadable.length &&
      (unreadable.length === 0 ? "none was wrong" : "none that could be read was wrong"),
    contacts > 0 && `the contact of ${grouped(contacts)} was wrong and repaired`,
    outdated > 0 && `${grouped(outdated)} had changed there since they were last read`,
    overtaken > 0 &&
      `${grouped(overtaken)} ${overtaken === 1 ? "was" : "were"} stored by another run meanwhile`,
    unreadable.length > 0 &&
      `${grouped(unreadable.length)} could not be read: \`parley quarantine\` shows why`,
    withoutMessages > 0 &&
      `of ${grouped(withoutMessages)} the messages were not compared, since the provider did not show them`
  )

const inQuarantine = (count: number): string => `${counted(count, "record is", "records are")} in quarantine`

const sentence = (name: string, verdict: Verdict): string => {
  const { atMostWrong, checked, gone, held, merged, quarantined, stopped, unreadable, withoutMessages } =
    verdict
  const asked = `${name}: ${grouped(checked)} of ${counted(held, "conversation")}`
  if (stopped !== null) {
    const others = compared(verdict, checked - gone.length)
    const said = [`${asked} requested`, stopped.message, ...others.map((words) => `of the others ${words}`)]
    return `${said.join("; ")}.`
  }
  const said = present(
    `${asked} compared with the provider`,
    ...compared(verdict, checked),
    gone.length > 0 &&
      `${counted(gone.length, "does", "do")} not exist there any more and ${gone.length === 1 ? "is" : "are"} marked deleted`,
    merged.length > 0 && `${counted(merged.length, "was", "were")} merged into others there`,
    quarantined > 0 &&
      `${inQuarantine(quarantined)}, and nothing in ${quarantined === 1 ? "it" : "them"} was compared`
  ).join("; ")
  const isAll = unreadable.length + quarantined + withoutMessages === 0
  if (checked >= held)
    return `${said}.${isAll ? " All were checked." : checked > 0 ? " All others were." : ""}`
  return `${said}. At most ${percent(atMostWrong)} of the others are wrong, with 95% confidence.`
}

/** Why a connection is not as it was found, could not be put right, or not be compared; null: none of that. */
const faultOf = ({
  atMostWrong,
  contacts,
  quarantined,
  repaired,
  stopped,
  withoutMessages
}: Verdict): Fault | null => {
  const wrong = repaired.length + contacts
  if (stopped !== null) return stopped
  if (wrong === 0 && quarantined > 0) return unreadFault(quarantined)
  if (wrong === 0) return withoutMessages === 0 ? null : unshownFault(withoutMessages)
  return {
    kind: "repaired",
    message: `${counted(wrong, "conversation")} differed from the provider and ${wrong === 1 ? "was" : "were"} repaired`,
    hint: atMostWrong === 0 ? "" : "parley verify --all compares the others too"
  }
}

const unshownFault = (count: number): Fault => ({
  kind: "incomplete",
  message: `the messages of ${counted(count, "conversation")} were not compared: the provider did not show them`,
  hint: "`parley check` says whether they may be read; `messages: off` on the connection does without them"
})

const unreadFault = (count: number): Fault => ({
  kind: "quarantined",
  message: `${inQuarantine(count)}: what ${count === 1 ? "it holds" : "they hold"} was not compared`,
  hint: "`parley quarantine list` shows why; `parley quarantine dismiss ID…` accepts that"
})

export const verify = Effect.fn("verify")(function* (input: VerifyInput) {
  if (input.sample < 1) {
    return yield* new UsageError({ message: "--sample: less than one", hint: "write 1 or more, or --all" })
  }
  const waitMillis = yield* maxWaitMillis(input.maxWait)
  const config = yield* loadConfiguration
  const connections = yield* selectConnections(config, input.names)
  const verdicts = new Map<string, Verdict>()
  const lane: LaneWork<Mirror | Progress> = {
    lane: "verify",
    work: (connection, runId) =>
      Effect.map(verifyConnection(connection, runId, input.all ? null : input.sample), (verdict) => {
        verdicts.set(connection.config.name, verdict)
        return { fault: faultOf(verdict) }
      })
  }
  const { exitCode, report } = yield* run({
    command: "verify",
    connections,
    maxWaitMillis: waitMillis,
    lanes: [lane]
  }).pipe(Effect.provide([existingStoreLayer(config.database), talkingLayer]))
  const lines = report.connections.flatMap(({ error, name }) => {
    const verdict = verdicts.get(name)
    return [
      verdict === undefined
        ? `${name}: ${error?.message ?? "nothing was compared"}`
        : sentence(name, verdict),
      ...(error === null || error.hint === "" ? [] : [`  ${error.hint}`])
    ]
  })
  yield* answer({ ...report, verdicts: Object.fromEntries(verdicts) }, lines.join("\n"))
  return exitCode
})
