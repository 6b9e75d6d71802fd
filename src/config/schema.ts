import { Schema } from "effect"
import { parseOpenHours } from "../domain/localTime.ts"
import { DurationText, isTimeZone, Percentage, SizeText } from "./units.ts"
import { variablePattern } from "./variables.ts"

/*
 * What a configuration may say, but for the keys that only one provider has: those are in that provider's settings.
 * Every value here is as it is written; defaults are put in by load.ts.
 */

const refined = (message: string) => ({ message: () => ({ message, override: true }) })

export const ConnectionName = Schema.String.pipe(Schema.pattern(/^[a-z0-9-]+$/)).annotations({
  ...refined("not a name for a connection; write small letters, digits and hyphens, such as my-inbox"),
  description: "Your name for this account: unique, of small letters, digits and hyphens."
})

const AtLeastOne = Schema.Number.pipe(Schema.int(), Schema.positive()).annotations({
  ...refined("expected a whole number from 1 on"),
  description: "A whole number from 1 on."
})

const ConfiguredLimit = Schema.Struct({
  requests: AtLeastOne.annotations({ description: "This many requests …" }),
  per: DurationText.annotations({ description: "… in any stretch of this length: 1 minute, 1h." }),
  scope: Schema.optional(
    Schema.Literal("connection", "path").annotations({
      description:
        "What shares it: all requests of the connection (default), or those of one method and path."
    })
  )
})

const VendorWord = Schema.String.pipe(Schema.minLength(1)).annotations(
  refined("expected the vendor's word for this status, as text")
)

const StatusWords = Schema.Struct({
  active: Schema.optionalWith(VendorWord, { exact: true }),
  handed_off: Schema.optionalWith(VendorWord, { exact: true }),
  completed: Schema.optionalWith(VendorWord, { exact: true }),
  abandoned: Schema.optionalWith(VendorWord, { exact: true })
}).annotations({ description: "The vendor's word to write for a status, where it is not the usual one." })

const variableOnly = {
  jsonSchema: { type: "string", pattern: variablePattern }
}

/** The last part of the address that webhooks are sent to: who knows it may send some, so it is as good as a key. */
const HintPath = Schema.String.pipe(
  Schema.filter((path) => /^[A-Za-z0-9_-]{16,200}$/.test(path)),
  Schema.annotations({
    ...refined(
      "not a part of an address that no one guesses; set the variable to 16 or more letters, digits, hyphens or underscores, such as `openssl rand -hex 16` prints"
    ),
    ...variableOnly
  })
)

const HintKey = Schema.String.pipe(
  Schema.filter((key) => /^[\x21-\x7e]+$/.test(key)),
  Schema.annotations({
    ...refined(
      "not a key; set the variable to the key alone, as the vendor shows it, without spaces or line breaks"
    ),
    ...variableOnly
  })
)

const HintKeys = Schema.Struct({
  path: HintPath,
  signingKey: Schema.Union(HintKey, Schema.NonEmptyArray(HintKey))
}).annotations({
  description:
    "Webhooks of this connection, for `parley watch --hints`: path, the secret last part of their address (POST /hints/NAME/PATH), and signingKey, the vendor's key or a list of them. Variables alone."
})

const personal = (what: string) =>
  Schema.optional(
    Schema.Literal("keep", "hash", "drop").annotations({
      description: `${what}: keep, hash (with a key, so that equal ones stay equal) or drop. Default: keep.`
    })
  )

/** What is not to be stored of people. */
const PrivacyKeys = Schema.Struct({
  names: personal("Names, postal addresses, pictures and handles"),
  emails: personal("E-mail addresses"),
  phones: personal("Telephone numbers"),
  texts: Schema.optional(
    Schema.Literal("keep", "mask", "drop").annotations({
      description:
        "What was written: keep, mask (e-mail addresses, telephone, card and account numbers in it) or drop. Default: keep."
    })
  )
}).annotations({
  description: "What of people is changed or left out before anything is stored, raw payloads included."
})

