import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Message } from "./platform.ts"

/*
 * A platform that joins a source and a destination, as processes: it passes on records and states alone, compares what all
 * three have counted, ends a source that sends neither for too long, and keeps what the destination has given back.
 */

/** When the platform loses one of them; null: it does not. */
export interface Deaths {
  /** After so many lines of the source. */
  readonly source: number | null
  /** After so many lines to the destination. */
  readonly destination: number | null
  /** As soon as so many states have come back. */
  readonly answers: number | null
}

export const noDeath: Deaths = { source: null, destination: null, answers: null }

export interface Attempt {
  readonly codes: readonly [source: number | null, destination: number | null]
  /** Records before the states that came back, of all streams, in their order. */
  readonly taken: ReadonlyArray<Message>
  /** The last state of each stream that came back, by its name. */
  readonly states: ReadonlyMap<string, Message>
  readonly sourceLines: number
  /** What was wrong with what came: empty, where both keep the protocol. */
  readonly faults: ReadonlyArray<string>
}

const ended = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  return child.exitCode
}

const streamOf = (state: Message): string => state.stream.stream_descriptor.name

/** @param heartbeat milliseconds within which the source has to send a record or a state */
export const join = async (
  source: ChildProcess,
  destination: ChildProcess,
  deaths: Deaths,
  heartbeat: number
): Promise<Attempt> => {
  const { stdin, stdout } = destination
  if (source.stdout === null || stdin === null || stdout === null) throw new Error("no pipes")
  const faults: Array<string> = []
  const unsettled = new Map<string, Array<Message>>()
  const sent: Array<{ readonly state: Message; readonly records: ReadonlyArray<Message> }> = []
  const taken: Array<Message> = []
  const states = new Map<string, Message>()
  // Who is dead takes nothing more.
  stdin.on("error", () => undefined)

  const answered = (async () => {
    let back = 0
    for await (const line of createInterface({ input: stdout })) {
      if (destination.killed) break
      const { state, type } = JSON.parse(line)
      if (type !== "STATE") continue
      const next = sent.shift()
      const { destinationStats, ...rest } = state
      if (next === undefined || JSON.stringify(rest) !== JSON.stringify(next.state)) {
        faults.push(`a state came back that is not the next one: ${line}`)
        continue
      }
      const counts = [
        next.records.length,
        state.sourceStats.recordCount,
        destinationStats.recordCount + destinationStats.rejectedRecordCount
      ]
      if (new Set(counts).size > 1) faults.push(`counts of ${streamOf(state)} differ: ${counts.join(", ")}`)
      taken.push(...next.records)
      states.set(streamOf(state), state)
      back += 1
      if (back === deaths.answers) destination.kill("SIGKILL")
    }
  })()

  let sourceLines = 0
  let passed = 0
  let beat = setTimeout(() => undefined, 0)
  const expectBeat = () => {
    clearTimeout(beat)
    beat = setTimeout(() => {
      faults.push(`the source sent neither a record nor a state for ${heartbeat} ms`)
      source.kill("SIGKILL")
    }, heartbeat)
  }
  expectBeat()
  for await (const line of createInterface({ input: source.stdout })) {
    sourceLines += 1
    if (deaths.source !== null && sourceLines > deaths.source) source.kill("SIGKILL")
    // What was on its way when it died is lost, too.
    if (source.killed) break
    const { record, state, type } = JSON.parse(line)
    if (type !== "RECORD" && type !== "STATE") continue
    expectBeat()
    const stream: string = type === "RECORD" ? record.stream : streamOf(state)
    const waiting = unsettled.get(stream) ?? []
    if (type === "RECORD") unsettled.set(stream, [...waiting, record])
    else {
      sent.push({ state, records: waiting })
      unsettled.delete(stream)
    }
    passed += 1
    if (deaths.destination !== null && passed > deaths.destination) destination.kill("SIGKILL")
    if (destination.killed || stdin.destroyed) continue
    if (stdin.write(`${line}\n`)) continue
    // Now it is the destination that the source waits for.
    clearTimeout(beat)
    await new Promise<void>((done) => {
      stdin.once("drain", done)
      stdin.once("close", done)
    })
    expectBeat()
  }
  clearTimeout(beat)
  const code = await ended(source)
  if (code === 0) {
    for (const name of states.keys()) {
      const stream_status = { stream_descriptor: { name }, status: "COMPLETE" }
      stdin.write(
        `${JSON.stringify({ type: "TRACE", trace: { type: "STREAM_STATUS", emitted_at: 1, stream_status } })}\n`
      )
    }
  }
  stdin.end()
  await answered
  return { codes: [code, await ended(destination)], taken, states, sourceLines, faults }
}
