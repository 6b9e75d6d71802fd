import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { flag, maxWait, names, text } from "../../options.ts"

const config = {
  names,
  every: text(
    "every",
    "DURATION",
    "Run now, and then at this interval, such as 30s, 5m or 2h. `auto`: each connection as often as it bears, at most every 30s, and every 15m where --hints brings its news."
  ),
  cron: text(
    "cron",
    "EXPRESSION",
    'A run whenever this says so: minute, hour, day of the month, month, day of the week, such as "*/5 * * * *"; six fields begin with seconds.'
  ),
  timeZone: text(
    "time-zone",
    "ZONE",
    "The time zone of --cron and of the times shown, such as UTC or Europe/Berlin. Default: this machine's."
  ),
  jitter: text(
    "jitter",
    "DURATION",
    "Delay each run by a random time up to this, so that many machines do not send in the same second. Default: a tenth of the interval, at most 30s; 0s switches it off."
  ),
  health: text(
    "health",
    "ADDRESS:PORT",
    "Serve /healthz (200, or 503 where the schedule is stuck or the mirror cannot be read) and /metrics (Prometheus) there. A port alone is on loopback; neither page holds a text, an address or a secret."
  ),
  hints: text(
    "hints",
    "ADDRESS:PORT",
    "Also take in webhooks here, on loopback, of the connections that have `hints` in the configuration (POST /hints/NAME/PATH): what they name is read within seconds. The schedule stays, since webhooks get lost. Default: none."
  ),
  pullOnly: flag("pull-only", "Send no status changes."),
  maxWait
}

export type WatchInput = Input<typeof config>

export const watch = verb(
  {
    name: "watch",
    description:
      "Syncs on a schedule, in the foreground, until stopped. A connection is never in two runs at once, and its runs take at most half of the time and of what its limits let through, however short the interval; missed runs (the machine slept, or the last run took long) are made up once. A connection that fails is retried on its own after 1 minute (or the interval, if shorter), then 2, 4, … up to 1 hour, and never before its provider allows; the others keep the schedule. SIGHUP reloads the configuration; SIGINT and SIGTERM stop it, and committed data is kept.",
    config,
    whenStopped: goesOn,
    examples: [
      "parley watch --every 5m",
      'parley watch --cron "*/5 8-18 * * 1-5" --time-zone Europe/Berlin',
      "parley watch --every 5m --health 9464",
      "parley watch --every auto --hints 127.0.0.1:8718    # behind a proxy that speaks TLS",
      "parley watch leads support --every 30m --json    # a JSON document a run, one a line"
    ]
  },
  lazily(async () => (await import("./run.ts")).watch)
)
