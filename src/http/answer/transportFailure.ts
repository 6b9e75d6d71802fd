import { Malformed, Unavailable } from "../../domain/ProviderError.ts"
import { fileFaults } from "../../files/faults.ts"
import type { Asked } from "./classify.ts"

/** Why no answer came. `retry`: whether the same request may do better in a moment. */
interface TransportFailure {
  readonly what: string
  readonly hint: string
  readonly retry: boolean
}

/** The first error code in a chain of causes, with the words that came with it. */
const codeOf = (cause: unknown, depth = 0): { readonly code: string; readonly words: string } => {
  if (typeof cause !== "object" || cause === null || depth > 5) return { code: "", words: "" }
  const { code, message, cause: inner, errors } = cause as Readonly<Record<string, unknown>>
  if (typeof code === "string") return { code, words: typeof message === "string" ? message : "" }
  const nested = codeOf(inner ?? (Array.isArray(errors) ? errors[0] : undefined), depth + 1)
  return nested.code === "" && typeof message === "string" ? { code: "", words: message } : nested
}

/** A proxy that did not open the way: undici gives its status only in words. */
const proxyAnswer = (words: string, host: string): TransportFailure | null => {
  const status = Number(/Proxy response \((\d{3})\)/.exec(words)?.[1] ?? 0)
  if (status === 0) return null
  if (status === 407)
    return {
      what: `${host} cannot be reached: the proxy asks for credentials, or refuses those that it was given (407)`,
      hint: "write them into the proxy's address as http://user:password@host:port, percent-encoded",
      retry: false
    }
  return {
    what: `${host} cannot be reached: the proxy answered ${status}`,
    hint:
      status >= 500
        ? "the proxy does not reach it: check the network and run again later"
        : "the proxy does not let this through: ask its operator, or name the host in NO_PROXY",
    retry: status >= 500
  }
}

