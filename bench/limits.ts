/*
 * What the governor makes of limits, in real time: vendors and clients are processes of their own on loopback.
 * npm run bench limits [-- name…], names: window, processes, pause, unknown, latency, beside, speed
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Lane, Limit } from "../src/http/contract.ts"
import { runVendor, type VendorLimits } from "./support/limitsVendor.ts"
import { runWorker, type Work, type WorkDone } from "./support/limitsWorker.ts"

const [mode, argument = ""] = process.argv.slice(2)

type Log = ReadonlyArray<readonly [at: number, status: number, worker: string]>

const print = (line: string) => process.stdout.write(`${line}\n`)
const row = (...cells: ReadonlyArray<string>) =>
  print(`| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(46) : cell.padStart(12))).join(" | ")} |`)

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")))
    })
    child.once("exit", (code) => reject(new Error(`a process ended early with ${code}`)))
  })

const start = (role: string, argument: unknown): ChildProcess =>
  spawn(process.execPath, [process.argv[1] ?? "", role, JSON.stringify(argument)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"]
  })

const withVendor = async <A>(limits: VendorLimits, use: (url: string) => Promise<A>): Promise<A> => {
  const child = start("vendor", limits)
  const url = `http://127.0.0.1:${await firstLine(child)}`
  try {
    return await use(url)
  } finally {
    child.disconnect()
  }
}

const logOf = async (url: string): Promise<Log> => (await fetch(`${url}/log`)).json() as Promise<Log>

const work = async (works: ReadonlyArray<Work>, startEvery = 0): Promise<ReadonlyArray<WorkDone>> =>
  Promise.all(
    works.map(async (one, index) => {
      await sleep(index * startEvery)
      return JSON.parse(await firstLine(start("worker", one))) as WorkDone
    })
  )

interface PlainWork {
  readonly url: string
  readonly requests: number
  readonly concurrency: number
}

const plain = async (work: PlainWork): Promise<Pick<WorkDone, "startedAt" | "finishedAt" | "cpuMillis">> =>
  JSON.parse(await firstLine(start("plain", work)))

const newQuotaFile = () => join(mkdtempSync(join(tmpdir(), "parley-bench-")), "quota.db")

const perMinute: Limit = { name: "500 a minute", requests: 500, perMillis: 60_000, scope: "connection" }
const perSecond: Limit = { name: "50 a second", requests: 50, perMillis: 1000, scope: "connection" }

const jobFor = (baseUrl: string, requests: number, more: Partial<Work> = {}): Work => ({
  worker: "one",
  baseUrl,
  credential: "bench",
  lane: "sync",
  limits: [],
  quotaFile: newQuotaFile(),
  requests,
  concurrency: null,
  ...more
})

/** The most of `times` in any window. */
const most = (times: ReadonlyArray<number>, perMillis: number): number => {
  let from = 0
  let fullest = 0
  for (let to = 0; to < times.length; to += 1) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= perMillis) from += 1
    fullest = Math.max(fullest, to - from + 1)
  }
  return fullest
}

/** Of what whole windows allowed before the last request was free to leave, how much was used. */
const used = (times: ReadonlyArray<number>, limit: Limit): number => {
  const first = times[0] ?? 0
  const windows = Math.floor(((times.at(-1) ?? 0) - first) / limit.perMillis)
  const counted = times.filter((at) => at < first + windows * limit.perMillis).length
  return counted / (windows * limit.requests)
}

const seconds = (millis: number) => `${(millis / 1000).toFixed(2)} s`
const percent = (share: number) => `${(share * 100).toFixed(1)}%`

const windowRow = async (
  name: string,
  jobs: ReadonlyArray<{ readonly lane: Lane; readonly requests: number }>
) =>
  withVendor({ window: perMinute }, async (url) => {
    const quotaFile = newQuotaFile()
    const done = await work(
      jobs.map(({ lane, requests }, index) =>
        jobFor(url, requests, { worker: `${index}`, lane, limits: [perMinute], quotaFile })
      ),
      500
    )
    const log = await logOf(url)
    const times = log.filter(([, status]) => status === 200).map(([at]) => at)
    const refused = log.length - times.length
    const wall =
      Math.max(...done.map((one) => one.finishedAt)) - Math.min(...done.map((one) => one.startedAt))
    const needed = (times.length / perMinute.requests) * perMinute.perMillis
    row(
      name,
      seconds(wall),
      `${(wall / needed).toFixed(3)} x`,
      percent(used(times, perMinute)),
      `${most(times, perMinute.perMillis)}`,
      percent(refused / log.length)
    )
  })