/** The keys that every connection can have. */
export const CommonKeys = Schema.Struct({
  name: ConnectionName,
  provider: Schema.String.annotations({ description: "The vendor." }),
  enabled: Schema.optional(
    Schema.Boolean.annotations({ description: "false leaves this connection out. Default: true." })
  ),
  baseUrl: Schema.optional(
    Schema.String.annotations({
      description: "Where requests go, with the vendor's prefix. https, or http on this very machine."
    })
  ),
  quota: Schema.optional(
    Percentage.annotations({ description: "Share of the vendor's limits to use: 60%. Default: 100%." })
  ),
  limits: Schema.optional(
    Schema.NonEmptyArray(ConfiguredLimit).annotations({
      description: "Replaces the limits that are known of this vendor.",
      message: (issue) => ({
        message: "expected a list such as [{ requests: 500, per: 1 minute, scope: connection }]",
        override: !(Array.isArray(issue.actual) && issue.actual.length > 0)
      })
    })
  ),
  concurrency: Schema.optional(
    AtLeastOne.annotations({
      description: "Requests in flight at most. Default: as many as the limits allow."
    })
  ),
  maxAnswer: Schema.optional(
    SizeText.annotations({
      description:
        "The largest answer that is read, as sent and unpacked, and the largest element of a streamed list, which may be 64 times as large in all. Up to 256MB. Default: 64MB."
    })
  ),
  messages: Schema.optional(
    Schema.Literal("auto", "off").annotations({
      description: "off: conversations without their messages. Default: auto."
    })
  ),
  deleteBrake: Schema.optional(
    Percentage.annotations({
      description:
        "At most this share of the conversations (or 50) is marked deleted in one run. Default: 2%."
    })
  ),
  pushBrake: Schema.optional(
    AtLeastOne.annotations({
      description:
        "The most status changes that one run sends; more wait for `parley push --confirm N`. Default: 100."
    })
  ),
  statusMap: Schema.optional(StatusWords),
  keepRaw: Schema.optional(
    Schema.Literal("newest", "all").annotations({
      description: "Payloads kept as they came: the newest of each record, or every version. Default: newest."
    })
  ),
  conflict: Schema.optional(
    Schema.Literal("manual", "remote-wins", "local-wins").annotations({
      description: "What becomes of a change when the provider's status has changed too. Default: manual."
    })
  ),
  privacy: Schema.optional(PrivacyKeys),
  hints: Schema.optional(HintKeys),
  reconcile: Schema.optional(
    DurationText.annotations({ description: "How often a complete scan runs. Default: 24 hours." })
  )
})
export type CommonKeys = typeof CommonKeys.Type

/** What someone can be told of. `recovered`: that one of the others is over. */
export const alertEvents = ["failed", "recovered", "stale", "conflict", "quarantine", "brake"] as const
export type AlertEvent = (typeof alertEvents)[number]

/** One entry of `notify`. */
export const NotifyEntry = Schema.Struct({
  command: Schema.optional(
    Schema.NonEmptyArray(Schema.String.pipe(Schema.minLength(1))).annotations({
      ...refined("expected a program and its arguments as a list, such as [notify-send, Parley]"),
      description: "A program and its arguments; it gets the event as JSON on stdin."
    })
  ),
  url: Schema.optional(
    Schema.String.annotations({
      description:
        "The variable with the address of a webhook (Slack, Mattermost, Teams, Discord, or your own), in braces behind a dollar sign."
    })
  ),
  on: Schema.optional(
    Schema.NonEmptyArray(Schema.Literal(...alertEvents)).annotations({
      description: `Of what: ${alertEvents.join(", ")}. Default: all of them.`
    })
  ),
  stale: Schema.optional(
    DurationText.annotations({
      description: "After how long without a complete sync a connection counts as stale. Default: 24 hours."
    })
  )
})

const Keep = Schema.Struct({
  messages: Schema.optional(
    DurationText.annotations({ description: "Messages that were sent longer ago are let go: 400 days." })
  ),
  raw: Schema.optional(
    DurationText.annotations({ description: "Payloads that came longer ago are let go: 30 days." })
  ),
  ledger: Schema.optional(
    DurationText.annotations({
      description: "What is recorded of runs and requests is let go after this long: 90 days."
    })
  )
}).annotations({
  description:
    "How long messages, payloads and the record of runs are kept. What is left out is kept for ever."
})

/** The whole file; what a connection holds depends on its provider. */
export const Document = Schema.Struct({
  database: Schema.optional(
    Schema.String.pipe(Schema.minLength(1)).annotations({
      ...refined("expected the path of a file"),
      description: "The mirror's file. A relative path starts at this file's folder."
    })
  ),
  timeZone: Schema.optional(
    Schema.String.pipe(Schema.filter(isTimeZone)).annotations({
      ...refined("not a time zone; write a name such as Europe/Berlin or America/New_York"),
      description:
        "The zone of local days and hours in views and the report, such as Europe/Berlin. Default: UTC."
    })
  ),
  businessHours: Schema.optional(
    Schema.String.pipe(Schema.filter((text) => parseOpenHours(text) !== null)).annotations({
      ...refined("not business hours; write days and times, such as Mon-Fri 09:00-17:00, Sat 10:00-14:00"),
      description:
        "When people are there to answer, by the clock of timeZone: Mon-Fri 09:00-17:00, Sat 10:00-14:00."
    })
  ),
  keep: Schema.optional(Keep),
  notify: Schema.optional(
    Schema.Array(NotifyEntry).annotations({
      description: "Who is told when a connection needs attention, and when it no longer does."
    })
  ),
  connections: Schema.NonEmptyArray(Schema.Unknown).annotations({
    ...refined("expected a list with at least one connection; each begins with - name: and provider:"),
    description: "The accounts to mirror."
  })
})
