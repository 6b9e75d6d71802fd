import { goesOn, type Input, lazily, verb } from "../../command.ts"
import { flag, integer, text } from "../../options.ts"

const config = {
  port: integer(
    "port",
    "N",
    "The port to listen on; 0 takes any that is free. Default: 8717, or any where that is in use."
  ),
  open: flag("open", "Also open the page in the browser."),
  readOnly: flag("read-only", "Show everything, change nothing. Needs no configuration."),
  watch: text(
    "watch",
    "DURATION",
    "Also sync at this interval, such as 5m: changes go out, then what changed comes in."
  ),
  hints: text(
    "hints",
    "ADDRESS:PORT",
    "Also take in webhooks here, on loopback, as `parley watch --hints` does."
  ),
  host: text("host", "ADDRESS", "Listen on this address instead of loopback; only with --behind-proxy."),
  behindProxy: text(
    "behind-proxy",
    "URL",
    "The address under which a proxy, which decides who may come, shows the page, such as https://parley.example. The variable PARLEY_SERVE_TOKEN holds the token that lets a browser in."
  )
}
export type ServeInput = Input<typeof config>

export const serve = verb(
  {
    name: "serve",
    description:
      "Serves a page over the mirror on this machine: read, search and triage conversations, change statuses, see how the sync is doing. Prints its address, whose token lets one browser in. Runs until stopped.",
    config,
    whenStopped: goesOn,
    examples: [
      "parley serve --open",
      "parley serve --watch 5m",
      "parley serve --read-only --db parley-demo.db"
    ]
  },
  lazily(async () => (await import("./run.ts")).serve)
)