const experiments: Record<string, () => Promise<void>> = {
  window: async () => {
    row("500 in any 60 s", "wall time", "÷ needed", "quota used", "most in 60 s", "429s")
    await windowRow("one process, 1,200 requests", [{ lane: "sync", requests: 1200 }])
  },
  processes: async () => {
    row("500 in any 60 s", "wall time", "÷ needed", "quota used", "most in 60 s", "429s")
    await windowRow("three processes, 3 x 600 requests", [
      { lane: "sync", requests: 600 },
      { lane: "backfill", requests: 600 },
      { lane: "verify", requests: 600 }
    ])
  },
  pause: async () => {
    row(
      "a 429 in one of three processes",
      "told to wait",
      "last to stop",
      "sent early",
      "goes on after",
      "429s"
    )
    await withVendor({ refuse: { afterMillis: 3000, seconds: 5 } }, async (url) => {
      const quotaFile = newQuotaFile()
      const limit: Limit = { name: "200 a second", requests: 200, perMillis: 1000, scope: "connection" }
      const done = await work(
        ["sync", "sync", "sync"].map((lane, index) =>
          jobFor(url, 500, { worker: `${index}`, lane: lane as Lane, limits: [limit], quotaFile })
        )
      )
      const refusals = (await logOf(url)).filter(([, status]) => status === 429)
      const knownAt = Math.min(...done.flatMap((one) => one.refusedAt))
      const sent = done.flatMap((one) => one.sentAt).toSorted((left, right) => left - right)
      const until = (refusals[0]?.[0] ?? 0) + 5000
      const late = sent.filter((at) => at > knownAt && at < until)
      row(
        "three processes, 200 a second together",
        "5 s",
        late.length === 0 ? "at once" : `${Math.max(...late) - knownAt} ms`,
        `${late.filter((at) => at - knownAt > 100).length}`,
        seconds((sent.find((at) => at >= until) ?? 0) - (refusals[0]?.[0] ?? 0)),
        `${refusals.length}`
      )
    })
  },
  unknown: async () => {
    row("50 a second, bucket of 5, 505 requests", "wall time", "÷ least", "429s", "", "")
    for (const [name, limits] of [
      ["never told", []],
      ["told", [perSecond]]
    ] as const) {
      await withVendor({ bucket: { burst: 5, perSecond: 50 }, retryAfter: "1" }, async (url) => {
        const [done] = await work([jobFor(url, 505, { limits })])
        const log = await logOf(url)
        const wall = (done?.finishedAt ?? 0) - (done?.startedAt ?? 0)
        row(
          name,
          seconds(wall),
          `${(wall / 10_000).toFixed(2)} x`,
          `${log.filter(([, status]) => status === 429).length}`,
          "",
          ""
        )
      })
    }
    await withVendor({ bucket: { burst: 5, perSecond: 50 }, retryAfter: "1" }, async (url) => {
      const quotaFile = newQuotaFile()
      await work([jobFor(url, 505, { quotaFile })])
      const before = (await logOf(url)).length
      const [done] = await work([jobFor(url, 505, { quotaFile })])
      const log = (await logOf(url)).slice(before)
      const wall = (done?.finishedAt ?? 0) - (done?.startedAt ?? 0)
      row(
        "never told, the next run",
        seconds(wall),
        `${(wall / 10_000).toFixed(2)} x`,
        `${log.filter(([, status]) => status === 429).length}`,
        "",
        ""
      )
    })
  },
  latency: async () => {
    row("505 requests, 50 ms each, no limit told or kept", "wall time", "÷ floor", "429s", "", "")
    await withVendor({ answerAfter: 50 }, async (url) => {
      const floor = await plain({ url, requests: 505, concurrency: 32 })
      const floorWall = floor.finishedAt - floor.startedAt
      row("plain node:http client, 32 at once", seconds(floorWall), "1.00 x", "0", "", "")
      const quotaFile = newQuotaFile()
      for (const name of ["parley, never told", "parley, the next run"]) {
        const [done] = await work([jobFor(url, 505, { quotaFile })])
        const wall = (done?.finishedAt ?? 0) - (done?.startedAt ?? 0)
        row(name, seconds(wall), `${(wall / floorWall).toFixed(2)} x`, `${done?.refused ?? 0}`, "", "")
      }
    })
  },
  beside: async () => {
    row("three connections beside one that waits 60 s", "alone", "beside it", "share", "", "")
    await withVendor({}, async (url) =>
      withVendor({ refuse: { afterMillis: 0, seconds: 60 } }, async (waiting) => {
        const limit: Limit = { name: "100 a second", requests: 100, perMillis: 1000, scope: "connection" }
        const three = () =>
          work(
            ["a", "b", "c"].map((worker) =>
              jobFor(url, 1000, { worker, credential: worker, limits: [limit] })
            )
          )
        const wallOf = (done: ReadonlyArray<WorkDone>) =>
          Math.max(...done.map((one) => one.finishedAt - one.startedAt))
        const alone = wallOf(await three())
        const stuck = start("worker", jobFor(waiting, 1, { worker: "d", credential: "d" }))
        await sleep(1000)
        const beside = wallOf(await three())
        stuck.kill()
        row(
          "100 a second each, 1,000 requests each",
          seconds(alone),
          seconds(beside),
          percent(alone / beside),
          "",
          ""
        )
      })
    )
  },
  speed: async () => {
    row("5,000 requests on loopback, no limit in the way", "requests/s", "CPU each", "", "", "")
    const free: Limit = {
      name: "100,000 a minute",
      requests: 100_000,
      perMillis: 60_000,
      scope: "connection"
    }
    await withVendor({}, async (url) => {
      for (const round of [1, 2, 3]) {
        const bare = await plain({ url, requests: 5000, concurrency: 16 })
        const wallPlain = bare.finishedAt - bare.startedAt
        row(
          `plain node:http client, round ${round}`,
          `${Math.round(5_000_000 / wallPlain)}`,
          `${(bare.cpuMillis / 5).toFixed(0)} µs`,
          "",
          "",
          ""
        )
        const [done] = await work([jobFor(url, 5000, { limits: [free], concurrency: 16 })])
        const wall = (done?.finishedAt ?? 0) - (done?.startedAt ?? 0)
        row(
          `parley, round ${round}`,
          `${Math.round(5_000_000 / wall)}`,
          `${((done?.cpuMillis ?? 0) / 5).toFixed(0)} µs`,
          "",
          "",
          ""
        )
      }
    })
  }
}

