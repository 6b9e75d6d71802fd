import { Redacted } from "effect"
import type { Authorization, ProviderRequest } from "../../http/contract.ts"

/*
 * What a vendor documents, as data: the adapter asks by it, the simulated vendor enforces it, and `check --contract`
 * compares a live account with it. Everything is read where it is used, so that there is no second copy of a number.
 */

/** One documented thing and the page that says so. */
export interface Fact<A> {
  readonly is: A
  readonly source: string
}

/** The JSON type of a documented field; `?`: it may be missing or null. */
export type FieldFact =
  `${"text" | "number" | "flag" | "list" | "object" | "any" | "text or number"}${"" | "?"}`

export interface Facts {
  /** Method and path, with what is to be put in in braces: `GET /contact/{contact}`. */
  readonly endpoints: Readonly<Record<string, Fact<string>>>
  /** Name of the header that carries the credential, and what stands before it. */
  readonly credential: Fact<{ readonly header: string; readonly prefix: string }>
  /** The largest page sizes, and the longest texts that are written, in characters. */
  readonly sizes: Readonly<Record<string, Fact<number>>>
  /** Requests that are allowed in a window. */
  readonly rates: Readonly<Record<string, Fact<{ readonly requests: number; readonly perMillis: number }>>>
  /** The words that a field may hold: `conversation.status`; or that may be written: `write.status`. */
  readonly words: Readonly<Record<string, Fact<ReadonlyArray<string>>>>
  /** The fields of each kind of record. */
  readonly records: Readonly<Record<string, Fact<Readonly<Record<string, FieldFact>>>>>
}

/** Method and path of an endpoint. @param values what stands in braces, which is percent-encoded here */
export const route = (
  { is }: Fact<string>,
  values: Readonly<Record<string, string>> = {}
): Pick<ProviderRequest, "method" | "path"> => {
  const [method = "GET", path = ""] = is.split(" ")
  return {
    method: method as ProviderRequest["method"],
    path: path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""))
  }
}

export const credentialHeaders = ({ is }: Facts["credential"], credential: string) => ({
  [is.header]: Redacted.make(`${is.prefix}${credential}`)
})

/** A credential that stays the same. @param setting its name in the configuration */
export const fixedCredential = (
  fact: Facts["credential"],
  credential: Redacted.Redacted,
  setting: string
): Authorization => ({
  _tag: "Fixed",
  headers: credentialHeaders(fact, Redacted.value(credential)),
  credential,
  setting
})
