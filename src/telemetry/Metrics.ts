import { recordOutcomes } from "../domain/RecordCounts.ts"
import { type Attributes, counter, type Distribution, histogram, type Metric, type Point } from "./otlp.ts"

/** Seconds. */
const runBounds = [1, 5, 15, 60, 300, 900, 3600, 14_400] as const

/** Sums, one for each set of attributes. */
class Counts {
  private readonly sums = new Map<string, { readonly attributes: Attributes; value: number }>()

  add(attributes: Attributes, value: number): void {
    const key = Object.values(attributes).join("\n")
    const entry = this.sums.get(key)
    if (entry === undefined) this.sums.set(key, { attributes, value })
    else entry.value += value
  }

  get points(): ReadonlyArray<Point> {
    return [...this.sums.values()]
  }
}

/** What is counted from the program's start on. */
export class Metrics {
  private readonly from: number
  readonly requests = new Counts()
  readonly refusals = new Counts()
  readonly waited = new Counts()
  readonly records = new Counts()
  private readonly runs = new Map<string, Distribution & { sum: number; counts: Array<number> }>()

  /** @param from epoch milliseconds */
  constructor(from: number) {
    this.from = from
  }

  /** From here on, all values of a connection's lane are reported, zeros included. */
  begin(attributes: Attributes): void {
    this.requests.add(attributes, 0)
    this.waited.add(attributes, 0)
    for (const status of [429, 449]) {
      this.refusals.add({ ...attributes, "http.response.status_code": status }, 0)
    }
    for (const outcome of recordOutcomes) this.records.add({ ...attributes, "parley.outcome": outcome }, 0)
  }

  runSeconds(attributes: Attributes, seconds: number): void {
    const key = Object.values(attributes).join("\n")
    const entry = this.runs.get(key) ?? { attributes, sum: 0, counts: runBounds.map(() => 0).concat(0) }
    const bucket = runBounds.findIndex((bound) => seconds <= bound)
    const index = bucket === -1 ? runBounds.length : bucket
    entry.counts[index] = (entry.counts[index] ?? 0) + 1
    entry.sum += seconds
    this.runs.set(key, entry)
  }

  /** All of it. @param to epoch milliseconds */
  read(to: number): ReadonlyArray<Metric> {
    const period = { from: this.from, to }
    const count = (name: string, unit: string, description: string, counts: Counts) =>
      counter({ name, unit, description }, period, counts.points)
    const all = [
      count("parley.requests", "{request}", "Requests sent to providers", this.requests),
      count("parley.refusals", "{answer}", "Answers 429 and 449", this.refusals),
      count("parley.waited", "ms", "Time that requests waited for a provider", this.waited),
      count("parley.records", "{record}", "Records received, by what became of them", this.records),
      histogram(
        { name: "parley.run.duration", unit: "s", description: "How long runs took" },
        period,
        runBounds,
        [...this.runs.values()]
      )
    ]
    return this.runs.size === 0 ? all.slice(0, -1) : all
  }
}