const certificate = /^(?:CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/

const later = "check the network and run again later, nothing is lost"

const explain = (code: string, words: string, host: string, connection: string): TransportFailure => {
  const proxy = host.includes("through the proxy") ? ", and the proxy" : ""
  const address = `check baseUrl of connection "${connection}"${proxy}`
  const passing = (what: string, hint: string): TransportFailure => ({ what, hint, retry: true })
  const lasting = (what: string, hint: string): TransportFailure => ({ what, hint, retry: false })
  const throughProxy = proxyAnswer(words, host)
  if (throughProxy !== null) return throughProxy
  switch (code) {
    case "PROXY_FAULT":
      return lasting(
        words,
        "write it as http://proxy.example:3128, with user:password@ before the host if it asks for them"
      )
    case "ENOTFOUND":
      return lasting(`the host ${host} does not exist`, address)
    case "EAI_AGAIN":
      return passing(`the host ${host} could not be looked up`, `check the network, then ${address}`)
    case "ECONNREFUSED":
      return passing(`${host} refused the connection`, `${address}, or whether it is running`)
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return passing(`${host} cannot be reached`, `check the network, then ${address}`)
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return passing(`${host} stopped answering`, later)
    case "UND_ERR_INVALID_ARG":
      return lasting(
        "the request cannot be sent as it is: a header's value is none",
        `check the credential of connection "${connection}"`
      )
    case "UND_ERR_HEADERS_OVERFLOW":
      return lasting(
        "the headers of its answer are longer than the 64 kB that are read",
        `${address}, and any proxy in front of ${host} that adds headers or cookies`
      )
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return passing(`${host} closed the connection`, later)
    case "EMFILE":
    case "ENFILE": {
      const fault = fileFaults[code]
      if (fault === undefined) break
      return passing(
        `no connection to ${host} can be opened: ${fault.what}`,
        `${fault.advice}, and run again: nothing is lost`
      )
    }
    case "EADDRNOTAVAIL":
      return passing(
        `no connection to ${host} can be opened: this machine has no port left for one`,
        "end other programs that open many connections, and run again later: nothing is lost"
      )
    case "EACCES":
    case "EPERM":
      return passing(
        `this machine does not let a connection to ${host} be opened (${code})`,
        "check its firewall, and what this user or container may reach"
      )
  }
  if (/WRONG_VERSION_NUMBER|wrong version number/.test(`${code} ${words}`))
    return lasting(`${host} does not speak https`, `${address}: http or https, and the port`)
  if (certificate.test(code))
    return lasting(
      `the certificate of ${host} is not trusted (${code})`,
      "check the address and this computer's clock; for a private authority set NODE_EXTRA_CA_CERTS"
    )
  if (code.startsWith("HPE_") || code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH")
    return passing(
      `what ${host} answered is not HTTP as it should be (${code})`,
      `${address}; if it is right, something between here and ${host} breaks the answers: run again later`
    )
  return passing(`no usable answer came from ${host}${code === "" ? "" : ` (${code})`}`, later)
}

/** No answer, or none that came whole. */
const noAnswer = (message: string, hint: string, cause: string): Unavailable =>
  new Unavailable({ message, hint, status: null, retryAt: null, cause })

/**
 * Turns what the platform throws into `Unavailable`, in words. The platform's own error holds the request with its
 * credentials, so only what lies beneath it is kept as the cause.
 */
export const transportFailure = (
  asked: Asked,
  host: string,
  cause: unknown
): { readonly error: Unavailable; readonly retry: boolean } => {
  const { code, words } = codeOf(cause)
  const { what, hint, retry } = explain(code, words, host, asked.connection)
  const message = `${asked.title} gave no answer to ${asked.operation}: ${what}`
  return { error: noAnswer(message, hint, code === "" ? words : code), retry }
}

/** Nothing more of an answer came for so long. */
export const tookTooLong = (asked: Asked, host: string, millis: number): Unavailable =>
  noAnswer(
    `${asked.title} gave no whole answer to ${asked.operation} within ${Math.round(millis / 1000)} s: ${host} is silent`,
    later,
    "timeout"
  )

/** The connection ended before the answer did, or what is packed in it does not unpack. */
export const cutShort = (asked: Asked, bytes: number, cause: unknown): Unavailable => {
  const { code } = codeOf(cause)
  const what =
    code === "Z_DATA_ERROR"
      ? `is packed with gzip and damaged: ${bytes} bytes do not unpack`
      : `was cut after ${bytes} bytes`
  return noAnswer(
    `${asked.title}'s answer to ${asked.operation} ${what}`,
    "what came whole is kept; run again to fetch the rest",
    code || "cut"
  )
}

/** An answer that is larger than is read. @param words what is too large, and how large it may be */
export const tooLarge = (asked: Asked, words: string): Malformed =>
  new Malformed({
    message: `${asked.title}'s answer to ${asked.operation} is larger than the limit: ${words}`,
    hint: `if it is right, allow more with maxAnswer of connection "${asked.connection}"; else ask ${asked.title}`,
    where: asked.operation,
    detail: words
  })

/** An answer that this program cannot cope with. */
export const unreadable = (asked: Asked, cause: unknown): Malformed =>
  new Malformed({
    message: `${asked.title}'s answer to ${asked.operation} cannot be read: ${codeOf(cause).words}`,
    hint: `ask ${asked.title} what it answers`,
    where: asked.operation,
    detail: codeOf(cause).words
  })

export const isTooSlow = (cause: unknown): boolean => codeOf(cause).code === "ANSWER_TOO_SLOW"

/** Next to nothing came for a minute, or it took too long in all. */
export const tooSlow = (asked: Asked, host: string, words: string): Unavailable =>
  noAnswer(
    `${asked.title}'s answer to ${asked.operation} came too slowly to wait for: ${words} from ${host}`,
    later,
    "too slow"
  )

/** Why a body did not come whole, from what ended it. */
export const bodyFailure = (
  asked: Asked,
  host: string,
  bytes: number,
  cause: unknown
): Unavailable | Malformed => {
  const { code, words } = codeOf(cause)
  if (code === "ANSWER_TOO_LARGE") return tooLarge(asked, words)
  return code === "ANSWER_TOO_SLOW" ? tooSlow(asked, host, words) : cutShort(asked, bytes, cause)
}
