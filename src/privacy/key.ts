import { createHmac, hash, randomBytes } from "node:crypto"
import { closeSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Data, Effect } from "effect"
import { messageOf } from "../domain/messageOf.ts"
import { normalizeEmail, normalizePhone } from "../domain/phone.ts"
import { createPrivate, unfinishedName } from "../files/newFile.ts"
import { refuseLaid } from "../files/ownership.ts"
import { stateFolder } from "../http/limits/shared/stateFolder.ts"
import type { HashKind, KeyedHash } from "./policy.ts"

/*
 * The key of hashed values. It is kept beside the mirror's file and not in it: whoever has both can try all telephone
 * numbers there are within hours.
 */

class HashKeyMissing extends Data.TaggedError("HashKeyMissing")<{
  readonly message: string
  readonly hint: string
}> {}

/** The variable that may hold the key. */
export const keyVariable = "PARLEY_HASH_KEY"

/** Characters of a key that is given, at least. */
export const shortestKey = 32

const givenKey = (environment: NodeJS.ProcessEnv): string => environment[keyVariable]?.trim() ?? ""

export const hashKeyFile = (environment: NodeJS.ProcessEnv = process.env): string =>
  join(stateFolder(environment).folder, "hash.key")

const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === code

/** Made once: of processes that begin at the same time all have the key of the first. */
const readOrMake = (file: string): Buffer => {
  for (;;) {
    try {
      refuseLaid(file)
      const text = readFileSync(file, "utf8").trim()
      if (text.length < shortestKey) throw new Error(`${file} holds no key`)
      return Buffer.from(text)
    } catch (cause) {
      if (!hasCode(cause, "ENOENT")) throw cause
    }
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const unfinished = unfinishedName(file)
    const descriptor = createPrivate(unfinished)
    try {
      writeFileSync(descriptor, `${randomBytes(32).toString("base64url")}\n`)
      // Fails where there is one by now.
      linkSync(unfinished, file)
    } catch (cause) {
      if (!hasCode(cause, "EEXIST")) throw cause
    } finally {
      closeSync(descriptor)
      rmSync(unfinished, { force: true })
    }
  }
}

/** From `$PARLEY_HASH_KEY`, else from the file of this user's, which is made where there is none. */
export const hashKey = (
  environment: NodeJS.ProcessEnv = process.env
): Effect.Effect<Buffer, HashKeyMissing> =>
  Effect.gen(function* () {
    const given = givenKey(environment)
    if (given.length >= shortestKey) return Buffer.from(given)
    if (given !== "") {
      return yield* new HashKeyMissing({
        message: `${keyVariable} has ${given.length} characters: a key needs ${shortestKey} or more`,
        hint: "set it to what `openssl rand -hex 32` prints, and keep it: another key makes other hashes"
      })
    }
    if (stateFolder(environment).isTemporary) {
      return yield* new HashKeyMissing({
        message: "privacy hashes values, and this user has no home folder that would keep the key",
        hint: `set ${keyVariable} to what \`openssl rand -hex 32\` prints, or XDG_STATE_HOME to a folder that stays`
      })
    }
    const file = hashKeyFile(environment)
    return yield* Effect.try({
      try: () => readOrMake(file),
      catch: (cause) =>
        new HashKeyMissing({
          message: `the key of hashed values cannot be read or made: ${messageOf(cause)}`,
          hint: `make ${dirname(file)} writable, or set ${keyVariable} to what \`openssl rand -hex 32\` prints`
        })
    })
  })

/** The hashes of values that people look for, by the key that there is; null: there is none. */
export const knownHash = (environment: NodeJS.ProcessEnv = process.env): KeyedHash | null => {
  const given = givenKey(environment)
  if (given.length >= shortestKey) return keyedHash(Buffer.from(given))
  try {
    const text = readFileSync(hashKeyFile(environment), "utf8").trim()
    return text.length < shortestKey ? null : keyedHash(Buffer.from(text))
  } catch {
    return null
  }
}

const normalized = (kind: HashKind, value: string): string => {
  const text = value.normalize("NFKC").trim()
  if (kind === "email") return normalizeEmail(text.replace(/^mailto:/i, "")) ?? text.toLowerCase()
  if (kind === "phone") return normalizePhone(text, null) ?? text.toLowerCase()
  return text.replace(/\s+/g, " ").toLowerCase()
}

/** `hash:` and 132 bits of HMAC-SHA-256: the same for two ways of writing a value. */
export const keyedHash =
  (key: Uint8Array): KeyedHash =>
  (kind, value) =>
    `hash:${createHmac("sha256", key)
      .update(`${kind}\n${normalized(kind, value)}`)
      .digest("base64url")
      .slice(0, 22)}`

/** Tells one key from another, and nothing else. */
export const keyMark = (key: Uint8Array): string =>
  hash("sha256", Buffer.concat([Buffer.from("parley hash key\0"), key]), "hex").slice(0, 8)
