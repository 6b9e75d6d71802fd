import {
  type BusinessTime,
  openSeconds,
  parseOpenHours,
  type ZoneOffset,
  zoneOffsets
} from "../../domain/localTime.ts"
import type { Session } from "../Session.ts"

type Prepare = Pick<Session, "prepare">

/** How far ahead of the mirror's clock a message's time may lie. */
const dayMillis = 86_400_000

const read = ({ prepare }: Prepare) =>
  prepare("SELECT time_zone AS timeZone, business_hours AS businessHours FROM analysis_clock").get() as
    | BusinessTime
    | undefined

/**
 * What durations are counted with, as the mirror has it now: the latest time of a message that is believed (the time of the
 * newest commit and a day), and the business's hours.
 */
export const businessClock = (session: Prepare) => {
  const { prepare } = session
  const newest = prepare("SELECT at FROM commits ORDER BY seq DESC LIMIT 1").pluck()
  const offsets = prepare("SELECT from_second AS 'from', seconds FROM zone_offsets ORDER BY from_second")
  let known = ""
  let count: (asked: string, answered: string) => number | null = () => null
  let newestAt: unknown
  let believed = ""
  return () => {
    const at = newest.get()
    if (at !== newestAt) {
      newestAt = at
      believed = typeof at === "string" ? new Date(Date.parse(at) + dayMillis).toISOString() : "~"
    }
    const { businessHours = null, timeZone = "UTC" } = read(session) ?? {}
    if (known !== `${timeZone} ${businessHours}`) {
      known = `${timeZone} ${businessHours}`
      const hours = businessHours === null ? null : parseOpenHours(businessHours)
      const zone = offsets.all() as ReadonlyArray<ZoneOffset>
      count = (asked, answered) =>
        hours === null
          ? null
          : openSeconds(Date.parse(asked) / 1000, Date.parse(answered) / 1000, zone, hours)
    }
    /** Null where no hours are configured, or a time is not known. */
    const businessSeconds = (asked: string | null, answered: string | null): number | null =>
      asked === null || answered === null ? null : count(asked, answered)
    return { believed, businessSeconds }
  }
}

/** Where Node's knowledge of zones changes, so may their offsets. */
const rules = process.versions.tz ?? ""

/** Whether the mirror counts like that already. */
export const isBusinessTime = ({ prepare }: Prepare, { businessHours, timeZone }: BusinessTime): boolean => {
  const stored = prepare("SELECT time_zone, coalesce(business_hours, ''), rules FROM analysis_clock")
    .raw()
    .get() as ReadonlyArray<string> | undefined
  const isSame = stored?.[0] === timeZone && stored[1] === (businessHours ?? "")
  return isSame && (stored[2] === rules || timeZone === "UTC")
}

/**
 * Writes the business's time into the mirror where it is another one than is there, and has everything counted again that
 * depends on it (`refreshDerived`). To be called inside of a transaction. Returns whether it was another one.
 */
export const setBusinessTime = (session: Prepare, time: BusinessTime): boolean => {
  if (isBusinessTime(session, time)) return false
  const { prepare } = session
  prepare("DELETE FROM zone_offsets").run()
  const insert = prepare("INSERT INTO zone_offsets (from_second, from_at, seconds) VALUES (?, ?, ?)")
  for (const { from, seconds } of zoneOffsets(time.timeZone)) {
    insert.run(from, from < 0 ? "" : new Date(from * 1000).toISOString(), seconds)
  }
  prepare("UPDATE analysis_clock SET time_zone = ?, business_hours = ?, rules = ?, refresh_after = 0").run(
    time.timeZone,
    time.businessHours,
    rules
  )
  return true
}