/** What a program without any of this does: the same requests, so many at once. */
const runPlain = async ({ url, requests, concurrency }: PlainWork): Promise<void> => {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const get = () =>
    new Promise<void>((resolve, reject) => {
      request(
        `${url}/conversations?worker=plain&limit=1`,
        { agent, headers: { "x-api-key": "bench" } },
        (response) => {
          let text = ""
          response.on("data", (chunk: Buffer) => {
            text += chunk.toString("utf8")
          })
          response.on("end", () => (text === "" ? reject(new Error("empty")) : resolve()))
        }
      )
        .on("error", reject)
        .end()
    })
  const startedAt = Date.now()
  const cpu = process.cpuUsage()
  let left = requests
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await get()
    })
  )
  const usage = process.cpuUsage(cpu)
  const cpuMillis = (usage.user + usage.system) / 1000
  process.stdout.write(`${JSON.stringify({ startedAt, finishedAt: Date.now(), cpuMillis })}\n`)
  agent.destroy()
}

const runAll = async () => {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(experiments)
  for (const name of names) {
    await experiments[name]?.()
    print("")
  }
}

if (mode === "vendor") runVendor(JSON.parse(argument) as VendorLimits)
else if (mode === "worker") runWorker(JSON.parse(argument) as Work)
else if (mode === "plain") await runPlain(JSON.parse(argument) as PlainWork)
else await runAll()
