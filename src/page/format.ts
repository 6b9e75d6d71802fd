/*
 * Words, times and numbers as people read them. Times are shown in the zone that the server names.
 */

let zone = "UTC"
let formats = new Map<string, Intl.DateTimeFormat>()

export const setZone = (name: string): void => {
  zone = name
  formats = new Map()
}

export const theZone = (): string => zone

const format = (key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const made = formats.get(key) ?? new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone })
  formats.set(key, made)
  return made
}

/** `10:05` */
export const clock = (time: string): string =>
  format("clock", { hour: "2-digit", minute: "2-digit" }).format(new Date(time))

/** `Sat 7 Mar 2026` */
export const day = (time: string): string =>
  format("day", { weekday: "short", day: "numeric", month: "short", year: "numeric" })
    .format(new Date(time))
    .replace(",", "")

/** `7 Mar 2026, 10:05` */
export const moment = (time: string): string =>
  format("moment", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit"
  }).format(new Date(time))

const units = [
  [86_400_000 * 365, "y"],
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"]
] as const

/** `3 h`, `12 d` */
export const span = (millis: number): string => {
  for (const [size, name] of units) if (millis >= size) return `${Math.floor(millis / size)} ${name}`
  return "0 s"
}

/** `3 h ago`; of what is ahead, its time. */
export const ago = (time: string): string => {
  const millis = Date.now() - Date.parse(time)
  return millis < -1_000 ? moment(time) : millis < 60_000 ? "just now" : `${span(millis)} ago`
}

export const count = (number: number): string => number.toLocaleString("en")

/** `1 change`, `2,000 changes` */
export const counted = (number: number, one: string, more = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : more}`

const statuses: Readonly<Record<string, string>> = {
  active: "Active",
  handed_off: "Handed off",
  completed: "Completed",
  abandoned: "Abandoned",
  unknown: "Unknown"
}

export const statusName = (status: string): string => statuses[status] ?? status

export const allStatuses = Object.keys(statuses)

const states: Readonly<Record<string, string>> = {
  proposed: "needs approval",
  pending: "to be sent",
  sending: "being sent",
  queued: "queued there",
  sent: "sent, not yet confirmed",
  confirmed: "confirmed",
  rejected: "rejected",
  conflict: "in conflict",
  cancelled: "cancelled"
}

export const stateName = (state: string): string => states[state] ?? state

const roles: Readonly<Record<string, string>> = {
  customer: "Customer",
  agent: "Agent",
  human: "Person",
  system: "System",
  unknown: "Unknown"
}

export const roleName = (role: string): string => roles[role] ?? role

/** Who a conversation is with. */
export const nameOf = (row: {
  readonly id: string
  readonly title: string | null
  readonly contact: {
    readonly name: string | null
    readonly email: string | null
    readonly phone: string | null
  } | null
}): string => {
  const { contact, id, title } = row
  for (const text of [contact?.name, title, contact?.email, contact?.phone]) {
    if (text !== null && text !== undefined && text.trim() !== "") return text
  }
  return id
}
